"""How much of its quota Meta says is used, read from a reply's headers, and how long to wait.

https://developers.facebook.com/docs/graph-api/overview/rate-limiting: percentages of a window,
and minutes until access returns once a limit was hit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_HEADERS = (
    "x-business-use-case-usage",
    "x-app-usage",
    "x-ad-account-usage",
    "x-fb-ads-insights-throttle",
)
_PERCENTAGES = {
    "call_count",
    "total_cputime",
    "total_time",
    "acc_id_util_pct",
    "app_id_util_pct",
}
_REGAIN = "estimated_time_to_regain_access"
_SLOW_FROM_PERCENT = 75.0
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Usage:
    """The highest percentage of any quota, and minutes until access returns (0: it's open)."""

    percent: float
    regain_minutes: float

    @property
    def pause_seconds(self) -> float:
        """Seconds to wait before the next call: none up to 75%, then more, up to 30 at 100%."""
        over = (self.percent - _SLOW_FROM_PERCENT) / (100 - _SLOW_FROM_PERCENT)
        return _LONGEST_PAUSE * min(max(over, 0.0), 1.0)


def read_usage(headers: Mapping[str, str]) -> Usage:
    """Read every usage header there is (names in lower case or case-insensitive)."""
    percent, regain = 0.0, 0.0
    for header in _HEADERS:
        for key, value in _numbers(headers.get(header)):
            if key in _PERCENTAGES:
                percent = max(percent, value)
            elif key == _REGAIN:
                regain = max(regain, value)
    return Usage(percent, regain)


def _numbers(header: str | None) -> Iterator[tuple[str, float]]:
    try:
        nodes: list[Any] = [json.loads(header)] if header else []
    except ValueError:
        # usage is advice: a header we can't read must not fail a pull that works
        return
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes += node
        elif isinstance(node, dict):
            nodes += [v for v in node.values() if isinstance(v, dict | list)]
            yield from ((k, float(v)) for k, v in node.items() if isinstance(v, int | float))
