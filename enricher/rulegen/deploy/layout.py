"""Rules for others to load: one file of them, or a folder for ``suricata-update --local``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from enricher.errors import OutputError
from enricher.rulegen.deploy.content import lists_of, render
from enricher.rulegen.deploy.files import open_rules_file
from enricher.rulegen.deploy.update_filters import warnings
from enricher.rulegen.ledger.candidate import Status
from enricher.rulegen.ledger.deployment import deployable
from enricher.rulegen.ledger.ledger import Ledger
from enricher.sinks import FileSink

FILE = "enricher.rules"
APPROVED: frozenset[Status] = frozenset({"approved", "shadow", "live"})


def export(ledger: Ledger, path: Path, statuses: Collection[Status] = APPROVED) -> int:
    """Write rules to a file of their own, in the order of their sids.

    Every one is there to be loaded, for whoever names a status wants to try its rules; above each
    that is not approved stands that it is not. A deployment never takes such a rule.

    Args:
        ledger: The ledger.
        path: The file; what it has is replaced.
        statuses: The statuses of the rules that are written.

    Returns:
        How many rules were written.

    Raises:
        StateError: If the ledger can not be read, or is not in order.
        OutputError: If the file can not be written.
    """
    approved = {(one.id, one.rev) for one in deployable(ledger)}
    rules = [one for one in ledger.all() if one.status in statuses]
    with FileSink(path) as sink:
        for one in rules:
            status = one.status if (one.id, one.rev) in approved else f"{one.status}, not approved"
            head = f"# {status}: {one.id} revision {one.rev} of family {one.family!a}"
            sink.write(head.encode())
            sink.write(one.rule.encode())
    return len(rules)


def export_local(
    ledger: Ledger, folder: Path, modify: Path | None = None, drop: Path | None = None
) -> list[str]:
    """Write the approved rules, and the files they load, for ``suricata-update --local FOLDER``.

    Args:
        ledger: The ledger.
        folder: The folder; it is made where it is not there.
        modify: The site's ``modify.conf`` of suricata-update.
        drop: Its ``drop.conf``.

    Returns:
        What those would do to the rules that they should not.

    Raises:
        StateError: If the ledger can not be read, or is not in order.
        InputError: If the folder has an ``enricher.rules`` of somebody else, or another file under
            a name that a rule loads; or a file of suricata-update can not be read.
        OutputError: If it can not be written.
    """
    rules = deployable(ledger)
    lists = lists_of(rules)
    found = warnings(rules, FILE, modify, drop)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    with open_rules_file(folder / FILE) as target:
        target.add(lists)
        target.replace(render(rules, "shadow"))
        target.settle()
    return found
