"""What another cap on steps would have brought: the logged decisions, valued off policy.

Decisions on budgets aren't drawn, so they have no propensities. A week is taken for one of another
policy's as far as its split is near the replayed one (Kallus and Zhou 2018, for continuous
treatments), and the estimate is doubly robust: the curves that were known in the week say what the
other split would have brought, and what they got wrong in weeks like it is added. Hints never act.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from pipelines.canonical import canonical_json, sha256
from pipelines.contracts import load_contract
from pipelines.jobs.base import significant
from pipelines.money import MICROS
from pipelines.sandbox.lab.loop import Run, Week
from pipelines.sandbox.market.truth import Floats
from pipelines.warehouse import Slice, Statement, Warehouse

TABLE = "contracts.policy_hints"
MODEL_VERSION = "replay-1"
SETTING = "max_change_percent"
CANDIDATES = (0.0, 2.5, 7.5, 10.0)
MIN_EFFECTIVE = 8.0
_NEAR = 0.1
"""A split whose largest channel is so far off, as a share, counts for 60% of one."""
_TO_TENTH = float(norm.ppf(0.9))
_PERCENTILES = ("orders_p10", "orders_p50", "orders_p90")


@dataclass(frozen=True)
class Logged:
    """One decided week whose orders are known.

    Args:
        spend: weekly, as decided, [channel].
        surprise: orders that came over those expected.
        grid, curves: weekly spends, [channel, point], and orders at them, [percentile, channel,
            point].
    """

    spend: Floats
    surprise: float
    grid: Floats
    curves: Floats

    def orders(self, spend: Floats) -> Floats:
        """Of all channels, [percentile]; beyond its grid a curve is flat."""
        channels = range(len(spend))
        return np.array(
            [
                sum(np.interp(spend[c], self.grid[c], curve[c]) for c in channels)
                for curve in self.curves
            ]
        )


@dataclass(frozen=True)
class Hint:
    """A row of contracts.policy_hints."""

    run_id: str
    as_of: date
    model_version: str
    input_snapshot: str
    setting: str
    present_value: float
    hinted_value: float
    weeks: int
    effective_weeks: float
    delta_orders_p10: float
    delta_orders_p50: float
    delta_orders_p90: float
    verdict: Literal["PASS", "REFUSED"]
    reason: str


def logged(run: Run) -> list[Logged]:
    """The decided weeks in which curves were known, with what came in the week after."""
    reported = run.weeks[-1].reported.weekly.to_pylist()
    came = {row["week_start"]: row["orders"] for row in reported if row["is_complete"]}
    return [row for week in run.weeks if (row := _logged(run, week, came)) is not None]


def _logged(run: Run, week: Week, came: Mapping[date, int]) -> Logged | None:
    curves = week.advice.steady_curves
    forecast = {start: orders for start, orders in week.advice.expected.items() if start in came}
    if not curves or not forecast:
        return None
    start = min(forecast)
    day = run.world.decided_on(week.week) - 1
    points = [curves.get(channel, ()) for channel in run.world.channels]
    if not all(points):
        return None
    return Logged(
        7 * run.world.spent_daily(week.after, day),
        came[start] - forecast[start],
        np.array([[p["weekly_spend_micros"] / MICROS for p in own] for own in points]),
        np.array([[[p[name] for p in own] for own in points] for name in _PERCENTILES]),
    )


def hints(log: Sequence[Logged], present: float, as_of: date) -> Iterator[Hint]:
    """What each other cap would have brought a week.

    Args:
        present: the cap under which the weeks were decided, in percent.
    """
    if not log:
        return
    spent = np.array([week.spend for week in log])
    content = [[w.spend.tolist(), w.surprise, w.curves.tolist()] for w in log]
    snapshot = sha256(canonical_json(content))
    surprises = np.array([week.surprise for week in log])
    for value in CANDIDATES:
        replayed = _replayed(spent, value / present)
        changes = np.array(
            [
                w.orders(other) - w.orders(own)
                for w, own, other in zip(log, spent, replayed, strict=True)
            ]
        )
        apart = np.abs(np.log(replayed / spent)).max(axis=1)
        weights = np.exp(-0.5 * (apart / _NEAR) ** 2)
        effective = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300))
        shares = weights / max(weights.sum(), 1e-300)
        missed = float(shares @ surprises - surprises.mean())
        low, middle, high = np.sort(changes.mean(axis=0))
        spread = float(np.sqrt((((shares - 1 / len(log)) * surprises) ** 2).sum()))
        width = [float(np.hypot(end, _TO_TENTH * spread)) for end in (middle - low, high - middle)]
        enough = effective >= MIN_EFFECTIVE
        yield Hint(
            run_id=sha256(canonical_json([MODEL_VERSION, snapshot, SETTING, value]))[:16],
            as_of=as_of,
            model_version=MODEL_VERSION,
            input_snapshot=snapshot,
            setting=SETTING,
            present_value=present,
            hinted_value=value,
            weeks=len(log),
            effective_weeks=significant(effective),
            delta_orders_p10=significant(float(middle) + missed - width[0]),
            delta_orders_p50=significant(float(middle) + missed),
            delta_orders_p90=significant(float(middle) + missed + width[1]),
            verdict="PASS" if enough else "REFUSED",
            reason=f"{len(log)} weeks count as {effective:.1f} under a cap of {value:g}% (at least "
            f"{MIN_EFFECTIVE:g} are needed)"
            + ("." if enough else ": the weeks that were decided had other splits."),
        )


def _replayed(spent: Floats, share: float) -> Floats:
    """The path of spend whose steps are ``share`` of those that were taken, and that costs as
    much, [week, channel]."""
    steps = spent[1:] / spent[:-1] - 1
    path = np.cumprod(np.concatenate([np.ones((1, spent.shape[1])), 1 + share * steps]), axis=0)
    replayed: Floats = spent[0] * path
    scaled: Floats = replayed * (spent.sum(axis=1) / replayed.sum(axis=1))[:, None]
    return scaled


def write_hints(warehouse: Warehouse, made: Sequence[Hint]) -> None:
    """Replace the rows of the hints' runs, in one transaction."""
    contract = load_contract(TABLE)
    columns = ", ".join(contract.column_names)
    statements: list[Statement] = []
    stages: list[str] = []
    for hint in made:
        condition, params = Slice(TABLE, {"run_id": hint.run_id}).predicate()
        statements.append(Statement(f"DELETE FROM {TABLE} WHERE {condition}", params))
        rows: list[dict[str, Any]] = [asdict(hint)]
        arrow = pa.Table.from_pylist(rows, schema=contract.arrow_schema)
        stages.append(warehouse.stage(contract, hint.run_id, arrow))
        statements.append(
            Statement(
                f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {stages[-1]}", expect_rows=1
            )
        )
    warehouse.transaction(statements, label="policy_hints")
    warehouse.drop_stages(stages)
