"""What a platform's replies say beside their answers: its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def clock_offset(headers: Mapping[str, str]) -> timedelta | None:
    """How far this machine's clock is ahead of a reply's ``Date``; None where it has none.

    Args:
        headers: their names in lower case, or looked up whatever their case.
    """
    try:
        platform_time = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    return datetime.now(UTC) - platform_time.replace(tzinfo=platform_time.tzinfo or UTC)
