"""Text that looks like what people, programs and malware write: names, paths, queries.

All domain names are made up by rule; only by accident is one of them registered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_ONSET_TEXT = "b br c ch cl d dr f fl g gr h j k kl l m n p pl pr qu r s sh sk sl st t th tr v w z"
_ONSETS = _ONSET_TEXT.split()
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "ia", "io", "ou"]
_CODAS = ["", "", "", "l", "m", "n", "nd", "r", "rk", "s", "st", "t", "x"]
_TLDS = ["com", "net", "org", "io", "de", "fr", "co", "info", "eu", "nl", "app", "dev", "online"]
_TLD_WEIGHTS = [46, 9, 9, 6, 6, 4, 4, 3, 3, 3, 3, 2, 2]
_WORD_TEXT = (
    "account archive article audio basket blog board book branch bridge butter calendar camera "
    "candle castle center chapter chart city class cloud coast coffee comment contact copper "
    "corner country course cover design detail doctor dress drop editor event export family "
    "field file film filter forest form forum frame from garden gallery glass group guide health "
    "help history home hotel image index insert island item journal kitchen lamp language letter "
    "library light list login lunar magic market member menu message mirror model morning music "
    "network news notice number offer office order page paper party password photo picture plant "
    "player point post price print product profile project query queue radio rain recipe record "
    "report request river road room sales sample school score script search season select service "
    "session shop short silver site sound source spring star station stone store stream street "
    "studio style summer support table team theme ticket time topic tower train travel tree union "
    "update user valley version video view village water weather where window winter wood world"
)
WORDS = _WORD_TEXT.split()


def choose(
    rng: np.random.Generator, items: Sequence[T], weights: Sequence[float] | None = None
) -> T:
    """One of ``items``, of any type."""
    if weights is None:
        return items[int(rng.integers(len(items)))]
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    return items[min(int(np.searchsorted(bounds, rng.random() * bounds[-1])), len(items) - 1)]


def invented_word(rng: np.random.Generator, syllables: int) -> str:
    """A word that can be spoken, such as ``tremavio``."""
    return "".join(
        choose(rng, _ONSETS) + choose(rng, _VOWELS) + (choose(rng, _CODAS) if i else "")
        for i in range(syllables)
    )


def top_level(rng: np.random.Generator) -> str:
    """A usual top-level domain."""
    return choose(rng, _TLDS, _TLD_WEIGHTS)


def site_name(rng: np.random.Generator) -> str:
    """A second-level domain as people register it: spoken, joined words, or with digits."""
    style = int(rng.integers(5))
    if style <= 1:
        name = invented_word(rng, int(rng.integers(3, 5)))
    elif style == 2:  # noqa: PLR2004  # one of five styles
        name = invented_word(rng, 2) + choose(rng, WORDS)
    elif style == 3:  # noqa: PLR2004
        name = f"{choose(rng, WORDS)}-{invented_word(rng, 2)}"
    else:
        name = invented_word(rng, 3) + str(int(rng.integers(2, 400)))
    return f"{name}.{top_level(rng)}"


def random_text(rng: np.random.Generator, length: int, alphabet: str) -> str:
    """``length`` characters of ``alphabet``."""
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), length))


HEX = "0123456789abcdef"
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
BASE36 = "abcdefghijklmnopqrstuvwxyz0123456789"
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def path_of(rng: np.random.Generator) -> str:
    """A path such as sites have them."""
    parts = [choose(rng, WORDS) for _ in range(int(rng.integers(1, 4)))]
    style = int(rng.integers(6))
    if style == 0:
        parts.append(f"{int(rng.integers(1, 99_999))}")
    elif style == 1:
        parts = ["static", random_text(rng, int(rng.integers(8, 33)), HEX), parts[-1]]
    extension = choose(rng, ["", "", "/", ".html", ".php", ".js", ".css", ".png", ".jpg", ".json"])
    return "/" + "/".join(parts) + extension


def _words(rng: np.random.Generator) -> str:
    words = [choose(rng, WORDS) for _ in range(int(rng.integers(2, 7)))]
    return choose(rng, ["+", "%20"]).join(words)


def _link(rng: np.random.Generator) -> str:
    return f"https%3A%2F%2Fwww.{site_name(rng)}%2F{choose(rng, WORDS)}%3Fid%3D{rng.integers(99)}"


def _person(rng: np.random.Generator) -> str:
    return f"{invented_word(rng, 2).title()}%20O%27{invented_word(rng, 2).title()}"


# How the values of parameters are made; a name twice is twice as frequent.
_VALUES: list[Callable[[np.random.Generator], str]] = [
    lambda rng: str(int(rng.integers(0, 10**6))),
    lambda rng: random_text(rng, int(rng.integers(6, 40)), BASE64URL),
    lambda rng: f"%7B%22{choose(rng, WORDS)}%22%3A{rng.integers(999)}%7D",
    _words,
    _link,
    _person,
    lambda rng: choose(rng, WORDS),
    lambda rng: choose(rng, WORDS),
]


def _value(rng: np.random.Generator) -> str:
    return choose(rng, _VALUES)(rng)


_KEYS = ["id", "q", "page", "lang", "ref", "v", "s", "category", "sort", "token", "cb", "return"]


def query_of(rng: np.random.Generator) -> str:
    """A query string, or nothing; some hold quotes, markup or words that SQL also has."""
    number = int(rng.choice([0, 0, 1, 1, 2, 3]))
    pairs = [f"{choose(rng, _KEYS)}={_value(rng)}" for _ in range(number)]
    return "?" + "&".join(pairs) if pairs else ""


def parameter_name(rng: np.random.Generator) -> str:
    """A query parameter such as sites have them."""
    return choose(rng, _KEYS)


def misspelt(rng: np.random.Generator, name: str) -> str:
    """``name`` with a slip of the finger in its first label."""
    label, dot, rest = name.partition(".")
    place = int(rng.integers(len(label)))
    style = int(rng.integers(3))
    if style == 0 and len(label) > 1:
        label = label[:place] + label[place + 1 :]
    elif style == 1:
        label = label[:place] + label[place] + label[place:]
    else:
        label = label[:place] + choose(rng, "aeinorst") + label[place + 1 :]
    return label + dot + rest
