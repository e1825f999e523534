"""Public holidays, on which campaigns spend otherwise than on their weekdays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import holidays


def public_holidays(country: str, years: Iterable[int]) -> frozenset[date]:
    """The public holidays of a country (``US``) or of a part of one (``DE-BY``).

    Raises:
        NotImplementedError: the package ``holidays`` doesn't know the country or its part.
    """
    name, _, part = country.partition("-")
    days = holidays.country_holidays(name, subdiv=part or None, years=list(years))
    return frozenset(days)
