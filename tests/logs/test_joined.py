"""Small logs that are read together give what each gives by itself, or are left alone."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.logs import Block, SmallLog, open_reader, read_joined

FIELDS = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service")


def tsv(
    rows: Sequence[str], fields: Sequence[str] = FIELDS, *, opened: str = "", end: str = ""
) -> bytes:
    names = "\t".join(fields)
    head = (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    )
    open_line = f"#open\t{opened}\n" if opened else ""
    return (head + open_line + f"#fields\t{names}\n" + "".join(rows) + end).encode()


def row(number: int, last: str = "-") -> str:
    return f"{1_700_000_000 + number}.5\tC{number}\t10.0.0.1\t40000\t192.0.2.1\t443\ttcp\t{last}\n"


def logs(*contents: bytes, form: str = "tsv") -> list[SmallLog]:
    assert form in ("tsv", "json")
    return [
        SmallLog(
            Block(number + 3, f"log{number}", content, 1, 0, last=True),
            "json" if form == "json" else "tsv",
            "conn",
        )
        for number, content in enumerate(contents)
    ]


def apart(those: Sequence[SmallLog]) -> tuple[pl.DataFrame | None, list[int], bool]:
    """The records of each by itself, their numbers, and whether no line was anything else."""
    frames, numbers, good = [], [], True
    for log in those:
        result = open_reader(log.format, log.block.name, log.kind).read(log.block)
        frames += [batch.frame for batch in result.batches]
        numbers.append(sum(len(batch) for batch in result.batches))
        good = good and not (result.rejected or result.passed or result.repaired)
    return (pl.concat(frames) if frames else None), numbers, good


ROWS = st.one_of(
    st.builds(row, st.integers(0, 99), st.sampled_from(["-", "ssl", "(empty)", "a\\x09b", "é"])),
    st.sampled_from(["\n", "# a comment\n", "junk\n", row(1) + "\r\n", row(2).replace("443", "x")]),
)
CLEAN = st.builds(row, st.integers(0, 99), st.sampled_from(["-", "ssl", "(empty)", "a\\x09b", "é"]))


@settings(deadline=None, max_examples=150)
@given(
    contents=st.lists(
        st.builds(
            lambda rows, opened, end, swapped: tsv(
                rows,
                (*FIELDS[:6], "service", "proto") if swapped else FIELDS,
                opened=opened,
                end=end,
            ),
            st.one_of(st.lists(CLEAN, max_size=4), st.lists(ROWS, max_size=4)),
            st.sampled_from(["", "2026-01-01-00-00-00", "2026-01-02-00-00-00"]),
            st.sampled_from(["", "#close\t2026-01-01-01-00-00\n"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_tsv_logs_read_together_give_what_each_gives_by_itself(contents: list[bytes]) -> None:
    those = logs(*contents)
    joined = read_joined(those)
    frame, numbers, good = apart(those)
    if joined is None:
        return
    assert good
    assert joined.records == numbers
    if frame is None:
        assert joined.batches == []
    else:
        (batch,) = joined.batches
        assert batch.frame.equals(frame)
        assert batch.frame.schema == frame.schema


def test_logs_of_the_same_fields_opened_at_other_times_are_read_together() -> None:
    those = logs(
        tsv([row(1), row(2)], opened="2026-01-01-00-00-00", end="#close\t2026-01-01-01-00-00\n"),
        tsv([], opened="2026-01-01-01-00-00"),
        tsv([row(3)], opened="2026-01-01-02-00-00"),
        tsv([row(4)]),
    )
    joined = read_joined(those)
    assert joined is not None
    (batch,) = joined.batches
    assert batch.frame["uid"].to_list() == ["C1", "C2", "C3", "C4"]
    assert batch.frame["_file"].to_list() == [3, 3, 5, 6]
    assert batch.frame["_line"].to_list() == [8, 9, 8, 7]
    assert joined.records == [2, 0, 1, 1]


def test_records_keep_the_order_of_their_logs_where_headers_alternate() -> None:
    other = (*FIELDS[:6], "service", "proto")
    joined = read_joined(
        logs(tsv([row(1)]), tsv([row(2, "x")], other), tsv([row(3)]), tsv([row(4, "y")], other))
    )
    assert joined is not None
    (batch,) = joined.batches
    assert batch.frame["uid"].to_list() == ["C1", "C2", "C3", "C4"]
    assert batch.frame["proto"].to_list() == ["tcp", "x", "tcp", "y"]
    assert batch.frame["_file"].to_list() == [3, 4, 5, 6]


def test_a_line_that_is_no_good_record_leaves_all_to_be_read_one_by_one() -> None:
    assert read_joined(logs(tsv([row(1)]), tsv([row(2), "junk\n"]))) is None
    assert read_joined(logs(tsv([row(1)]), tsv([row(2), "#fields\tts\n", row(3)]))) is None
    assert read_joined(logs(tsv([row(1)]), tsv([row(2), "\n", row(3)]))) is None
    assert read_joined(logs(tsv([row(1)]), tsv([row(2)]).replace(b"tcp", b"t\xff"))) is None


def test_json_logs_read_together_give_what_each_gives_by_itself() -> None:
    line = b'{"ts":1700000000.5,"uid":"C%d","id.orig_h":"10.0.0.1","proto":"tcp"}\n'
    those = logs(line % 1 + line % 2, line % 3, form="json")
    joined = read_joined(those)
    frame, numbers, _ = apart(those)
    assert joined is not None
    assert frame is not None
    assert joined.batches[0].frame.equals(frame)
    assert joined.records == numbers
    assert read_joined(logs(line % 1, b'{"ts":\n', form="json")) is None
    assert read_joined(logs(line % 1, b'{"_path":"x509","ts":1}\n', form="json")) is None
