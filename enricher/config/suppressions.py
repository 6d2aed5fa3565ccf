"""The settings of alerts that nobody wants to see."""

from __future__ import annotations

from datetime import UTC, date, datetime
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from enricher.config.section import Section


def _as_network(value: str) -> str:
    """An address or network, written in one way."""
    try:
        return str(ip_network(value))
    except ValueError as error:
        raise ValueError(f"not an address or network such as 10.0.0.0/8: {error}") from error


def _as_time(value: object) -> object:
    """A date or time as YAML or text has it; UTC unless it says otherwise."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


Network = Annotated[str, AfterValidator(_as_network)]


class SuppressionSettings(Section):
    """Alerts that nobody wants to see: all that is given must match."""

    source: Network | None = Field(
        default=None, description="Address or network (CIDR) of the alert's source."
    )
    destination: Network | None = Field(
        default=None, description="Address or network (CIDR) of the destination that is shown."
    )
    family: str | None = Field(
        default=None, min_length=1, max_length=64, description="Name of the family."
    )
    kind: Literal["conn", "http", "dns", "ssl"] | None = Field(
        default=None, description="Kind of the record that is shown."
    )
    signature: int | None = Field(
        default=None, ge=0, le=4_294_967_295, description="The alert's signature_id."
    )
    until: Annotated[datetime, BeforeValidator(_as_time)] | None = Field(
        default=None,
        description="Date or time (UTC) of the logs from which on it does not hold any longer.",
    )
    reason: str = Field(min_length=1, max_length=1024, description="Why, for people.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        """One that matches every alert would switch everything off."""
        if not self.model_fields_set - {"until", "reason"}:
            raise ValueError("give at least one of source, destination, family, kind, signature")
        return self
