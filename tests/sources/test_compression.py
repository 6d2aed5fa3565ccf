"""Compressed files are read as streams, to the first damaged byte, whatever they are."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.sources import compression_of, open_decompressed
from enricher.sources.compression import DecompressedStream, open_regular

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compress = Callable[[bytes], bytes]

COMPRESSORS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    # With a checksum, as the zstd program writes it.
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
FORMATS = pytest.mark.parametrize("name", COMPRESSORS)


def noise(size: int, seed: int = 1) -> bytes:
    """Text that does not compress to nothing."""
    return random.Random(seed).randbytes(size // 2).hex().encode()  # noqa: S311 - no secret


def read_all(path: Path, size: int = 1 << 20) -> bytes:
    stream = open_decompressed(path)
    content = b""
    while piece := stream.read(size):
        assert len(piece) <= size
        content += piece
    stream.close()
    return content


def read_until_damage(path: Path) -> tuple[bytes, str]:
    stream = open_decompressed(path)
    pieces: list[bytes] = []
    with pytest.raises(InputError) as caught:
        pieces.extend(stream.read(100_000) or pytest.fail("no error") for _ in range(1000))
    with pytest.raises(InputError):
        stream.read(1)
    stream.close()
    return b"".join(pieces), str(caught.value)


def test_compression_is_told_by_magic_bytes_not_by_the_name(tmp_path: Path) -> None:
    path = tmp_path / "conn.log.gz"
    for name, compress in COMPRESSORS.items():
        path.write_bytes(compress(b"hello\n"))
        assert compression_of(path.read_bytes()[:6]) == name
        assert read_all(path) == b"hello\n"
    path.write_bytes(b"hello\n")
    assert compression_of(b"hello\n") == "plain"
    assert read_all(path) == b"hello\n"
    assert compression_of(b"") == "plain"


@settings(max_examples=30, deadline=None)
@given(
    parts=st.lists(st.binary(max_size=5000), max_size=6),
    name=st.sampled_from(sorted(COMPRESSORS)),
    size=st.integers(1, 3000),
)
def test_members_one_after_another_are_one_file(parts: list[bytes], name: str, size: int) -> None:
    packed = b"".join(COMPRESSORS[name](part) for part in parts)
    raw = _file_of(packed)
    stream = DecompressedStream(raw, compression_of(packed) if parts else "gzip", "x")
    content = b"".join(iter(lambda: stream.read(size), b""))
    stream.close()
    assert content == b"".join(parts)


@FORMATS
def test_a_large_file_of_several_members_comes_out_whole(name: str, tmp_path: Path) -> None:
    parts = [noise(700_000), b"a" * 3_000_000, noise(10), b"", noise(200_000, 2)]
    path = tmp_path / "x"
    path.write_bytes(b"".join(COMPRESSORS[name](part) for part in parts))
    assert read_all(path) == b"".join(parts)


def test_zstd_frames_that_hold_no_data_are_passed_over(tmp_path: Path) -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    path = tmp_path / "x"
    path.write_bytes(skippable + zstd.compress(b"one\n") + skippable + zstd.compress(b"two\n"))
    assert read_all(path) == b"one\ntwo\n"


@FORMATS
def test_zero_bytes_after_the_data_are_padding(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    packed = COMPRESSORS[name](b"one\n")
    path.write_bytes(packed + bytes(200_000) + packed + bytes(512))
    assert read_all(path) == b"one\none\n"


@FORMATS
def test_other_bytes_after_the_data_are_an_error_after_all_of_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    for garbage in (b"G", b"garbage" * 20_000, bytes(7) + b"x"):
        path.write_bytes(COMPRESSORS[name](b"good\n") + garbage)
        content, message = read_until_damage(path)
        assert content == b"good\n"
        assert "good for 5 bytes" in message
        assert str(path) in message


@FORMATS
@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
def test_a_file_that_is_cut_off_gives_what_is_there(name: str, part: float, tmp_path: Path) -> None:
    whole = noise(1_000_000)
    packed = COMPRESSORS[name](whole)
    path = tmp_path / "x"
    path.write_bytes(packed[: max(7, int(part * len(packed)))])
    content, message = read_until_damage(path)
    assert whole.startswith(content)
    # Zstandard gives blocks of 128 KiB, or nothing of them.
    assert len(content) >= part * len(whole) - 300_000
    assert f"good for {len(content)} bytes" in message


@FORMATS
def test_what_comes_before_the_damage_is_given_to_the_last_block(name: str, tmp_path: Path) -> None:
    first, second = noise(400_000, 1), noise(900_000, 2)
    start = COMPRESSORS[name](first)
    packed = bytearray(start + COMPRESSORS[name](second))
    at = len(start) + 3 * (len(packed) - len(start)) // 4
    packed[at : at + 400] = bytes(400)
    path = tmp_path / "x"
    path.write_bytes(packed)
    content, message = read_until_damage(path)
    # What a corrupt block decodes to before it is noticed may be wrong; the rest is right.
    sure = len(first) + len(second) // 2
    assert content[:sure] == (first + second)[:sure]
    assert f"good for {len(content)} bytes" in message


def test_a_wrong_checksum_is_told_after_all_the_data(tmp_path: Path) -> None:
    whole = noise(300_000)
    packed = bytearray(gzip.compress(whole))
    packed[-5] ^= 1
    path = tmp_path / "x"
    path.write_bytes(packed)
    content, message = read_until_damage(path)
    assert content == whole
    assert "incorrect" in message


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(COMPRESSORS)),
    where=st.floats(0, 1, exclude_max=True),
    value=st.integers(1, 255),
    size=st.integers(1_000, 200_000),
)
def test_any_flipped_bits_end_in_data_or_the_error(
    name: str, where: float, value: int, size: int
) -> None:
    whole = b"1700000000.5\tC1\t10.0.0.1\n" * 4000
    packed = bytearray(COMPRESSORS[name](whole[:50_000]) + COMPRESSORS[name](whole[50_000:]))
    at = 6 + int(where * (len(packed) - 6))
    packed[at] ^= value
    stream = DecompressedStream(_file_of(bytes(packed)), compression_of(bytes(packed[:6])), "x")
    content = b""
    damaged = False
    try:
        while piece := stream.read(size):
            content += piece
    except InputError:
        damaged = True
    finally:
        stream.close()
    # A flipped bit in a header (a name, a time) may change nothing.
    assert damaged or content == whole


LINES = b"".join(b"1700000000.%d\tC%d\t10.0.0.%d\n" % (n, n * n, n % 256) for n in range(2000))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    level=st.integers(0, 9),
    fixed=st.booleans(),
    cut=st.integers(0, 40_000),
    flip=st.one_of(st.integers(-20, 20), st.integers(0, 40_000)),
    bit=st.integers(0, 8),
    size=st.integers(1_000, 100_000),
)
def test_a_fast_decoder_gives_what_zlib_gives_and_says_what_zlib_says(
    level: int,
    fixed: bool,
    cut: int,
    flip: int,
    bit: int,
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("isal", reason="there is no ISA-L for this processor")
    strategy = zlib.Z_FIXED if fixed else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(level, wbits=31, strategy=strategy)
    packed = bytearray(gzip.compress(b"first\n") + packer.compress(LINES) + packer.flush())
    if bit < 8:
        packed[max(3, flip % len(packed))] ^= 1 << bit
    if cut % 2:
        del packed[cut:]

    def read() -> tuple[bytes, str]:
        stream = DecompressedStream(_file_of(bytes(packed)), "gzip", "x")
        content = b""
        try:
            while piece := stream.read(size):
                content += piece
        except InputError as error:
            return content, error.message
        finally:
            stream.close()
        return content, ""

    fast = read()
    with monkeypatch.context() as patch:
        patch.setattr("enricher.sources.inflating.HAS_ISAL", False)
        assert read() == fast


def test_a_gzip_file_that_inflates_a_thousandfold_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    packer = zlib.compressobj(9, wbits=31)
    with path.open("wb") as file:
        for _ in range(200):
            file.write(packer.compress(bytes(1 << 20)))
        file.write(packer.flush())
    assert path.stat().st_size < 1 << 20
    program = (
        "import resource, sys\n"
        "from enricher.sources.compression import open_decompressed\n"
        "from pathlib import Path\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "stream = open_decompressed(Path(sys.argv[1])); n = 0\n"
        "while piece := stream.read(1 << 20): n += len(piece)\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    size, grown_kib = map(int, done.stdout.split())
    assert size == 200 << 20
    assert grown_kib < 16 * 1024


def test_an_xz_file_that_asks_for_a_huge_dictionary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    path.write_bytes(_xz_with_dictionary(filters))
    _, message = read_until_damage(path)
    assert "Memory usage limit" in message


def _xz_with_dictionary(filters: list[dict[str, int]]) -> bytes:
    """Compressed with a small dictionary, and a header that says a large one."""
    small = [{**filters[0], "dict_size": 4096}]
    packed = bytearray(lzma.compress(b"hello\n", filters=small))
    # Block header (xz file format 1.2.0, 3.1): size, flags, filter id, its size, dictionary.
    at = packed.index(b"\x21\x01", 12) + 2
    packed[at] = 34  # 512 MiB
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4 : end] = zlib.crc32(packed[12 : end - 4]).to_bytes(4, "little")
    return bytes(packed)


def test_a_zstd_file_that_asks_for_a_huge_window_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zst"
    # A frame header of its own (RFC 8878, 3.1.1): no content size, a window of 2 GiB.
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + b"\x01\x00\x00")
    content, message = read_until_damage(path)
    assert content == b""
    assert "memory" in message.lower()


def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no regular file"):
        open_regular(tmp_path / "pipe")
    with pytest.raises(InputError, match="no regular file"):
        open_regular(tmp_path)


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not there"):
        open_decompressed(tmp_path / "gone.log")


def _file_of(content: bytes) -> io.FileIO:
    """A file without a name that holds ``content``."""
    descriptor = os.memfd_create("test")
    file = io.FileIO(descriptor, "r+")
    file.write(content)
    file.seek(0)
    return file
