"""A quota that is used up: an account is left alone until it is new, instead of asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipelines.errors import SourceParked
from pipelines.sources.base import KEPT

# what a platform may ask to wait for within a run; beyond it, the account is parked
PARK_AFTER = timedelta(minutes=5)


def parked(where: str, seconds: float, why: str) -> SourceParked:
    """The account is left alone for ``seconds``; the error says until when, UTC."""
    return parked_until(where, datetime.now(UTC) + timedelta(seconds=seconds), why)


def parked_until(where: str, until: datetime, why: str) -> SourceParked:
    """The account is left alone until an instant, UTC."""
    return SourceParked(
        f"{where}: parked until {until:%Y-%m-%d %H:%M} UTC: {why}.",
        until=until,
        kept=KEPT,
        fix="Nothing to do: a run after that time calls it again.",
    )
