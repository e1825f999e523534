"""Metrics of an insights row as the Graph API writes them."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

# each attribution window's share of the purchases within seven days of a click; quarters are
# exact, so that ads sum to their campaign in every window
_SHARES = {
    "1d_click": Decimal("0.75"),
    "7d_click": Decimal(1),
    "28d_click": Decimal("1.25"),
    "1d_view": Decimal("0.25"),
}
_PLAYS_PER_CLICK = 3


def metrics(numbers: list[Any], windows: Collection[str]) -> Row:
    """Metrics as Graph writes them: numbers are strings, spend is exact to the micro."""
    impressions, clicks, cost_micros, conversions, value = numbers
    row: Row = {
        "impressions": str(impressions),
        "clicks": str(clicks),
        "spend": amount(cost_micros),
    }
    if clicks:
        link = {w: str(clicks) for w in windows if w.endswith("click")}
        row["actions"] = [{"action_type": "link_click", "value": str(clicks), **link}]
        row["video_play_actions"] = _plays(clicks * _PLAYS_PER_CLICK)
        row["video_p100_watched_actions"] = _plays(clicks)
    kinds = ("omni_purchase", "purchase")
    for name, number in (("actions", conversions), ("action_values", value)):
        if number:
            claimed = Decimal(repr(number))
            row[name] = row.get(name, []) + [_action(kind, claimed, windows) for kind in kinds]
    return row


def _plays(plays: int) -> list[Row]:
    return [{"action_type": "video_view", "value": str(plays)}]


def _action(kind: str, claimed: Decimal, windows: Collection[str]) -> Row:
    """One entry of actions: ``value`` is the account's default, 7 days click and 1 day view."""
    by_window = {w: _plain(claimed * _SHARES[w]) for w in windows if w in _SHARES}
    default = claimed * (_SHARES["7d_click"] + _SHARES["1d_view"])
    return {"action_type": kind, "value": _plain(default), **by_window}


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(micros: int) -> str:
    """At least two decimals, and as many more as it takes to be exact."""
    text = format(Decimal(micros) / 1_000_000, "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"
