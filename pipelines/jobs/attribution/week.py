"""One week's credit: its paths, what speaks against crediting them, and the rows that result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from pipelines.job_settings import AttributionSettings
from pipelines.jobs.attribution.markov import (
    TooManyStates,
    build_chain,
    markov_credit,
    resampled_credit,
)
from pipelines.jobs.attribution.paths import Floats, Paths, linear_credit, split_paths, summed
from pipelines.jobs.attribution.shapley import shapley_credit, shapley_shares
from pipelines.jobs.base import significant

HIDDEN = "(other)"
"""The path under which marts.journey_paths_weekly counts all that are too rare to show."""

MICROS = 1_000_000
PERCENTILES = (10, 50, 90)


@dataclass(frozen=True)
class Week:
    """The paths that ended in a week.

    Args:
        start: its Monday.
        paths: those that are shown.
        conversions: of shown and hidden paths.
        hidden: conversions of paths that are too rare to show.
        hidden_journeys: journeys of those paths, converting or not.
        hidden_value_micros: of their conversions.
        currency_code: of all value; None where it isn't known, or there are several.
    """

    start: date
    paths: Paths
    conversions: int
    hidden: int
    hidden_journeys: int
    hidden_value_micros: int
    currency_code: str | None


def read_week(start: date, rows: Sequence[Mapping[str, Any]]) -> Week:
    """A week from its rows of paths.sql."""
    shown = [row for row in rows if row["channel_path"] != HIDDEN]
    rare = [row for row in rows if row["channel_path"] == HIDDEN]
    codes = {row["currency_code"] for row in rows if row["currency_code"] is not None}
    known = all(row["value_micros"] is not None for row in rows) and len(codes) == 1
    paths = split_paths(
        [row["channel_path"] for row in shown],
        np.array([row["conversions"] for row in shown], dtype=np.float64),
        np.array([row["non_conversions"] for row in shown], dtype=np.float64),
        np.array([row["value_micros"] or 0 for row in shown], dtype=np.float64),
    )
    return Week(
        start=start,
        paths=paths,
        conversions=sum(row["conversions"] for row in rows),
        hidden=sum(row["conversions"] for row in rare),
        hidden_journeys=sum(row["conversions"] + row["non_conversions"] for row in rare),
        hidden_value_micros=sum(row["value_micros"] or 0 for row in rare),
        currency_code=next(iter(codes)) if known else None,
    )


def problem_of(week: Week, limits: AttributionSettings) -> str | None:
    """Why the week can't be credited to channels; None if it can."""
    shown = week.conversions - week.hidden
    if week.conversions and week.hidden > limits.max_hidden_share * week.conversions:
        return (
            f"{week.hidden} of its {week.conversions} conversions are on paths that too few people "
            f"went in the week to be shown (at most {limits.max_hidden_share:.0%} may be): credit "
            "would go by the others alone. More traffic would show them"
        )
    if shown < limits.min_conversions:
        return f"it has {shown} conversions on shown paths; the job needs {limits.min_conversions}"
    path, _, _ = shapley_shares(week.paths)
    if len(path) == len(week.paths.lengths):
        return "no path of two channels is shown: there is nothing to divide"
    try:
        build_chain(week.paths, limits.order)
    except TooManyStates as error:
        return (
            f"a chain that remembers {limits.order} steps has {error.states} states, too many to "
            "solve. Lower jobs.attribution.order"
        )
    return None


def credit_rows(week: Week, limits: AttributionSettings) -> list[dict[str, Any]]:
    """Rows of contracts.attribution_channel_weekly, without what every row of a run carries."""
    paths = week.paths
    path, channel, share = shapley_shares(paths)
    size = len(paths.channels)
    journeys = summed(channel, (paths.conversions + paths.nulls)[path], size)
    linear = _apportioned(week.conversions - week.hidden, linear_credit(paths, paths.conversions))
    draws = _resampled(week, limits)
    chain = build_chain(paths, limits.order)
    by_model: dict[str, tuple[tuple[Floats, Floats], Floats]] = {
        "markov": (markov_credit(paths, limits.order), resampled_credit(paths, chain, draws)),
        "shapley": (
            shapley_credit(paths),
            np.array([summed(channel, share * drawn[path], size) for drawn, _ in draws]),
        ),
    }
    rare = [_hidden(week, limits)] if week.hidden_journeys else []
    names = [_name(channel) for channel in paths.channels] + [HIDDEN] * len(rare)
    rows = []
    for model, ((conversions, value), drawn) in by_model.items():
        micros = _apportioned(week.conversions - week.hidden, conversions)
        worth = _value(week, value)
        percentiles = np.percentile(np.column_stack([drawn, *rare]), PERCENTILES, axis=0)
        for i, name in enumerate(names):
            low, median, high = (round(significant(p) * MICROS) for p in percentiles[:, i].tolist())
            shown = i < size
            rows.append(
                {
                    "model": model,
                    "week_start": week.start,
                    "channel": name,
                    "conversions_micros": micros[i] if shown else week.hidden * MICROS,
                    "conversions_p10_micros": low,
                    "conversions_p50_micros": median,
                    "conversions_p90_micros": high,
                    "linear_conversions_micros": linear[i] if shown else week.hidden * MICROS,
                    "value_micros": worth and (worth[i] if shown else week.hidden_value_micros),
                    "currency_code": week.currency_code if worth else None,
                    "paths": int(journeys[i]) if shown else week.hidden_journeys,
                }
            )
    return rows


def _name(channel: str) -> str:
    """A channel as it is called: in a path, a '>' inside of a name is doubled."""
    return channel.replace(">>", ">")


def _generator(week: Week, limits: AttributionSettings, stream: int) -> np.random.Generator:
    """Of this week alone, so that no other week moves its interval."""
    return np.random.default_rng([limits.seed, week.start.toordinal(), stream])


def _resampled(week: Week, limits: AttributionSettings) -> list[tuple[Floats, Floats]]:
    """Journeys drawn again, as a Poisson bootstrap does: (conversions, nulls), each [path]."""
    random = _generator(week, limits, 0)
    size = (limits.draws, len(week.paths.lengths))
    conversions = random.poisson(week.paths.conversions, size).astype(np.float64)
    nulls = random.poisson(week.paths.nulls, size).astype(np.float64)
    return list(zip(conversions, nulls, strict=True))


def _hidden(week: Week, limits: AttributionSettings) -> Floats:
    return _generator(week, limits, 1).poisson(week.hidden, limits.draws).astype(np.float64)


def _apportioned(total: int, credit: Floats, unit: int = MICROS) -> list[int]:
    """Credit in whole units that sum to ``total`` exactly: what rounding down leaves goes to the
    largest remainders (Hamilton's method)."""
    parts = np.round(credit * unit, 3)  # coarser than what the last bit differs by
    whole = np.floor(parts)
    missing = int(total * unit - whole.sum())
    order = np.argsort(-(parts - whole), kind="stable")
    whole[order[: abs(missing)]] += np.sign(missing)
    return [int(part) for part in whole]


def _value(week: Week, value: Floats) -> list[int] | None:
    if week.currency_code is None or not np.isfinite(value).all():
        return None
    return _apportioned(int(week.paths.value.sum()), value, unit=1)
