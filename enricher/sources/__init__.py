"""Where records come from: files and directories, their compression, and places in them."""

from enricher.sources.blocks import BLOCK_BYTES, MAX_LINE_BYTES, LineCutter, blocks
from enricher.sources.compression import Compression, compression_of, open_decompressed
from enricher.sources.directory import Discovery, discover
from enricher.sources.files import LogFile, Skipped, SkipReason
from enricher.sources.position import Fingerprint, Position, fingerprint, is_same_log
from enricher.sources.small import small_block

__all__ = [
    "BLOCK_BYTES",
    "MAX_LINE_BYTES",
    "Compression",
    "Discovery",
    "Fingerprint",
    "LineCutter",
    "LogFile",
    "Position",
    "SkipReason",
    "Skipped",
    "blocks",
    "compression_of",
    "discover",
    "fingerprint",
    "is_same_log",
    "open_decompressed",
    "small_block",
]
