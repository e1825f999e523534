"""Paces the lines of a media plan: each flight's spend against its part of the planned spend.

The plan of a flight is spread over its days by the weekdays and holidays of the campaign that the
line is about (:mod:`pipelines.jobs.pacing.plan_match`); what becomes of the variance,
:mod:`pipelines.jobs.pacing.plan_matrix` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from pipelines.config import PacingSettings
from pipelines.jobs.base import significant
from pipelines.jobs.pacing import detectors
from pipelines.jobs.pacing.evidence import (
    STOPPED,
    CampaignHistory,
    Key,
    last_due_day,
    read_histories,
)
from pipelines.jobs.pacing.plan_match import (
    MIN_CONFIDENCE,
    Candidate,
    Line,
    Match,
    match_lines,
    repeated,
)
from pipelines.jobs.pacing.plan_matrix import classify, decide
from pipelines.jobs.pacing.target import Month, recent_days
from pipelines.money import Money, Rate
from pipelines.warehouse import Warehouse

LINES = "plan_lines"
"""The input that has the lines of media plans, if any flight is of the month."""
_CAMPAIGNS, _RATES, _EARLIER = "plan_campaigns", "plan_rates", "plan_earlier_"
_DAYS = ("campaign_days", "account_days")
MAX_FLIGHT = timedelta(days=400)
"""Days of a flight that are longer ago aren't read, and count neither as plan nor as spend."""


@dataclass(frozen=True)
class Pace:
    """A line's flight up to now, in micros of the campaign's currency; ``days`` are published."""

    planned: int
    planned_to_date: int
    spent_to_date: int
    days: int
    is_zero_delivery: bool

    @property
    def variance(self) -> float | None:
        if self.planned_to_date <= 0:
            return None
        return self.spent_to_date / self.planned_to_date - 1

    @property
    def is_over(self) -> bool:
        return self.spent_to_date > self.planned_to_date


def read_plan(
    warehouse: Warehouse, as_of: date, month_first: date, history_first: date
) -> dict[str, pa.Table]:
    """What pacing reads for media plans: nothing where no flight is of the month.

    Args:
        history_first: the first day that the job reads of campaigns anyway.
    """
    folder = Path(__file__).parent
    params = {"start": month_first, "as_of": as_of}
    lines = warehouse.query((folder / "plan_lines.sql").read_text(), params)
    if not lines.num_rows:
        return {}
    first = max(min(lines["start_date"].to_pylist()), as_of - MAX_FLIGHT)
    # of flights that began before what is read anyway
    before = {"start": first, "as_of": history_first - timedelta(days=1)}
    earlier = {
        f"{_EARLIER}{name}": warehouse.query((folder / f"{name}.sql").read_text(), before)
        for name in _DAYS
    }
    return earlier | {
        LINES: lines,
        _CAMPAIGNS: warehouse.query((folder / "plan_campaigns.sql").read_text()),
        _RATES: warehouse.query((folder / "rates.sql").read_text(), {"as_of": as_of}),
    }


def pace_plan(
    inputs: Mapping[str, pa.Table],
    as_of: date,
    limits: PacingSettings,
    holidays: frozenset[date],
    reporting_zone: str,
) -> Iterator[dict[str, Any]]:
    """Rows of contracts.media_plan_pacing, a line each, without what every row of a run carries."""
    lines = [_line(row) for row in inputs[LINES].to_pylist()]
    days = {name: _together(inputs[f"{_EARLIER}{name}"], inputs[name]) for name in _DAYS}
    histories = {
        (h.platform, h.account_id, h.campaign_id): h
        for h in read_histories({**inputs, **days}, as_of)
    }
    due = {key: last_due_day(h, as_of, reporting_zone) for key, h in histories.items()}
    campaigns = [
        _candidate(row, histories[_key(row)], as_of, due[_key(row)])
        for row in inputs[_CAMPAIGNS].to_pylist()
        if _key(row) in histories
    ]
    now = datetime.combine(as_of + timedelta(days=1), time.min, ZoneInfo(reporting_zone))
    repeats = repeated(lines)
    matches = match_lines([ln for ln in lines if ln.key not in repeats], campaigns, as_of, now)
    rates = {row["currency_code"]: row for row in inputs[_RATES].to_pylist()}
    months: dict[Key, Month] = {}
    for line in lines:
        match = matches.get(line.key)
        refusal = _refusal(line, match, repeats.get(line.key))
        rate = None
        if refusal is None and match is not None:
            rate = _rate(line.currency_code, histories[match.campaign.key].currency_code, rates)
            if rate is None:
                refusal = _no_rate(line, histories[match.campaign.key], as_of)
        if refusal is not None or match is None or rate is None:
            yield _escalated(line, match, refusal or "")
            continue
        history = histories[match.campaign.key]
        if match.campaign.key not in months:
            months[match.campaign.key] = Month.of(history, as_of, holidays)
        yield _paced(line, match, months[match.campaign.key], rate, as_of=as_of, limits=limits)


def _together(earlier: pa.Table, days: pa.Table) -> pa.Table:
    """Both, whatever types a warehouse gives to no rows."""
    return pa.concat_tables([earlier, days]) if earlier.num_rows else days


def _pace(line: Line, month: Month, rate: Rate, as_of: date) -> Pace:
    history = month.history
    planned = rate.convert(Money(line.planned_micros, line.currency_code)).micros
    flight = [line.start + timedelta(days=i) for i in range((line.end - line.start).days + 1)]
    published = [day for day in flight if day <= as_of and history.cost(day) is not None]
    whole = sum(month.usual.shape(day) for day in flight)
    so_far = sum(month.usual.shape(day) for day in published)
    spent = sum(history.cost(day) or 0 for day in published)
    runs = history.status not in STOPPED and as_of <= line.end
    never = not spent and bool(published)
    return Pace(
        planned=planned,
        planned_to_date=round(planned * so_far / whole) if whole > 0 else 0,
        spent_to_date=spent,
        days=len(published),
        is_zero_delivery=runs
        and planned > 0
        and (never or detectors.zero_delivery(history, as_of) is not None),
    )


def _paced(
    line: Line,
    match: Match,
    month: Month,
    rate: Rate,
    *,
    as_of: date,
    limits: PacingSettings,
) -> dict[str, Any]:
    history, pace = month.history, _pace(line, month, rate, as_of)
    zero, variance = pace.is_zero_delivery, pace.variance
    is_early = pace.days < limits.recent_days and as_of < line.end
    running = history.status not in STOPPED
    classification = classify(variance, is_zero_delivery=zero, is_early=is_early, limits=limits)
    action = decide(
        classification,
        0.0 if match.doubt else match.confidence,
        may_pause=not zero and pace.is_over and running and as_of <= line.end,
    )
    recent = recent_days(history, as_of, limits.recent_days)
    foreign = line.currency_code != history.currency_code
    reasons = [
        _of_match(match),
        *_of_pace(pace, history, as_of, is_early=is_early),
        *([f"1 {rate.source} is {rate.factor:g} {rate.target} on {rate.day}."] if foreign else ()),
    ]
    return _row(line, match) | {
        "account_id": history.account_id,
        "campaign_id": history.campaign_id,
        "campaign_name": match.campaign.name or None,
        "planned_micros": pace.planned,
        "planned_to_date_micros": pace.planned_to_date,
        "spent_to_date_micros": pace.spent_to_date,
        "recent_daily_micros": (
            round(sum(history.cost(d) or 0 for d in recent) / len(recent)) if recent else None
        ),
        "variance": None if variance is None else significant(variance),
        "classification": classification,
        "is_zero_delivery": zero,
        "action": action,
        "reason": " ".join(reasons),
        "currency_code": history.currency_code,
        "fx_rate": rate.factor if foreign else None,
        "fx_date": rate.day if foreign else None,
    }


def _of_match(match: Match) -> str:
    name, sure = match.campaign.name, f"{match.confidence:.0%} confidence"
    if match.confidence < MIN_CONFIDENCE:
        return (
            f"No campaign matches for certain: the nearest, '{name}', fits with {sure}, below "
            f"{MIN_CONFIDENCE:.0%}. Nothing is proposed; correct the name, market or product in "
            "the plan, or start the campaign. If it is that one:"
        )
    if match.doubt:
        return f"That it is campaign '{name}' is not certain: {match.doubt}. If it is that one:"
    return f"Campaign '{name}' fits with {sure}."


def _of_pace(pace: Pace, history: CampaignHistory, as_of: date, *, is_early: bool) -> Iterator[str]:
    if pace.variance is None:
        yield "No day of the flight with planned spend is published yet."
        return
    spent, planned = (
        Money(micros, history.currency_code)
        for micros in (pace.spent_to_date, pace.planned_to_date)
    )
    yield (
        f"{spent} spent of {planned} planned to {as_of} ({pace.variance:+.0%}), on {pace.days} "
        "published day(s) of the flight."
    )
    if pace.is_zero_delivery:
        yield "It is enabled and spends nothing."
    elif history.status in STOPPED:
        yield "It is paused: that it spends nothing now is no fault of delivery."
    elif is_early:
        yield "The flight is too young for more than a warning."


def _refusal(line: Line, match: Match | None, repeats: Line | None) -> str | None:
    """Why a line can't be paced, if so."""
    if repeats is not None:
        return (
            f"Line {repeats.line_id} of plan {repeats.plan_id} plans the same campaign on "
            "overlapping days: which of them counts, nothing says. Remove one of them."
        )
    if match is None:
        return f"No campaign of {line.platform} is known: ingest the platform first."
    return None


def _no_rate(line: Line, history: CampaignHistory, as_of: date) -> str:
    return (
        f"It is planned in {line.currency_code}, its campaign's account is in "
        f"{history.currency_code}, and no exchange rate between them is known for {as_of}. Add "
        "both to sources.fx_rates.currencies, or plan in the account's currency."
    )


def _rate(source: str, target: str, rates: Mapping[str, Mapping[str, Any]]) -> Rate | None:
    """What one unit of a currency is in another, crossed through the reporting currency."""
    if source == target:
        return Rate(source, target, 1.0, date.min)
    reporting = {row["reporting_currency_code"] for row in rates.values()}
    worth: list[tuple[float, date]] = []
    for currency in (source, target):
        if currency in rates:
            worth.append((rates[currency]["fx_rate"], rates[currency]["fx_date"]))
        elif currency in reporting:
            worth.append((1.0, date.max))
    if len(worth) < 2:
        return None
    (of_source, day), (of_target, other) = worth
    return Rate(source, target, significant(of_source / of_target), min(day, other))


def _escalated(line: Line, match: Match | None, reason: str) -> dict[str, Any]:
    """The row of a line that can't be paced."""
    return _row(line, match) | {
        "planned_micros": line.planned_micros,
        "classification": "NO_DATA",
        "is_zero_delivery": False,
        "action": "ESCALATE",
        "reason": reason,
        "currency_code": line.currency_code,
    }


def _row(line: Line, match: Match | None) -> dict[str, Any]:
    """What every row says."""
    parts = (
        (match.confidence, match.metadata, match.name_similarity, match.freshness)
        if match
        else (0.0,) * 4
    )
    names = ("confidence", "metadata_match", "name_similarity", "freshness")
    return {
        "plan_owner": line.owner,
        "plan_id": line.plan_id,
        "line_id": line.line_id,
        "platform": line.platform,
        "planned_campaign_name": line.name,
        "market": line.market,
        "product": line.product,
        "start_date": line.start,
        "end_date": line.end,
        **{name: significant(part) for name, part in zip(names, parts, strict=True)},
    }


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        owner=row["account_id"],
        plan_id=row["plan_id"],
        line_id=row["line_id"],
        platform=row["platform"],
        name=row["planned_campaign_name"],
        market=row["market"],
        product=row["product"],
        start=row["start_date"],
        end=row["end_date"],
        planned_micros=row["planned_spend_micros"],
        currency_code=row["currency_code"],
        updated_at=row["updated_at"],
    )


def _candidate(
    row: Mapping[str, Any], history: CampaignHistory, as_of: date, due: date
) -> Candidate:
    published = max((day for day in history.covered if day <= due), default=None)
    late = (due - published).days * 24.0 if published else float("inf")
    last = history.last_delivery if history.status in STOPPED else as_of
    return Candidate(
        key=_key(row),
        name=row["campaign_name"] or "",
        labels=row["labels"] or "",
        first=history.first_date,
        last=last,
        stale_hours=late,
    )


def _key(row: Mapping[str, Any]) -> Key:
    return row["platform"], row["account_id"], row["campaign_id"]
