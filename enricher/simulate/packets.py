"""Packets of a connection from its bytes and its end: counts, sizes on the wire, history.

Zeek's connection states and history letters: docs.zeek.org, ``Conn::Info``.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Whole: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_HISTORIES = {
    "SF": (
        ["ShADadFf", "ShADadfF", "ShADadFfR", "ShADadtFf", "ShAdDaFf", "ShADacdfF", "ShADadTFf"],
        [46, 22, 9, 7, 9, 4, 3],
    ),
    "S0": (["S"], [1]),
    "REJ": (["Sr"], [1]),
    "RSTO": (["ShADadR", "ShADaR", "ShAR", "ShADadFR"], [60, 10, 10, 20]),
    "RSTR": (["ShADadr", "ShADdar", "ShADadfr"], [60, 20, 20]),
    "RSTOS0": (["SR"], [1]),
    "RSTRH": (["^hr"], [1]),
    "S1": (["ShADad", "ShADd", "ShA"], [70, 20, 10]),
    "S2": (["ShADadF"], [1]),
    "S3": (["ShADadf"], [1]),
    "SH": (["SF"], [1]),
    "OTH": (["DadA", "Cc", "Da"], [60, 20, 20]),
}
_EMPTY = {"SF": "ShAFf", "RSTO": "ShAR", "RSTR": "ShAr", "S1": "ShA"}
# Of each: packets of the originator and the responder when no data flows.
_BARE = {
    "SF": (4, 3),
    "S0": (1, 0),
    "REJ": (1, 1),
    "RSTO": (3, 1),
    "RSTR": (2, 2),
    "RSTOS0": (2, 0),
    "RSTRH": (0, 2),
    "S1": (2, 1),
    "S2": (3, 2),
    "S3": (2, 2),
    "SH": (2, 0),
    "OTH": (1, 1),
}
_SEGMENT = 1400


def tcp_packets(
    rng: np.random.Generator, sizes: pl.DataFrame, *, tracked: bool = True
) -> dict[str, pl.Series]:
    """``history``, ``*_pkts``, ``*_ip_bytes`` of TCP connections, and the rest as Zeek has it.

    One SYN alone has neither duration nor bytes in Zeek's log.

    Args:
        rng: Source of chance.
        sizes: ``conn_state``, ``duration``, ``orig_bytes``, ``resp_bytes``.
        tracked: Whether Zeek keeps a history.
    """
    assert tracked
    states, code = _codes(sizes["conn_state"])
    sent, received = _bytes(sizes, "orig_bytes"), _bytes(sizes, "resp_bytes")
    bare = np.array([_BARE[state] for state in states], dtype=np.int64).reshape(-1, 2)[code]
    out_segments, in_segments = -(-sent // _SEGMENT), -(-received // _SEGMENT)
    first = bare[:, 0] + out_segments + in_segments // 2
    second = bare[:, 1] + in_segments + out_segments // 2
    unanswered = code == states.index("S0") if "S0" in states else np.zeros(len(code), dtype=bool)
    tries = np.where(unanswered, _tries(rng, sizes["duration"]), 1)
    first = np.where(unanswered, tries, first)
    header = int(rng.choice([40, 52]))
    lead = int(rng.choice([4, 12, 20]))  # options of the first packet
    once = unanswered & (tries == 1)
    return {
        "duration": _waits(rng, sizes["duration"], unanswered, tries),
        "orig_bytes": sizes["orig_bytes"].set(pl.Series(once), None),
        "resp_bytes": sizes["resp_bytes"].set(pl.Series(once), None),
        "history": _history(rng, states, code, sent + received == 0),
        "orig_pkts": pl.Series(first),
        "orig_ip_bytes": pl.Series(sent + first * header + lead * (first > 0)),
        "resp_pkts": pl.Series(second),
        "resp_ip_bytes": pl.Series(received + second * header),
    }


def _tries(rng: np.random.Generator, duration: pl.Series) -> Whole:
    """How often an unanswered SYN is sent: once where nothing lasted, else up to four times."""
    again = rng.choice([2, 3, 4], len(duration), p=[0.5, 0.3, 0.2])
    return np.where(duration.is_null().to_numpy(), 1, again)


def _waits(
    rng: np.random.Generator, duration: pl.Series, unanswered: Flags, tries: Whole
) -> pl.Series:
    """Durations; a SYN is repeated after 1, 2, 4 … seconds (RFC 6298)."""
    waited = 2.0 ** (tries - 1) - 1.0 + 0.03 * rng.random(len(duration))
    kept = duration.zip_with(pl.Series(~unanswered), pl.Series(waited))
    return kept.set(pl.Series(unanswered & (tries == 1)), None)


def _history(rng: np.random.Generator, states: list[str], code: Whole, empty: Flags) -> pl.Series:
    table: list[str] = []
    index = np.zeros(len(code), dtype=np.int64)
    for number, state in enumerate(states):
        letters, weights = _HISTORIES[state]
        mine = np.flatnonzero(code == number)
        chances = np.asarray(weights, dtype=np.float64) / sum(weights)
        index[mine] = len(table) + rng.choice(len(letters), len(mine), p=chances)
        table.extend(letters)
        if state in _EMPTY:
            index[mine[empty[mine]]] = len(table)
            table.append(_EMPTY[state])
    return pl.Series(table, dtype=pl.String).gather(index)


def udp_packets(
    rng: np.random.Generator, sizes: pl.DataFrame, *, tracked: bool = True
) -> dict[str, pl.Series]:
    """The same for UDP and, with ``tracked`` false, ICMP."""
    del rng
    sent, received = _bytes(sizes, "orig_bytes"), _bytes(sizes, "resp_bytes")
    first = np.maximum(-(-sent // 1200), 1)
    second = np.where(received > 0, np.maximum(-(-received // 1200), 1), 0)
    history = np.where(second > 0, "Dd", "D")
    alone = sizes["duration"].is_null() & pl.Series(second == 0)
    return {
        "orig_bytes": sizes["orig_bytes"].set(alone, None),
        "resp_bytes": sizes["resp_bytes"].set(alone, None),
        "history": pl.Series(history, dtype=pl.String)
        if tracked
        else pl.Series([None] * len(sent), dtype=pl.String),
        "orig_pkts": pl.Series(first),
        "orig_ip_bytes": pl.Series(sent + first * 28),
        "resp_pkts": pl.Series(second),
        "resp_ip_bytes": pl.Series(received + second * 28),
    }


def _codes(states: pl.Series) -> tuple[list[str], Whole]:
    table = sorted(states.unique().to_list())
    codes = states.replace_strict(table, list(range(len(table))), return_dtype=pl.Int64)
    return table, codes.to_numpy()


def _bytes(sizes: pl.DataFrame, name: str) -> Whole:
    return sizes[name].fill_null(0).to_numpy()
