"""A file's rows in the types of their contract, and what is wrong with them as a whole."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa

from pipelines.money import micros, minor_unit
from pipelines.platform_ids import ROUNDED
from pipelines.privacy.field_names import is_personal
from pipelines.sources.files.ads import periods, queries
from pipelines.sources.files.ads.mapping import AdsMapping, Status
from pipelines.sources.files.aside import Aside, TypedRows, refuse_more_than_rows
from pipelines.sources.files.cells import Reading, Sheet
from pipelines.sources.files.formats import read_sheets
from pipelines.sources.files.ids import look_rounded
from pipelines.sources.files.mapping import ABSENT, Text
from pipelines.sources.files.possible import note_impossible
from pipelines.sources.files.rows import RowsFile
from pipelines.sources.shapes.columns import schema_of

_log = logging.getLogger(__name__)

_ENDS = "_ends"
_LEVELS = ("campaign", "adgroup", "ad")
_IDS = ("account_id", "campaign_id", "adgroup_id", "ad_id")
_TABLES = ("raw.ads_ad_performance", "raw.ads_campaign_budgets")


def typed_rows(reading: Reading[AdsMapping]) -> TypedRows:
    """Read a file; a row that can't be read is set aside.

    Raises:
        InputError: a column that can't be used, more rows that can't than may be set aside, or a
            file that can't be what its mapping says.
    """
    rows, problems = RowsFile(), reading.problems
    drift: tuple[str, ...] = ()
    personal: set[str] = set()
    cost_is_given, count = False, 0
    asides: dict[int, Aside] = {}
    for whole in read_sheets(reading):
        personal |= {name for name in whole.others if is_personal(name)}
        drift = tuple(name for name in whole.others if not is_personal(name))
        sheet, values = _parted(whole, _typed(whole, drift), asides)
        count += len(sheet)
        cost_is_given |= any(amount is not None for amount in values["cost_micros"])
        days = _as_days(sheet, values)
        if not problems.of_file:
            rows.write(_table(days))
    rows.close()
    count += len(problems.rows)
    refuse_more_than_rows(reading, f"raw.ads_{reading.mapping.level}_performance", count)
    if not rows.is_written:
        raise reading.refusal("has no row that isn't left out.", "Correct leave_out.")
    if not cost_is_given and reading.mapping.empty_cost == "refuse":
        raise reading.refusal(
            f"has no cost in any row (column {reading.mapping.columns.cost}).",
            "Export it with its costs; if they are all 0, say empty_cost: zero in the mapping.",
        )
    _refuse_ambiguous_numbers(reading)
    _check_total(reading, rows)
    _refuse_rounded_ids(reading, rows)
    level = reading.mapping.level
    periods.refuse_far_apart(reading, (days for (days,) in rows.query(queries.dates(level))))
    if reading.mapping.duplicate_rows == "refuse":
        _refuse_duplicates(reading, rows)
    _refuse_mixed_currencies(reading, rows)
    if personal:
        warning = "columns that may be about a person are not taken"
        _log.warning("%s: %s: %s", reading.path, warning, ", ".join(sorted(personal)))
    reading.warn_of_left_out()
    dates = reading.mapping.date
    aside = (
        asides.get(row) or Aside(row, why, day=problems.day(row, dates.column, dates))
        for row, why in sorted(problems.rows.items())
    )
    return TypedRows(rows, drift, tuple(aside), count)


def _parted(
    sheet: Sheet[AdsMapping], values: dict[str, list[Any]], asides: dict[int, Aside]
) -> tuple[Sheet[AdsMapping], dict[str, list[Any]]]:
    """A sheet without the rows that can't be read, which are noted."""
    bad = sheet.reading.problems.rows
    places = [i for i, row in enumerate(sheet.row_numbers) if row in bad]
    if not places:
        return sheet, values
    for i in places:
        row = sheet.row_numbers[i]
        cells = {name: column[i] for name, column in sheet.columns.items()}
        asides[row] = Aside(row, bad[row], values["account_id"][i], values["date"][i], cells)
    left = sorted(set(range(len(sheet))).difference(places))

    def chosen(columns: dict[str, Any]) -> dict[str, Any]:
        return {name: [column[i] for i in left] for name, column in columns.items()}

    rows = [sheet.row_numbers[i] for i in left]
    return Sheet(chosen(sheet.columns), chosen(sheet.others), rows, sheet.reading), chosen(values)


def _typed(sheet: Sheet[AdsMapping], drift: Iterable[str]) -> dict[str, list[Any]]:
    mapping, columns, count = sheet.reading.mapping, sheet.reading.mapping.columns, len(sheet)
    account = mapping.account_id
    values: dict[str, list[Any]] = {
        queries.ROW: sheet.row_numbers,
        "platform": [mapping.platform] * count,
        "account_id": sheet.ids(account.column, "account")
        if account.column
        else [str(mapping.account)] * count,
        "date": sheet.days(mapping.date.column, mapping.date),
        "campaign_id": sheet.ids(columns.campaign_id, "campaign"),
        "impressions": sheet.counts(columns.impressions),
        "clicks": sheet.counts(columns.clicks),
        "cost_micros": sheet.amounts(columns.cost, signed=True),
        "currency_code": [code and code.upper() for code in _texts(sheet, mapping.currency)],
        "time_zone": [mapping.time_zone] * count,
        "attribution_window": [mapping.attribution_window] * count,
    }
    note_impossible(sheet, mapping.date.column, values["date"])
    for metric in ("conversions", "conversion_value"):
        column = getattr(columns, metric)
        values[metric] = [0.0] * count if column == ABSENT else sheet.numbers(column)
    if columns.adgroup_id and columns.ad_id:
        values["adgroup_id"] = sheet.ids(columns.adgroup_id, "adgroup")
        values["ad_id"] = sheet.ids(columns.ad_id, "ad")
    if mapping.daily_budget:
        values["daily_budget_micros"] = sheet.amounts(mapping.daily_budget)
        shared = mapping.budget_id
        if shared is None or shared.column is None:
            values["budget_id"] = [shared and shared.constant] * count
        else:
            values["budget_id"] = sheet.texts_if_any(shared.column)
    for level in _LEVELS:
        status: Status | None = getattr(mapping.status, level)
        if status:
            values[f"status_{level}"] = _texts(sheet, status)
        name: str | None = getattr(mapping.names, level)
        if name:
            values[f"name_{level}"] = sheet.texts(name)
    if mapping.grain != "day" and mapping.date.ends:
        values[_ENDS] = sheet.days(mapping.date.ends, mapping.date)
    for i, other in enumerate(drift):
        values[f"{queries.DRIFT}{i}"] = sheet.drift(other)
    return values


def _as_days(sheet: Sheet[AdsMapping], values: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A sheet's values by day, and without a cost that is nothing; notes what it can't be."""
    mapping = sheet.reading.mapping
    spent, cells = mapping.columns.cost, values["cost_micros"]
    delivered = zip(values["impressions"], values["clicks"], strict=True)
    if mapping.empty_cost == "refuse":
        for i, (cost, delivery) in enumerate(zip(cells, delivered, strict=True)):
            if cost is None and any(delivery):
                sheet.reading.problems.add(
                    sheet.row_numbers[i],
                    f", column {spent}: there is no cost, though there are impressions or clicks",
                )
                sheet.reading.problems.advise(
                    "Export it with its costs; if they are 0, say empty_cost: zero in the mapping."
                )
    values["cost_micros"] = [cost or 0 for cost in cells]
    if mapping.grain == "day":
        periods.check_ends(sheet, values["date"])
        return values
    none: list[date | None] = [None] * len(sheet)
    ends = values.pop(_ENDS, none)
    spans = []
    for i, (day, end) in enumerate(zip(values["date"], ends, strict=True)):
        span = periods.period(day, end, mapping)
        if span is None:
            until = f" to {end}" if end else ""
            sheet.reading.problems.add(
                sheet.row_numbers[i], f": {day}{until} is no {mapping.grain}"
            )
        elif span[1] > sheet.reading.today:
            sheet.reading.problems.add(
                sheet.row_numbers[i],
                f": the {mapping.grain} from {span[0]} to {span[1]} isn't over",
            )
            sheet.reading.problems.advise(
                "Leave it out of the export, or say which column has the row's last day: "
                "date: {ends: COLUMN}."
            )
        spans.append(span or (day, day))
    if sheet.reading.problems.of_file:
        return values
    return periods.spread(values, spans, mapping.grain)


def _refuse_ambiguous_numbers(reading: Reading[AdsMapping]) -> None:
    if number := reading.numerals.ambiguous:
        sign = reading.mapping.decimal_sign
        raise reading.refusal(
            f"has no number that shows what '{sign}' is: '{number}' is a fraction, or thousands.",
            "Say both signs in the mapping: decimal: and thousands: ('' for none).",
        )


def _check_total(reading: Reading[AdsMapping], rows: RowsFile) -> None:
    """Hold the costs to that of a row that was left out, within what rounding may make of them."""
    if not reading.mapping.check_total:
        return
    totals = []
    for _, cell in reading.totals:
        try:
            cost = cell
            if isinstance(cell, str):
                cost = reading.numerals.number(cell.strip(), signed=True)
            totals.append(micros(cost))
        except ValueError:
            continue
    ((spent, count, currency),) = rows.query(
        "SELECT SUM(cost_micros), COUNT(*), ANY_VALUE(currency_code) FROM rows"
    )
    if not totals:
        raise reading.refusal(
            "has no total to check: no row that is left out has a cost.",
            "Correct leave_out, or leave check_total out.",
        )
    # each amount was rounded to the cent by itself, and so was the total
    within = (count + 1) * minor_unit(currency) // 2
    if all(abs(total - spent) > within for total in totals):
        bad = len(reading.problems.rows)
        without = f" (without {bad} that can't be read)" if bad else ""
        raise reading.refusal(
            f"doesn't add up: its rows{without} cost {spent / 1e6:,.2f}, its total says "
            f"{totals[-1] / 1e6:,.2f} {currency}.",
            "Export it again, with every row that the total counts.",
        )


def _refuse_rounded_ids(reading: Reading[AdsMapping], rows: RowsFile) -> None:
    if reading.mapping.rounded_ids == "keep":
        return
    for column in (name for name in _IDS if name in rows.column_names):
        ids = [id_ for (id_,) in rows.query(f"SELECT DISTINCT {column} FROM rows")]
        if rounded := look_rounded(ids):
            raise reading.refusal(
                f"has ids of which each {ROUNDED}: {column} {', '.join(rounded[:3])}.",
                "Export it again, and open it in no spreadsheet program before. If they are the "
                "ids, say rounded_ids: keep in the mapping.",
            )


def _refuse_duplicates(reading: Reading[AdsMapping], rows: RowsFile) -> None:
    level = reading.mapping.level
    for first, again, times, *key in rows.query(queries.duplicates(level)):
        what = ", ".join(f"{c} {v}" for c, v in zip(queries.GRAIN[level][2:], key, strict=True))
        reason = f": {what} was in row {first} already (duplicate_rows: refuse)"
        reading.problems.add(again, reason, times - 1)
    reading.problems.refuse(len(reading.problems.rows))


def _refuse_mixed_currencies(reading: Reading[AdsMapping], rows: RowsFile) -> None:
    for account_id, day, currencies, row in rows.query(queries.MIXED_CURRENCIES):
        raise reading.refusal(
            f"row {row}: account {account_id} has several currencies "
            f"on {day}: {', '.join(currencies)}.",
            "Export each currency as a separate account; amounts in different "
            "currencies can't be added.",
        )


def _table(values: dict[str, list[Any]]) -> pa.Table:
    """A sheet's values: contract columns in its types, a row's number, and texts."""
    types = {f.name: f.type for table in _TABLES for f in schema_of(table)}
    types[queries.ROW] = pa.int64()
    text = pa.string()
    return pa.table({name: pa.array(v, types.get(name, text)) for name, v in values.items()})


def _texts(sheet: Sheet[AdsMapping], text: Text) -> list[str] | list[str | None]:
    if text.column is None:
        return [text.constant] * len(sheet)
    if isinstance(text, Status):
        return sheet.translated(text.column, dict(text.values))
    return sheet.texts(text.column)
