"""What the jobs last said, as the pages show it: verdicts, faults, response curves, spend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pipelines.errors import StatementError
from pipelines.proposals.review.standing import read
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import Value

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """Weekly orders at a weekly spend; the spend is in micros of the curve's currency."""

    spend: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A channel's response in one run. ``current`` is the place of the present spend;
    ``marginal`` the cost of one more order there (10th, 50th, 90th percentile, in micros)."""

    channel: str
    currency: str
    points: tuple[Point, ...]
    current: int
    marginal: tuple[int | None, int | None, int | None]

    @property
    def now(self) -> Point:
        return self.points[self.current]

    def at(self, spend: float) -> Point | None:
        """The curve at a spend, straight between its points; None outside of them."""
        for before, after in pairwise(self.points):
            if before.spend <= spend <= after.spend and after.spend > before.spend:
                share = (spend - before.spend) / (after.spend - before.spend)
                return Point(
                    spend,
                    *(
                        getattr(before, name) * (1 - share) + getattr(after, name) * share
                        for name in ("low", "middle", "high")
                    ),
                )
        return None


@dataclass(frozen=True)
class Evidence:
    """Everything but the ledger, as of one reading. ``missing`` says what isn't there, and why."""

    runs: Mapping[str, Row] = field(default_factory=dict)
    latest: Mapping[str, Row] = field(default_factory=dict)
    alerts: Sequence[Row] = ()
    curves: Mapping[tuple[str, str], Curve] = field(default_factory=dict)
    spend: Sequence[Row] = ()
    scorecard: Sequence[Row] | None = None
    scorecard_months: Sequence[Row] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    def channels(self) -> list[Curve]:
        """The curves of the latest run of the media mix."""
        run = self.latest.get("mmm")
        return [c for (run_id, _), c in self.curves.items() if run and run_id == run["run_id"]]


def read_evidence(warehouse: Warehouse) -> Evidence:
    """The present evidence; a table that isn't there yet is no error, and is named."""
    missing: dict[str, str] = {}

    def rows(name: str, **params: Value) -> list[Row] | None:
        try:
            return read(warehouse, name, **params).to_pylist()
        except StatementError as error:
            missing[name] = error.message.splitlines()[0]
            return None

    with warehouse.unit(read_only=True):
        jobs = rows("jobs") or []
        latest: dict[str, Row] = {}
        for run in jobs:
            latest.setdefault(run["job"], run)
        pacing = latest.get("pacing")
        alerts = rows("alerts", run_id=pacing["run_id"]) if pacing else None
        return Evidence(
            runs={run["run_id"]: run for run in jobs},
            latest=latest,
            alerts=alerts or (),
            curves=_curves(rows("curves") or []),
            spend=rows("spend") or (),
            scorecard=rows("scorecard"),
            scorecard_months=rows("scorecard_months") or (),
            missing=missing,
        )


def _curves(rows: Sequence[Row]) -> dict[tuple[str, str], Curve]:
    by_channel: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_channel.setdefault((row["run_id"], row["channel"]), []).append(row)
    curves = {}
    for key, points in by_channel.items():
        current = next((n for n, row in enumerate(points) if row["is_current"]), None)
        if current is None:
            continue
        marginal = tuple(points[current][f"marginal_cac_micros_p{p}"] for p in (10, 50, 90))
        curves[key] = Curve(
            channel=key[1],
            currency=points[0]["currency_code"],
            points=tuple(
                Point(
                    row["weekly_spend_micros"],
                    *(row[f"orders_p{percentile}"] for percentile in (10, 50, 90)),
                )
                for row in points
            ),
            current=current,
            marginal=marginal,
        )
    return curves
