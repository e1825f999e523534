"""Reads the GA4 BigQuery export from files: newline JSON, one file a day of the property."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from pipelines.config import Ga4ExportSettings
from pipelines.errors import InputError, SourceRejected, SourceUnavailable
from pipelines.privacy.hashing import hash_user_id
from pipelines.sources.base import Account, Batch, Window

_KEPT = "published events are as they were."
_TEXT, _FLOAT = pa.string(), pa.float64()
_ORDERING = ("batch_page_id", "batch_ordering_id", "batch_event_index")
_ADDRESS = r"[A-Za-z0-9._+%-]+(@|%40)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_REDACTED = "(e-mail)"
# Not JSON, JSON of another shape, a file cut off, or not gzip.
_UNREADABLE = (
    pa.ArrowInvalid,
    orjson.JSONDecodeError,
    AttributeError,
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
)


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


def _schema(integer: pa.DataType) -> pa.Schema:
    """What is read of the export; BigQuery writes INT64 to JSON as strings, others may not."""
    value = _struct(string_value=_TEXT, int_value=integer, float_value=_FLOAT, double_value=_FLOAT)
    source = _struct(campaign_id=_TEXT, campaign_name=_TEXT, source=_TEXT, medium=_TEXT)
    return pa.schema(
        {
            "event_date": _TEXT,
            "event_timestamp": integer,
            "event_name": _TEXT,
            "event_params": pa.list_(_struct(key=_TEXT, value=value)),
            "user_id": _TEXT,
            "user_pseudo_id": _TEXT,
            "stream_id": _TEXT,
            **dict.fromkeys(_ORDERING, integer),
            "privacy_info": _struct(
                analytics_storage=_TEXT, ads_storage=_TEXT, uses_transient_token=_TEXT
            ),
            "collected_traffic_source": _struct(
                manual_source=_TEXT,
                manual_medium=_TEXT,
                manual_campaign_id=_TEXT,
                manual_campaign_name=_TEXT,
                gclid=_TEXT,
                dclid=_TEXT,
                srsltid=_TEXT,
            ),
            "session_traffic_source_last_click": _struct(
                manual_campaign=source,
                google_ads_campaign=_struct(customer_id=_TEXT, campaign_id=_TEXT),
            ),
            "device": _struct(
                category=_TEXT, operating_system=_TEXT, web_info=_struct(browser=_TEXT)
            ),
            "geo": _struct(country=_TEXT, region=_TEXT),
            "ecommerce": _struct(transaction_id=_TEXT, purchase_revenue=_FLOAT),
        }
    )


class Ga4ExportSource:
    """Events of one GA4 property, by day in the property's time zone.

    Events without analytics consent (``analytics_storage`` "No", or no device id) are dropped
    and counted in ``Batch.dropped_rows``. Exact repetitions, by the three batch ordering
    fields, are merged and not counted: nothing is lost with them. E-mail addresses inside
    event parameters are blotted out.

    Args:
        settings: the property, the folder of its files and its time zone.
        salt: of the hash of user ids.
        clock_now: the present instant, UTC.
    """

    name = "ga4_export"
    tables = ("raw.ga4_events",)
    span = None
    # A month in memory at a time.
    max_window_days = 31

    def __init__(
        self, settings: Ga4ExportSettings, salt: str, clock_now: Callable[[], datetime]
    ) -> None:
        self.account_ids = (settings.property_id,)
        self.lookback_days = settings.lookback_days
        self._settings, self._salt, self._now = settings, salt, clock_now

    def account(self, account_id: str) -> Account:
        """The property as configured; the export's files name no currency or time zone.

        Raises:
            SourceRejected: another property was asked for.
            SourceUnavailable: the folder is not there.
        """
        if account_id not in self.account_ids:
            raise SourceRejected(
                f"ga4_export: no property {account_id}; "
                f"adcanary.yaml has {self._settings.property_id}.",
                kept=_KEPT,
                fix="Set sources.ga4_export.property_id.",
            )
        if not self._settings.path.is_dir():
            raise SourceUnavailable(
                f"ga4_export: property {account_id} has no folder at {self._settings.path}.",
                kept=_KEPT,
                fix="Set sources.ga4_export.path to the folder of events_YYYYMMDD.json files.",
            )
        return Account(account_id, f"GA4 property {account_id}", "XXX", self._settings.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Every consented event of the window's days; all days' files must be there."""
        pulled_at = self._now()
        days = [window.start + timedelta(days=i) for i in range(_length(window))]
        paths = [self._path(account_id, day) for day in days]
        read = [_read(path, day) for path, day in zip(paths, days, strict=True)]
        events = pa.concat_tables(read).combine_chunks()
        consented = events.filter(_consent(events))
        dropped = len(events) - len(consented)
        rows = self._rows(account_id, consented)
        yield Batch(self.name, "raw.ga4_events", account_id, None, window, rows, pulled_at, dropped)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: events are facts of their day."""
        yield from ()

    def _path(self, account_id: str, day: date) -> Path:
        plain = self._settings.path / f"events_{day:%Y%m%d}.json"
        for path in (plain, plain.with_suffix(".json.gz")):
            if path.is_file():
                return path
        raise SourceUnavailable(
            f"ga4_export: property {account_id} has no export for {day} (looked for {plain} "
            "and .json.gz).",
            kept=_KEPT,
            fix="Wait for the daily export of that day, or ask for a window that ends before it.",
        )

    def _rows(self, account_id: str, events: pa.Table) -> pa.Table:
        """Distinct events with hashed users, in order of time and batch."""
        keys = _event_keys(events)
        numbered = pa.table(
            {
                "key": keys,
                "at": events["event_timestamp"],
                **{c: events[c] for c in _ORDERING},
                "position": pa.array(range(len(events)), pa.int64()),
            }
        )
        names = ("at", *_ORDERING, "key", "position")
        order = pc.sort_indices(numbered, sort_keys=[(n, "ascending") for n in names])
        # The same event twice: the copy that the export has first stays.
        ordered = numbered.take(order)["key"].to_pylist()
        first = {key: i for i, key in reversed(list(enumerate(ordered)))}
        chosen = order.take(pa.array(sorted(first.values()), pa.int64()))
        kept, kept_keys = events.take(chosen), keys.take(chosen)
        users = kept["user_id"].combine_chunks().dictionary_encode()
        hashed = pa.array(
            [hash_user_id(u, self._salt) for u in users.dictionary.to_pylist()], _TEXT
        )
        columns = {
            "property_id": pa.repeat(account_id, len(kept)),
            **{name: kept[name] for name in kept.column_names},
            "event_key": kept_keys,
        }
        columns["user_id"] = hashed.take(users.indices)
        columns["event_params"] = _without_addresses(kept["event_params"].combine_chunks())
        return pa.table(columns)


def _length(window: Window) -> int:
    return (window.end - window.start).days + 1


def _read(path: Path, day: date) -> pa.Table:
    """One day's file in the contract's types.

    Raises:
        InputError: it is not newline JSON, or holds another day's events.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        try:
            first = file.readline()
            if not first.strip():
                return _typed(_schema(pa.int64()).empty_table(), day)
            textual = isinstance(orjson.loads(first).get("event_timestamp"), str)
            file.seek(0)
            table = pyarrow.json.read_json(
                file,
                pyarrow.json.ReadOptions(block_size=8 << 20),
                pyarrow.json.ParseOptions(
                    explicit_schema=_schema(_TEXT if textual else pa.int64()),
                    unexpected_field_behavior="ignore",
                ),
            )
            wrong = pc.unique(table["event_date"]).to_pylist()
            if wrong != [f"{day:%Y%m%d}"]:
                raise InputError(
                    f"{path} holds events of {', '.join(map(str, wrong))}, not only of {day}.",
                    kept=_KEPT,
                    fix="Export the day again; a file must hold exactly its day's table.",
                )
            for column in ("event_timestamp", "event_name"):
                if table[column].null_count:
                    raise InputError(
                        f"{path} has {table[column].null_count} events without {column}.",
                        kept=_KEPT,
                        fix="Export the day again in the GA4 export's own schema.",
                    )
            return _typed(table, day)
        except _UNREADABLE as error:
            raise InputError(
                f"{path} is not the GA4 export as newline-delimited JSON: {error}",
                kept=_KEPT,
                fix="Export the day again; a file that was cut off in copying looks like this.",
            ) from error


def _typed(table: pa.Table, day: date) -> pa.Table:
    target = _schema(pa.int64())
    columns = {f.name: table[f.name] for f in target}
    for name in ("event_timestamp", *_ORDERING):
        columns[name] = columns[name].cast(pa.int64())
    columns["event_date"] = pa.repeat(pa.scalar(day, pa.date32()), len(table))
    columns["event_params"] = columns["event_params"].cast(target.field("event_params").type)
    return pa.table(columns)


def _consent(events: pa.Table) -> pa.ChunkedArray:
    storage = pc.struct_field(events["privacy_info"], "analytics_storage")
    allowed = pc.fill_null(pc.not_equal(storage, "No"), True)
    return pc.and_(pc.is_valid(events["user_pseudo_id"]), allowed)


def _event_keys(events: pa.Table) -> pa.Array:
    """SHA-256 over device, timestamp, name and the three batch ordering fields."""
    names = ("user_pseudo_id", "event_timestamp", "event_name", *_ORDERING)
    parts = [pc.fill_null(events[n].cast(_TEXT), "") for n in names]
    joined = pc.binary_join_element_wise(*parts, "\x1f")
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in joined.to_pylist()]
    return pa.array(digests, _TEXT)


def _without_addresses(params: pa.ListArray) -> pa.ListArray:
    """Event parameters with every e-mail address in a string value blotted out."""
    entries = params.flatten()
    value = entries.field("value")
    fields = [value.field(i) for i in range(value.type.num_fields)]
    fields[0] = pc.replace_substring_regex(fields[0], _ADDRESS, _REDACTED)
    clean = pa.StructArray.from_arrays(fields, fields=list(value.type), mask=pc.is_null(value))
    pairs = pa.StructArray.from_arrays(
        [entries.field("key"), clean], fields=list(entries.type), mask=pc.is_null(entries)
    )
    offsets = pc.subtract(params.offsets, params.offsets[0])
    return pa.ListArray.from_arrays(offsets, pairs, type=params.type, mask=pc.is_null(params))
