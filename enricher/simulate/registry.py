"""Which scenarios there are: benign ones, and ways to play each attack family."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from enricher.simulate import (
    attack_channels,
    attack_exfiltration,
    attack_names,
    attack_passwords,
    attack_scans,
    attack_web,
    benign_desktop,
    benign_office,
    benign_things,
)
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import World

Scenario: TypeAlias = Callable[[World, Traffic, np.random.Generator], None]

BENIGN: dict[str, Scenario] = {
    "browsing": benign_desktop.browsing,
    "misspelt names": benign_desktop.misspelt_names,
    "updates": benign_desktop.updates,
    "mail": benign_office.mail,
    "time": benign_office.network_time,
    "file server": benign_office.file_server,
    "printing": benign_office.printing,
    "monitoring": benign_office.monitoring,
    "reputation lookups": benign_office.reputation_lookups,
    "administration": benign_office.administration,
    "own web server": benign_things.own_web_server,
    "things": benign_things.phoning_home,
    "backup": benign_things.backup,
}

# Each instance of a family is played by one of its scenarios, drawn anew.
ATTACKS: dict[str, tuple[Scenario, ...]] = {
    "beaconing": (attack_channels.http_beacon, attack_channels.tls_beacon),
    "cross-site-scripting": (attack_web.cross_site_scripting,),
    "crypto-mining": (attack_channels.crypto_mining,),
    "data-exfiltration": (attack_exfiltration.over_tls, attack_exfiltration.over_http),
    "ddos-flood": (attack_scans.syn_flood,),
    "dga": (attack_names.generated_names,),
    "dns-tunnel": (attack_names.dns_tunnel,),
    "horizontal-scan": (attack_scans.horizontal_scan,),
    "password-spraying": (attack_passwords.spraying,),
    "path-traversal": (attack_web.path_traversal,),
    "sql-injection": (attack_web.sql_injection,),
    "ssh-bruteforce": (attack_passwords.ssh_guessing,),
    "vertical-scan": (attack_scans.vertical_scan,),
    "web-vulnerability-scan": (attack_web.vulnerability_scan,),
}
FAMILIES = tuple(ATTACKS)
