"""Who gives a word: an analyst, by the name at the operating system."""

from __future__ import annotations

import os
import pwd

from enricher.rulegen.ledger.checks import MAX_WHO


def user_name() -> str:
    """Name of the user of the operating system; the number where it has none."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return name[:MAX_WHO]
