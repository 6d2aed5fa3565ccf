"""What a scan is held against, as programs that tell how long their work took without imports."""

from __future__ import annotations

from pathlib import Path

from tests.bench.speed.processes import Program, python

_POLARS_TSV = """
import sys, time
import polars as pl
started = time.perf_counter()
types = {"time": pl.Float64, "interval": pl.Float64, "count": pl.Int64, "port": pl.Int32}
with open(sys.argv[1]) as lines:
    head = [next(lines) for _ in range(7)]
names = head[5].rstrip("\\n").split("\\t")[1:]
kinds = head[6].rstrip("\\n").split("\\t")[1:]
schema = {n: types.get(k, pl.String) for n, k in zip(names, kinds)}
frame = pl.read_csv(sys.argv[1], separator="\\t", has_header=False, comment_prefix="#",
                    schema=schema, quote_char=None, null_values=["-"])
assert frame.height == int(sys.argv[2]), frame.height
print("work", time.perf_counter() - started)
"""
_POLARS_JSON = """
import sys, time
import polars as pl
started = time.perf_counter()
frame = pl.read_ndjson(sys.argv[1])
assert frame.height == int(sys.argv[2]), frame.height
print("work", time.perf_counter() - started)
"""
_ORJSON = """
import sys, time
import orjson
started = time.perf_counter()
count = 0
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        orjson.loads(line)
        count += 1
assert count == int(sys.argv[2]), count
print("work", time.perf_counter() - started)
"""
_INFLATE = """
import sys, time, zlib
started = time.perf_counter()
inflate = zlib.decompressobj(31)
with open(sys.argv[1], "rb") as file:
    while piece := file.read(1 << 20):
        inflate.decompress(piece)
assert inflate.eof
print("work", time.perf_counter() - started)
"""
_ZAT = """
import sys, time
from zat.zeek_log_reader import ZeekLogReader
started = time.perf_counter()
count = sum(1 for _ in ZeekLogReader(sys.argv[1]).readrows())
assert count == int(sys.argv[2]), count
print("work", time.perf_counter() - started)
"""
_ZAT_FOREST = """
import sys, time, warnings
warnings.simplefilter("ignore")
from sklearn.ensemble import IsolationForest
from zat.dataframe_to_matrix import DataFrameToMatrix
from zat.log_to_dataframe import LogToDataFrame
started = time.perf_counter()
frame = LogToDataFrame().create_dataframe(sys.argv[1])
columns = ["proto", "conn_state", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes"]
matrix = DataFrameToMatrix().fit_transform(frame[columns])
forest = IsolationForest(n_jobs=-1, random_state=0).fit(matrix)
assert len(forest.score_samples(matrix)) == int(sys.argv[2])
print("work", time.perf_counter() - started)
"""
# Nothing is imported for it before the program does so itself.
_FIRST_BATCH = """
import sys, time
from importlib.util import find_spec
class Telling:
    def find_spec(self, name, path=None, target=None):
        if name != "enricher.pipeline.scoring":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        execute = spec.loader.exec_module
        def execute_and_wrap(module):
            execute(module)
            decided = module.Scorer._decided
            def told(*arguments):
                result = decided(*arguments)
                print("first", time.monotonic(), flush=True)
                return result
            module.Scorer._decided = told
        spec.loader.exec_module = execute_and_wrap
        return spec
sys.meta_path.insert(0, Telling())
from enricher.cli.main import main
main()
"""


def polars_tsv(log: Path, records: int) -> Program:
    """Polars reading a Zeek TSV log into a frame, with types, and nothing else."""
    return python(_POLARS_TSV, log, str(records))


def polars_json(log: Path, records: int) -> Program:
    """Polars reading lines of JSON; it looks at the first hundred to find the types."""
    return python(_POLARS_JSON, log, str(records))


def orjson_lines(log: Path, records: int) -> Program:
    """The parser orjson on every line; what it makes is thrown away."""
    return python(_ORJSON, log, str(records))


def inflate(log: Path) -> Program:
    """Python's zlib inflating a gz file; the bytes are thrown away."""
    return python(_INFLATE, log)


def zat_reader(log: Path, records: int) -> Program:
    """The reader of zat, record after record."""
    return python(_ZAT, log, str(records))


def zat_forest(log: Path, records: int) -> Program:
    """zat's frame and matrix, and IsolationForest on six columns, as its notebooks do it."""
    return python(_ZAT_FOREST, log, str(records))


def first_batch(arguments: tuple[str, ...]) -> Program:
    """The program with these arguments, telling on the monotonic clock when a batch is decided."""
    return python(_FIRST_BATCH, *arguments)
