"""Alerts that an analyst does not want to see again, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol, Self

from enricher.alerts.alert import Alert
from enricher.alerts.families import family_label, signature_id
from enricher.logs import Kind

Network = IPv4Network | IPv6Network
SignatureOf = Callable[[str], int]


class Rule(Protocol):
    """A suppression as the settings say it; what is None matches everything."""

    @property
    def source(self) -> str | None:
        """Address or network of the alert's source."""

    @property
    def destination(self) -> str | None:
        """Address or network of the destination of the record that is shown."""

    @property
    def family(self) -> str | None:
        """Name of the family."""

    @property
    def kind(self) -> Kind | None:
        """Kind of the record that is shown."""

    @property
    def signature(self) -> int | None:
        """The alert's ``signature_id``."""

    @property
    def until(self) -> datetime | None:
        """Flow time from which on it does not hold any longer."""

    @property
    def reason(self) -> str:
        """Why; for people."""


@dataclass(frozen=True, slots=True)
class _Suppression:
    """A rule, ready to be matched."""

    source: Network | None
    destination: Network | None
    family: str | None
    kind: Kind | None
    signature: int | None
    until: float | None
    words: str

    def matches(self, alert: Alert, signature_of: SignatureOf) -> bool:
        """Whether all that is given matches; the cheap comparisons come first."""
        shown = alert.strongest
        return (
            (self.family is None or self.family == alert.family)
            and (self.kind is None or self.kind == shown.kind)
            and (self.until is None or alert.first_ts < self.until)
            and (self.signature is None or self.signature == signature_of(alert.family))
            and (self.source is None or _inside(alert.source, self.source))
            and (
                self.destination is None or _inside(shown.record.get("id.resp_h"), self.destination)
            )
        )


def _signature_of(family: str) -> int:
    label = family_label(family)
    return signature_id(label.name, label.category, label.severity)


class Suppressions:
    """The suppressions of a site, in the order of the settings.

    An alert is matched by the record that it shows (:attr:`Alert.strongest`) and by the flow time
    of its first record, so that logs that are read again later give the same alerts.
    """

    def __init__(
        self, suppressions: Iterable[_Suppression], signature_of: SignatureOf = _signature_of
    ) -> None:
        self._suppressions = tuple(suppressions)
        self._signature_of = signature_of

    @classmethod
    def of(cls, rules: Iterable[Rule], signature_of: SignatureOf = _signature_of) -> Self:
        """Make rules ready to be matched.

        Args:
            rules: What the settings say.
            signature_of: The ``signature_id`` of a family by its name; without one, families are
                taken for those that no bundle describes.

        Raises:
            ValueError: If a source or destination is no address or network.
        """
        return cls((_ready(rule) for rule in rules), signature_of)

    def __len__(self) -> int:
        return len(self._suppressions)

    def match(self, alert: Alert) -> int | None:
        """Place of the first suppression that matches an alert, or None."""
        for place, suppression in enumerate(self._suppressions):
            if suppression.matches(alert, self._signature_of):
                return place
        return None

    def words(self, place: int) -> str:
        """A suppression for people: what it matches, and why."""
        return self._suppressions[place].words


def _ready(rule: Rule) -> _Suppression:
    given = {
        "source": rule.source,
        "destination": rule.destination,
        "family": rule.family,
        "kind": rule.kind,
        "signature": rule.signature,
        "until": None if rule.until is None else rule.until.isoformat(),
    }
    what = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    until = rule.until
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return _Suppression(
        source=None if rule.source is None else ip_network(rule.source),
        destination=None if rule.destination is None else ip_network(rule.destination),
        family=rule.family,
        kind=rule.kind,
        signature=rule.signature,
        until=None if until is None else until.timestamp(),
        words=f"{what} ({rule.reason})",
    )


def _inside(value: object, network: Network) -> bool:
    found = _address(value) if isinstance(value, str) else None
    return found is not None and found.version == network.version and found in network


@lru_cache(maxsize=4096)
def _address(value: str) -> IPv4Address | IPv6Address | None:
    """An address; one of IPv4 that is written as IPv6 (``::ffff:10.0.0.1``) as what it is."""
    try:
        found = ip_address(value)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
