"""Lands an ads export file (CSV), as its mapping file describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import FileSettings
from pipelines.errors import ConfigError, SourceRejected
from pipelines.sources.ads_tables import name_hash
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.cells import KEPT, Sheet, read_sheet
from pipelines.sources.mapping import ABSENT, Status, Text, load_mapping

_METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")
_CAMPAIGN_GRAIN = ("platform", "account_id", "date", "campaign_id")
_AD_GRAIN = (*_CAMPAIGN_GRAIN, "adgroup_id", "ad_id")
_LEVELS = ("campaign", "adgroup", "ad")
_INT, _TEXT = pa.int64(), pa.string()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class FilesSource:
    """One export file. It is read once, when its accounts or rows are first asked for.

    A file is taken to be complete for every day from its first to its last (``span``): batches
    replace no day outside of it, since a day the export does not reach is not a day without
    spend.

    Args:
        settings: the file, its mapping and the platform both are for.
        clock_now: the present instant, UTC.

    Raises:
        ConfigError: the mapping is unusable or for another platform.
    """

    name = "files"
    lookback_days = 30
    # The file is in memory as a whole anyway.
    max_window_days = 36_600

    def __init__(
        self, settings: FileSettings, clock_now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._settings, self._now = settings, clock_now
        self.mapping = load_mapping(settings.mapping)
        self.platform = self.mapping.platform
        if settings.platform not in {self.platform, self.platform.removesuffix("_ads")}:
            raise ConfigError(
                f"{settings.mapping} is a mapping for {self.platform}, not {settings.platform}.",
                kept="nothing was read or published.",
                fix=f"Use --platform {self.platform}, or another mapping.",
            )

    @property
    def tables(self) -> tuple[str, ...]:
        """What :meth:`pull` gives, in order."""
        ads = ("raw.ads_ad_performance",) if self.mapping.level == "ad" else ()
        campaigns = ("raw.ads_campaign_performance",) if self.mapping.makes_campaigns else ()
        return ads + campaigns

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The mapping's account, or those of the file (which reads it: InputError)."""
        if self.mapping.account_id.constant is not None:
            return (self.mapping.account_id.constant,)
        return tuple(sorted(pc.unique(self._rows["account_id"]).to_pylist()))

    @property
    def span(self) -> Window:
        """First to last day of the file."""
        days = pc.min_max(self._rows["date"]).as_py()
        return Window(days["min"], days["max"])

    def account(self, account_id: str) -> Account:
        """One of the file's accounts.

        Raises:
            SourceRejected: it is not in the file; names those that are.
            InputError: the file can't be used.
        """
        mine = self._of(account_id)
        return Account(
            account_id,
            self.mapping.account_name or account_id,
            mine["currency_code"][0].as_py(),
            self.mapping.time_zone,
        )

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """The file's rows in the window; nothing where the file has none of its days.

        Raises:
            InputError: a column, cell or row that can't be used; nothing of the file is handed on.
        """
        pulled_at = self._now()
        mine, span = self._of(account_id), self.span
        if window.end < span.start or window.start > span.end:
            return
        days = Window(max(window.start, span.start), min(window.end, span.end))
        rows = mine.filter(
            pc.and_(
                pc.greater_equal(mine["date"], pa.scalar(days.start)),
                pc.less_equal(mine["date"], pa.scalar(days.end)),
            )
        )
        if self.mapping.level == "ad":
            ads = _summed(rows, _AD_GRAIN, "ad")
            yield self._batch("ads_ad_performance", account_id, days, ads, pulled_at)
        if self.mapping.makes_campaigns:
            campaigns = _summed(rows, _CAMPAIGN_GRAIN, "campaign")
            yield self._batch("ads_campaign_performance", account_id, days, campaigns, pulled_at)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Entities with names, and budgets, as of the file's last day, whatever ``day`` is."""
        pulled_at, seen = self._now(), self.span.end
        mine = self._of(account_id).sort_by("date")
        window = Window(seen, seen)
        entities = self._entities(mine)
        if len(entities):
            yield self._batch("ads_entities", account_id, window, entities, pulled_at)
        if self.mapping.daily_budget:
            latest = _latest(mine, "campaign_id")
            budgets = pa.table(
                {
                    "platform": latest["platform"],
                    "account_id": latest["account_id"],
                    "campaign_id": latest["campaign_id"],
                    "effective_from": pa.repeat(pa.scalar(seen, pa.date32()), len(latest)),
                    "daily_budget_micros": latest["daily_budget_micros"],
                    "currency_code": latest["currency_code"],
                    "time_zone": latest["time_zone"],
                }
            )
            yield self._batch("ads_campaign_budgets", account_id, window, budgets, pulled_at)

    def _batch(
        self, table: str, account_id: str, window: Window, rows: pa.Table, pulled_at: datetime
    ) -> Batch:
        return Batch(self.name, f"raw.{table}", account_id, self.platform, window, rows, pulled_at)

    def _of(self, account_id: str) -> pa.Table:
        mine = self._rows.filter(pc.equal(self._rows["account_id"], account_id))
        if not len(mine):
            known = ", ".join(sorted(pc.unique(self._rows["account_id"]).to_pylist()))
            raise SourceRejected(
                f"{self._settings.path} has no account {account_id}; it has {known}.",
                kept=KEPT,
                fix="Ask for one of those, or export the file for that account.",
            )
        return mine

    @cached_property
    def _rows(self) -> pa.Table:
        """The file's rows, typed: contract columns, and name_, status_ and budget columns."""
        sheet = read_sheet(self._settings.path, self.mapping)
        columns, mapping = self.mapping.columns, self.mapping
        count = len(sheet)
        values: dict[str, tuple[list[object], pa.DataType]] = {
            "platform": ([self.platform] * count, _TEXT),
            "account_id": (_texts(sheet, mapping.account_id), _TEXT),
            "date": (list(sheet.days(mapping.date.column, mapping.date.format)), pa.date32()),
            "campaign_id": (list(sheet.texts(columns.campaign_id)), _TEXT),
            "impressions": (list(sheet.counts(columns.impressions)), _INT),
            "clicks": (list(sheet.counts(columns.clicks)), _INT),
            "cost_micros": (list(sheet.micros(columns.cost)), _INT),
            "conversions": (list(sheet.numbers(columns.conversions)), pa.float64()),
            "currency_code": (_texts(sheet, mapping.currency), _TEXT),
            "time_zone": ([mapping.time_zone] * count, _TEXT),
            "attribution_window": ([mapping.attribution_window] * count, _TEXT),
        }
        worth = columns.conversion_value
        amounts = [0.0] * count if worth == ABSENT else sheet.numbers(worth)
        values["conversion_value"] = (list(amounts), pa.float64())
        if columns.adgroup_id and columns.ad_id:
            values["adgroup_id"] = (list(sheet.texts(columns.adgroup_id)), _TEXT)
            values["ad_id"] = (list(sheet.texts(columns.ad_id)), _TEXT)
        if mapping.daily_budget:
            budgets = sheet.micros(mapping.daily_budget)
            values["daily_budget_micros"] = (list(budgets), _INT)
        for level in _LEVELS:
            status: Status | None = getattr(mapping.status, level)
            if status:
                values[f"status_{level}"] = (_texts(sheet, status), _TEXT)
            name: str | None = getattr(mapping.names, level)
            if name:
                values[f"name_{level}"] = (list(sheet.texts(name)), _TEXT)
        sheet.refuse_problems()
        if mapping.duplicate_rows == "refuse":
            _refuse_duplicates(sheet, values, _AD_GRAIN if columns.ad_id else _CAMPAIGN_GRAIN)
        return pa.table({name: pa.array(cells, type_) for name, (cells, type_) in values.items()})

    def _entities(self, mine: pa.Table) -> pa.Table:
        """One row a campaign, ad group and ad that the mapping names, as of the last row."""
        parents = {"campaign": None, "adgroup": "campaign_id", "ad": "adgroup_id"}
        tables = []
        for level, parent in parents.items():
            columns = set(mine.column_names)
            if not {f"name_{level}", f"status_{level}", f"{level}_id"} <= columns:
                continue
            latest = _latest(mine, f"{level}_id")
            count = len(latest)
            tables.append(
                pa.table(
                    {
                        "platform": latest["platform"],
                        "account_id": latest["account_id"],
                        "entity_type": pa.repeat(level, count),
                        "entity_id": latest[f"{level}_id"],
                        "parent_id": latest[parent] if parent else pa.nulls(count, _TEXT),
                        "name": latest[f"name_{level}"],
                        "status": latest[f"status_{level}"],
                        "advertising_type": pa.nulls(count, _TEXT),
                        "labels": pa.array([[]] * count, pa.list_(_TEXT)),
                    }
                )
            )
        return pa.concat_tables(tables) if tables else pa.table({})


def _texts(sheet: Sheet, text: Text) -> list[object]:
    if text.column is None:
        return [text.constant] * len(sheet)
    if isinstance(text, Status):
        return list(sheet.translated(text.column, dict(text.values)))
    return list(sheet.texts(text.column))


def _refuse_duplicates(
    sheet: Sheet, values: dict[str, tuple[list[object], pa.DataType]], grain: tuple[str, ...]
) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for i, key in enumerate(zip(*(values[c][0] for c in grain), strict=True)):
        first = seen.setdefault(key, i)
        if first != i:
            what = ", ".join(f"{c} {v}" for c, v in zip(grain[2:], key[2:], strict=True))
            sheet.add_problem(
                i,
                f": {what} was in row {sheet.row_numbers[first]} already (duplicate_rows: refuse)",
            )
    sheet.refuse_problems()


def _latest(ordered: pa.Table, key: str) -> pa.Table:
    """The last row of every key, sorted by it."""
    numbered = ordered.append_column("_row", pa.array(range(len(ordered)), _INT))
    last = numbered.group_by(key, use_threads=False).aggregate([("_row", "max")])
    return ordered.take(last.sort_by(key)["_row_max"])


def _summed(rows: pa.Table, grain: tuple[str, ...], level: str) -> pa.Table:
    """Rows summed to a grain, with the columns of the level's performance table."""
    name = f"name_{level}"
    texts = ["currency_code", "time_zone", "attribution_window", f"status_{level}"]
    texts += [name] if name in rows.column_names else []
    # One thread: sums of floats must not depend on the order of chunks.
    grouped = rows.group_by(list(grain), use_threads=False).aggregate(
        [*((m, "sum") for m in _METRICS), *((t, "last") for t in texts)]
    )
    count = len(grouped)
    hashes = pa.nulls(count, _TEXT)
    if name in rows.column_names:
        hashes = pa.array([name_hash(n) for n in grouped[f"{name}_last"].to_pylist()], _TEXT)
    return pa.table(
        {
            **{c: grouped[c] for c in grain},
            **{m: grouped[f"{m}_sum"] for m in _METRICS},
            "currency_code": grouped["currency_code_last"],
            "time_zone": grouped["time_zone_last"],
            "attribution_window": grouped["attribution_window_last"],
            "name_hash": hashes,
            "status": grouped[f"status_{level}_last"],
        }
    ).sort_by([(c, "ascending") for c in grain])
