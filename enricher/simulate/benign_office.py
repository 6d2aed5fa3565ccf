"""What an office network does by itself: mail, time, files, printing, monitoring, logins."""

from __future__ import annotations

import numpy as np
import polars as pl

from enricher.simulate import names
from enricher.simulate.clients import LIBRARY_TLS
from enricher.simulate.protocols import bursts, ends, hellos, lognormal, lookup, sizes, steady
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import World, outside_address


def mail(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Mail programs that look for mail every few minutes, and mail that is sent."""
    address, name = outside_address(rng), f"imap.{names.site_name(rng)}"
    for host in world.desktops.to_list():
        period = float(rng.choice([120.0, 300.0, 300.0, 600.0])) / world.scale
        ts = steady(rng, world.start, world.start + world.seconds, period, 0.02)
        number = len(ts)
        sending = rng.random(number) < 0.08  # noqa: PLR2004
        port = np.where(sending, int(rng.choice([465, 587])), 993)
        flows = traffic.conn(
            ts=ts,
            orig_h=host,
            resp_h=address,
            resp_p=port,
            service="ssl",
            duration=lognormal(rng, 0.8, 0.7, number),
            orig_bytes=np.where(
                sending, sizes(rng, 30_000, 1.8, number), sizes(rng, 950, 0.2, number)
            ),
            resp_bytes=np.where(sending, 5200, sizes(rng, 6500, 0.9, number)),
            state=ends(rng, number, {"SF": 0.96, "RSTO": 0.04}),
        )
        hellos(traffic, rng, flows, name=name, styles=LIBRARY_TLS[:4], resumed=0.5)


def network_time(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """NTP at powers of two seconds (RFC 5905)."""
    servers = [outside_address(rng) for _ in range(4)]
    for host in [*world.desktops.to_list(), *world.servers.to_list(), *world.devices.to_list()]:
        period = float(rng.choice([64, 256, 1024, 1024, 2048])) / world.scale
        ts = steady(rng, world.start, world.start + world.seconds, period, 0.02)
        answered = rng.random(len(ts)) > 0.03  # noqa: PLR2004
        traffic.conn(
            ts=ts,
            orig_h=host,
            resp_h=names.choose(rng, servers),
            resp_p=123,
            orig_p=123,
            proto="udp",
            service="ntp",
            duration=np.where(answered, lognormal(rng, 0.02, 0.4, len(ts)), np.nan),
            orig_bytes=48,
            resp_bytes=np.where(answered, 48, 0),
            state=pl.Series(["S0", "SF"]).gather(answered * 1),
        )


def file_server(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """SMB and Kerberos to the site's own servers; long and short, large and small."""
    number = int(rng.poisson(7.0 * world.hours * len(world.desktops) * world.scale))
    ts = world.times(rng, number)
    source = world.desktops.gather(rng.integers(0, len(world.desktops), number))
    target = world.servers.gather(rng.integers(0, max(1, len(world.servers) // 2), number))
    kind = rng.choice(3, number, p=[0.6, 0.25, 0.15])
    traffic.conn(
        ts=ts,
        orig_h=source,
        resp_h=target,
        resp_p=np.array([445, 88, 389])[kind],
        service=pl.Series(["gssapi,smb,krb,ntlm", "krb_tcp", "ldap_tcp"]).gather(kind),
        duration=np.where(
            kind == 0,
            lognormal(rng, 35.0, 1.8, number, 14_400.0),
            lognormal(rng, 0.02, 0.6, number),
        ),
        orig_bytes=np.where(
            kind == 0, sizes(rng, 9000, 2.0, number), sizes(rng, 1400, 0.3, number)
        ),
        resp_bytes=np.where(
            kind == 0, sizes(rng, 24_000, 2.4, number), sizes(rng, 1500, 0.3, number)
        ),
        state=ends(rng, number),
    )


def printing(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Jobs to a printer, and the computers that ask it how it is."""
    printer = str(world.devices[0])
    number = int(rng.poisson(0.6 * world.hours * len(world.desktops) * world.scale))
    traffic.conn(
        ts=world.times(rng, number),
        orig_h=world.desktops.gather(rng.integers(0, len(world.desktops), number)),
        resp_h=printer,
        resp_p=rng.choice([9100, 631], number),
        duration=lognormal(rng, 6.0, 0.8, number),
        orig_bytes=sizes(rng, 380_000, 1.5, number),
        resp_bytes=sizes(rng, 220, 0.8, number),
        state=ends(rng, number, {"SF": 0.85, "REJ": 0.05, "S0": 0.05, "RSTO": 0.05}),
    )
    asked = int(rng.poisson(4.0 * world.hours * len(world.desktops) * world.scale))
    traffic.conn(
        ts=world.times(rng, asked, human=False),
        orig_h=world.desktops.gather(rng.integers(0, len(world.desktops), asked)),
        resp_h=printer,
        resp_p=161,
        proto="udp",
        service="snmp",
        duration=lognormal(rng, 0.004, 0.5, asked),
        orig_bytes=sizes(rng, 60, 0.2, asked),
        resp_bytes=sizes(rng, 90, 0.4, asked),
    )


def monitoring(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """A watcher that tries every host in turn: wide fan-out, many ports, some refusals."""
    watcher = str(world.servers[-1])
    targets = pl.concat([world.desktops, world.devices, world.servers])
    rounds = steady(rng, world.start, world.start + world.seconds, 300.0 / world.scale, 0.01)
    counts = np.full(len(rounds), len(targets))
    _, ts = bursts(rounds, counts, lognormal(rng, 0.05, 0.7, int(counts.sum())))
    order = np.tile(np.arange(len(targets)), len(rounds))
    traffic.conn(
        ts=ts,
        orig_h=watcher,
        resp_h=targets.gather(order),
        orig_p=8,
        resp_p=0,
        proto="icmp",
        duration=lognormal(rng, 0.0007, 0.6, len(ts)),
        orig_bytes=56,
        resp_bytes=56,
        state="OTH",
    )
    checked = rng.random(len(ts)) < 0.5  # noqa: PLR2004
    number = int(checked.sum())
    state = ends(rng, number, {"SF": 0.7, "REJ": 0.18, "S0": 0.12})
    answered = (state == "SF").to_numpy()
    traffic.conn(
        ts=ts[checked] + 0.3,
        orig_h=watcher,
        resp_h=targets.gather(order[checked]),
        resp_p=rng.choice([22, 80, 443, 445, 3389, 8080, 9100], number),
        duration=np.where(state == "S0", np.nan, lognormal(rng, 0.002, 0.9, number)),
        orig_bytes=np.where(answered, sizes(rng, 120, 0.8, number), 0),
        resp_bytes=np.where(answered, sizes(rng, 300, 1.0, number), 0),
        state=state,
    )


def reputation_lookups(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """A mail filter's questions: block lists, hashes, TXT policies; long odd names, NXDOMAIN."""
    server = str(world.servers[0])
    zone = f"bl.{names.site_name(rng)}"
    hashes = f"{names.choose(rng, ['avqs', 'lookup', 'q'])}.{names.site_name(rng)}"
    number = int(rng.poisson(90.0 * world.hours * world.scale))
    queries: list[str] = []
    for kind in rng.integers(0, 4, number):
        if kind == 0:
            queries.append(f"{'.'.join(str(int(n)) for n in rng.integers(1, 255, 4))}.{zone}")
        elif kind == 1:
            digest = names.random_text(rng, int(rng.choice([32, 40, 56])), names.HEX)
            queries.append(f"{digest}.{hashes}")
        elif kind == 2:  # noqa: PLR2004  # one of four kinds
            policy = names.choose(rng, ["_dmarc", "s1._domainkey", "k2._domainkey"])
            queries.append(f"{policy}.{names.site_name(rng)}")
        else:
            queries.append(names.site_name(rng))
    text = np.array([q.startswith(("_", "s1.", "k2.")) for q in queries], dtype=bool)
    code = np.where(rng.random(number) < 0.6, 3, 0)  # noqa: PLR2004
    lookup(
        world, traffic, rng,
        ts=world.times(rng, number), orig_h=server, query=queries, qtype=np.where(text, 16, 1),
        rcode=code,
        sizes_in=np.where(text, sizes(rng, 260, 0.5, number), sizes(rng, 90, 0.2, number)),
    )  # fmt: skip


def administration(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """SSH and remote desktops of administrators; some logins fail, scripts log in often."""
    number = int(rng.poisson(6.0 * world.hours * world.scale))
    scripted = rng.random(number) < 0.6  # noqa: PLR2004
    admins = world.desktops[: max(1, len(world.desktops) // 6)]
    traffic.conn(
        ts=world.times(rng, number),
        orig_h=admins.gather(rng.integers(0, len(admins), number)),
        resp_h=world.servers.gather(rng.integers(0, len(world.servers), number)),
        resp_p=22,
        service="ssh",
        duration=np.where(
            scripted, lognormal(rng, 1.2, 0.7, number), lognormal(rng, 600.0, 1.3, number)
        ),
        orig_bytes=np.where(
            scripted, sizes(rng, 3200, 0.4, number), sizes(rng, 14_000, 1.2, number)
        ),
        resp_bytes=np.where(
            scripted, sizes(rng, 3600, 0.6, number), sizes(rng, 60_000, 1.5, number)
        ),
        state=ends(rng, number, {"SF": 0.9, "RSTO": 0.05, "S1": 0.05}),
    )
