"""The sandbox's calendar: the day that every simulated server believes it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass
class Clock:
    """A day that servers share and tests advance; data exists up to the day before it."""

    today: date

    def advance(self, days: int = 1) -> date:
        """Move on by ``days`` (not back) and return the new day."""
        if days < 0:
            raise ValueError(f"the sandbox's clock can't go back ({days} days)")
        self.today += timedelta(days=days)
        return self.today
