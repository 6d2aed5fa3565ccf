"""The kinds of record, by name: who only names them need not load what reads them."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["conn", "http", "dns", "ssl"]
KINDS: tuple[Kind, ...] = get_args(Kind)
