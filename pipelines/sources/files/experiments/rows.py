"""A list of experiments in the types of raw.experiments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import NormalDist
from typing import Any

from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.experiments.mapping import (
    KINDS,
    MEASURERS,
    OUTCOMES,
    STATUSES,
    ExperimentsMapping,
)
from pipelines.sources.files.list_mapping import if_any, said
from pipelines.sources.files.one_table import Landing, OneTableFile, typed_rows
from pipelines.sources.files.possible import note_impossible

_TABLE = "raw.experiments"
_AHEAD = timedelta(days=732)
_SEPARATORS = re.compile(r"[;|]")
Values = dict[str, list[Any]]


def experiments_file(path: Path, mapping: ExperimentsMapping, now: datetime) -> OneTableFile:
    """A list of experiments."""
    landing = Landing(_TABLE, "start_date", ("experiment_id",))
    typed = partial(typed_rows, Reading(path, mapping, now), landing, _typed)
    return OneTableFile(path, mapping, mapping.account_id.constant, landing, typed)


def _typed(sheet: Sheet[ExperimentsMapping]) -> Values:
    mapping, columns, count = sheet.reading.mapping, sheet.reading.mapping.columns, len(sheet)

    def day(column: str) -> list[Any]:
        days = sheet.days(column, mapping.day(column))
        note_impossible(sheet, column, days, ahead=_AHEAD)
        return days

    signed = partial(sheet.amounts, signed=True)
    values: Values = {
        "_row": sheet.row_numbers,
        "account_id": [mapping.account_id.constant] * count,
        "experiment_id": sheet.texts(columns.experiment_id),
        "name": if_any(sheet, columns.name, sheet.texts_if_any),
        "kind": mapping.kind.of(sheet, KINDS),
        "channel": said(sheet, mapping.channel),
        "measured_by": mapping.measured_by.of(sheet, MEASURERS),
        "status": mapping.status.of(sheet, STATUSES),
        "start_date": day(columns.start_date),
        "end_date": day(columns.end_date),
        "post_end_date": if_any(
            sheet,
            columns.post_end_date,
            lambda column: sheet.days_if_any(column, mapping.day(column)),
        ),
        "spend_test_micros": if_any(sheet, columns.spend_test, sheet.amounts),
        "spend_baseline_micros": if_any(sheet, columns.spend_baseline, sheet.amounts),
        "spend_delta_micros": if_any(sheet, columns.spend_delta, signed),
        "currency_code": said(sheet, mapping.currency),
        "outcome": mapping.outcome.of(sheet, OUTCOMES),
        "effect": sheet.numbers_if_any(columns.effect),
        "standard_error": if_any(sheet, columns.standard_error, sheet.numbers_if_any),
        "effect_low": if_any(sheet, columns.effect_low, sheet.numbers_if_any),
        "effect_high": if_any(sheet, columns.effect_high, sheet.numbers_if_any),
        "interval_level": if_any(sheet, columns.interval_level, sheet.numbers_if_any),
        "population_share": if_any(sheet, columns.population_share, sheet.numbers_if_any),
        "geos": [_parts(geos) for geos in if_any(sheet, columns.geos, sheet.texts_if_any)],
        "time_zone": [mapping.time_zone] * count,
    }
    problems = sheet.reading.problems
    for i, number in enumerate(sheet.row_numbers):
        row = {name: cells[i] for name, cells in values.items()}
        row["interval_level"] = _level(row, mapping.interval_level)
        if row["spend_delta_micros"] is None and None not in (
            row["spend_test_micros"],
            row["spend_baseline_micros"],
        ):
            row["spend_delta_micros"] = row["spend_test_micros"] - row["spend_baseline_micros"]
        if number not in problems.rows:  # of what can't be read, nothing more is said
            for reason in _faults(row):
                problems.add(number, f": {reason}", why=reason)
        if row["standard_error"] is None:
            row["standard_error"] = _standard_error(row)
        for name, cells in values.items():
            cells[i] = row[name]
    return values


def _level(row: dict[str, Any], of_all: float | None) -> float | None:
    """The interval's level as a share: one above 1 is in percent."""
    if row["effect_low"] is None or row["effect_high"] is None:
        return None
    level = row["interval_level"] if of_all is None else of_all
    return level / 100 if level is not None and level > 1 else level


def _faults(row: dict[str, Any]) -> Iterator[str]:
    """Why an experiment can't be used."""
    start, end, counted = (row[f"{name}_date"] for name in ("start", "end", "post_end"))
    if end < start:
        yield "it ends before it starts"
    if counted and counted < end:
        yield "its outcome is counted to a day before its end"
    share, low, effect, high = (
        row[name] for name in ("population_share", "effect_low", "effect", "effect_high")
    )
    if share is not None and not 0 < share <= 1:
        yield "its population share isn't one: up to 1, above 0"
    if row["standard_error"] is not None and not row["standard_error"] > 0:
        yield "its standard error isn't above 0"
    test, baseline, delta = (row[f"spend_{name}_micros"] for name in ("test", "baseline", "delta"))
    if None not in (test, baseline) and delta != test - baseline:
        yield "its change of spend isn't the difference of the test and the baseline"
    if None not in (low, high):
        if low >= high or (effect is not None and not low <= effect <= high):
            yield "its effect doesn't lie in its interval"
        if row["interval_level"] is None or not 0 < row["interval_level"] < 1:
            yield "its interval has no level, such as 0.9"
    if row["status"] == "DONE":
        if effect is None:
            yield "it is DONE and has no effect"
        if row["standard_error"] is None and None in (low, high):
            yield "it is DONE and has neither a standard error nor an interval"
        if not delta:
            yield "it is DONE and changed no spend"


def _standard_error(row: dict[str, Any]) -> float | None:
    """That of a normal whose interval is as wide as the wider half: a lopsided one is no surer."""
    low, effect, high, level = (
        row[name] for name in ("effect_low", "effect", "effect_high", "interval_level")
    )
    if None in (low, effect, high, level) or not 0 < level < 1:
        return None
    half = float(max(high - effect, effect - low))
    return half / NormalDist().inv_cdf((1 + level) / 2)


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in _SEPARATORS.split(text or "") if part.strip()]
