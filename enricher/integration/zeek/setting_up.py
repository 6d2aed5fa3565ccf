"""What a site's Zeek needs to be told so that the enricher's package runs in it."""

from __future__ import annotations

import shlex
import stat
from dataclasses import dataclass
from pathlib import Path

from enricher.integration.looking import is_file, real_path, status_of
from enricher.integration.zeek.control import Control, read_control
from enricher.integration.zeek.installation import Installation
from enricher.integration.zeek.statements import load, redef

LOGS = Path("/var/log/enricher/zeek")
"""Where the package writes logs unless ``Enricher::directory`` says otherwise."""
VERDICTS = Path("/run/enricher/zeek")
"""Where verdicts are handed over unless somebody says otherwise."""
NAME = "enricher"
"""What the folder of the package is called among a site's scripts."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The package at a site.

    Attributes:
        package: Its folder.
        logs: Where it writes logs.
        verdicts: Where it takes verdicts from; None for not at all.
        installation: The Zeek, where one was found.
    """

    package: Path
    logs: Path = LOGS
    verdicts: Path | None = VERDICTS
    installation: Installation | None = None

    def lines(self) -> list[str]:
        """The lines for ``local.zeek``.

        Raises:
            InputError: If a path cannot be written in a script.
        """
        lines = [load(self._name()), redef("Enricher::directory", self.logs)]
        if self.verdicts is not None:
            lines += [
                redef("Enricher::verdicts_file", self.verdicts / "verdicts.dat"),
                redef("Enricher::intel_file", self.verdicts / "intel.dat"),
            ]
        return lines

    def script(self) -> Path | None:
        """The script that the lines belong into, where it is known."""
        control = self._control()
        if control is None:
            return None
        places = [site / name for site in control.sites for name in control.scripts]
        return next((place for place in places if is_file(place)), None)

    def site(self) -> Path | None:
        """Where the site's own scripts are; ZeekControl brings them to all machines."""
        control = self._control()
        return control.sites[0] if control is not None and control.sites else None

    def command(self, script: Path | None = None) -> str:
        """What makes Zeek take the lines up.

        Args:
            script: Where the lines were written, if they were.
        """
        if self.installation is None:
            return "zeekctl deploy"
        control = self.installation.prefix / "bin" / "zeekctl"
        if is_file(control):
            return f"{shlex.quote(str(control))} deploy"
        program = self.installation.program or Path("zeek")
        asked = "local" if script is None else str(script)
        ask = shlex.join((str(program), "-a", asked))
        return f"{ask}   # is it right? Then restart Zeek"

    def cautions(self) -> list[str]:
        """What else has to be seen to."""
        cautions = [
            f"Zeek's user has to be able to write {self.logs}, that of 'enricher run' to read it."
        ]
        if not _all_may_read(self.package):
            cautions.append("Not every user may read the package: copy it with --out.")
        control, name = self._control(), self._name()
        if control is not None and name.startswith("/"):
            elsewhere = sorted({node.host for node in control.nodes if not node.is_here})
            if elsewhere:
                site = self.site() or Path("share/zeek/site")
                cautions.append(
                    f"node.cfg names other hosts: '--out {shlex.quote(str(site / NAME))}' lets "
                    "ZeekControl bring the package there."
                )
        return cautions

    def _name(self) -> str:
        """How scripts name it: by its last name where Zeek looks for scripts of the site."""
        site = self.site()
        if site is not None and real_path(self.package.parent) == real_path(site) is not None:
            return self.package.name
        return str(self.package)

    def _control(self) -> Control | None:
        if self.installation is None:
            return None
        return read_control(self.installation.prefix, self.installation.settings)


def _all_may_read(folder: Path) -> bool:
    """Whether a user who is nobody's friend may read what is in a folder."""
    for place in (folder, *folder.parents):
        status = status_of(place)
        if status is None or not status.st_mode & stat.S_IXOTH:
            return False
    status = status_of(folder)
    return status is not None and bool(status.st_mode & stat.S_IROTH)
