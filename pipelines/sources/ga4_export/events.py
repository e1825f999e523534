"""Events of the GA4 export, from files or from BigQuery, as rows of raw.ga4_events."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import InputError
from pipelines.placeholders import Placeholders, placeholders
from pipelines.privacy.hashing import hash_user_id
from pipelines.source_settings import Ga4ExportSettings
from pipelines.sources.base import Batch, Unreadable, Window
from pipelines.sources.ga4_export.schema import (
    CLICK_IDS,
    KEPT,
    ORDERING,
    TABLE,
    export_schema,
    fitted,
)
from pipelines.sources.shapes.columns import schema_of

_TEXT, _INTEGER = pa.string(), pa.int64()
_SEPARATOR = "\x1f"
# of an event that can't be used, what may be shown
SHOWN = ("event_date", "event_timestamp", "event_name")
# An app sends what it collected offline, and the clock of its phone may be wrong by some days; a
# timestamp further off is of another unit.
_NEAR = timedelta(days=31)
_SHOWN_REASONS = 3


@dataclass(frozen=True)
class Day:
    """One day's events as they may land, and how many were dropped for want of consent.

    ``unreadable`` are those that can't be events of the day.
    """

    rows: pa.Table
    dropped: int
    unreadable: tuple[Unreadable, ...] = ()
    read: int = 0

    def as_batch(self, source: str, account_id: str, window: Window, pulled_at: datetime) -> Batch:
        """As a batch of a window that it is the only day of, or all days :func:`together`."""
        return Batch(
            *(source, TABLE, account_id, None, window, self.rows, pulled_at),
            dropped_rows=self.dropped,
            unreadable=self.unreadable,
            rows_read=self.read,
        )


def day_of_events(
    exported: pa.Table,
    day: date,
    where: str,
    settings: Ga4ExportSettings,
    salt: str,
    *,
    places: Sequence[int] | None = None,
    unreadable: tuple[Unreadable, ...] = (),
) -> Day:
    """A day of the export as rows of raw.ga4_events, each event once, in order of time and batch.

    Dropped and counted: events of people who refused (``analytics_storage`` No, a transient
    token, or no device id and no Yes). Repetitions are merged and not counted: nothing is lost
    with them. User ids are hashed. An id that is a placeholder is none. A column that the export
    is not known to have stays, as drift.

    Args:
        exported: one day's table of the export; further columns and fields are allowed.
        where: the file or table it was read from, for errors.
        places: the events' lines in the file, from 1.
        unreadable: lines of it that are no events at all.

    Raises:
        InputError: a column is of another type, or no event is one of the day.
    """
    nobodys = placeholders(settings.placeholders)
    events = _with_real_ids(fitted(exported, where), nobodys)
    read = len(events) + len(unreadable)
    events, more = _of_the_day(events, day, where, places)
    consented = events.filter(_consent(events)).combine_chunks()
    rows = _distinct(consented)
    users = rows["user_id"].combine_chunks().dictionary_encode()
    known = users.dictionary.to_pylist()
    hashed = pa.array([hash_user_id(user, salt, nobodys) for user in known], _TEXT)
    clicks = {name: nobodys.real_values(_click_id(rows, name)) for name in CLICK_IDS}
    columns = {
        "property_id": pa.repeat(settings.property_id, len(rows)),
        **{c: rows[c] for c in rows.column_names},
        "event_date": pa.repeat(pa.scalar(day), len(rows)),
        "user_id": hashed.take(users.indices),
        **clicks,
        "search_term": _searches(rows, settings.searches),
    }
    dropped = len(events) - len(consented)
    return Day(pa.table(columns), dropped, (*unreadable, *more), read)


def together(days: list[Day]) -> Day:
    """Days one after the other; a column that only some of them have is NULL in the rest."""
    return Day(
        one_below_another([d.rows for d in days]),
        sum(d.dropped for d in days),
        tuple(one for d in days for one in d.unreadable),
        sum(d.read for d in days),
    )


def one_below_another(tables: Sequence[pa.Table]) -> pa.Table:
    """Rows of several tables; a column that nobody knows is JSON texts where its types differ."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.concat_tables(map(_with_texts, tables), promote_options="permissive")


def _with_texts(rows: pa.Table) -> pa.Table:
    known = {*export_schema().names, *schema_of(TABLE).names}
    for place, name in enumerate(rows.column_names):
        if name not in known and not pa.types.is_string(rows.schema.field(name).type):
            texts = [
                None if value is None else orjson.dumps(value, default=str).decode()
                for value in rows[name].to_pylist()
            ]
            rows = rows.set_column(place, name, pa.array(texts, _TEXT))
    return rows


def unusable(events: pa.Table, day: date) -> dict[int, str]:
    """Events that can't be of a day, by position: why."""
    first = datetime.combine(day - _NEAR, time(), UTC)
    last = datetime.combine(day + _NEAR, time(), UTC)
    at, of = events["event_timestamp"], f"{day:%Y%m%d}"
    faults = {
        "no event_date": pc.is_null(events["event_date"]),
        f"it is not of {day} (event_date)": pc.not_equal(events["event_date"], of),
        "no event_timestamp": pc.is_null(at),
        "event_timestamp is no microsecond near its day": pc.or_(
            pc.less(at, _micros(first)), pc.greater(at, _micros(last))
        ),
        "no event_name": pc.equal(pc.coalesce(events["event_name"], pa.scalar("")), ""),
    }
    reasons: dict[int, str] = {}
    for why, mask in faults.items():
        if pc.any(mask).as_py():
            for i in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
                reasons.setdefault(i, why)
    return reasons


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def _with_real_ids(events: pa.Table, nobodys: Placeholders) -> pa.Table:
    """Events whose devices and transactions are real ones, or none."""
    devices = nobodys.real_values(events["user_pseudo_id"])
    events = events.set_column(
        events.column_names.index("user_pseudo_id"), events.field("user_pseudo_id"), devices
    )
    sales = events["ecommerce"].combine_chunks()
    fields = [
        nobodys.real_values(values) if field.name == "transaction_id" else values
        for field, values in zip(sales.type, sales.flatten(), strict=True)
    ]
    sales = pa.StructArray.from_arrays(fields, fields=list(sales.type), mask=pc.is_null(sales))
    return events.set_column(
        events.column_names.index("ecommerce"), events.field("ecommerce"), sales
    )


def _of_the_day(
    events: pa.Table, day: date, where: str, places: Sequence[int] | None
) -> tuple[pa.Table, list[Unreadable]]:
    """The events that are of a day, and what can't be."""
    faults = unusable(events, day)
    if not faults:
        return events, []
    if len(faults) == len(events):
        counts = Counter(faults.values())
        reasons = [f"{count} events: {why}" for why, count in counts.most_common(_SHOWN_REASONS)]
        if days := set(events["event_date"].to_pylist()) - {None, f"{day:%Y%m%d}"}:
            reasons.append(f"it holds events of {', '.join(sorted(days)[:_SHOWN_REASONS])}")
        raise InputError(
            f"{where} has no event of {day} that can be used ({'; '.join(reasons)}).",
            kept=KEPT,
            fix="Export the day again in the GA4 export's own schema; it must hold exactly its "
            "day's table.",
        )
    at = pa.array(sorted(faults), _INTEGER)
    shown = events.select(SHOWN).take(at).to_pylist()
    unreadable = []
    for i, row in zip(at.to_pylist(), shown, strict=True):
        key = {name: str(value) for name, value in row.items() if value is not None}
        if places is not None:
            key = {"file": where.rsplit("/", 1)[-1], "line": str(places[i])}
        unreadable.append(Unreadable(key, faults[i], day, row))
    usable = pa.array(i not in faults for i in range(len(events)))
    return events.filter(usable), unreadable


def _consent(events: pa.Table) -> pa.ChunkedArray:
    said = pc.fill_null(pc.struct_field(events["privacy_info"], "analytics_storage"), "")
    token = pc.fill_null(pc.struct_field(events["privacy_info"], "uses_transient_token"), "")
    known = pc.or_(pc.is_valid(events["user_pseudo_id"]), pc.equal(said, "Yes"))
    refused = pc.or_(pc.equal(said, "No"), pc.equal(token, "Yes"))
    return pc.and_(known, pc.invert(refused))


def _distinct(events: pa.Table) -> pa.Table:
    """Events with their ``event_key``, each once, in order of time and batch.

    Of two copies of one event the one whose content sorts first stays: the order of the rows
    in the export says nothing.
    """
    keys = _event_keys(events)
    counts = pc.value_counts(keys)
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    position = pa.array(range(len(events)), _INTEGER)
    again = position.filter(pc.is_in(keys, repeated))
    contents = _contents(events.take(again))
    numbered = pa.table({"key": keys, **{n: events[n] for n in ("event_timestamp", *ORDERING)}})
    ranks = dict(zip(again.to_pylist(), contents, strict=True))
    first: dict[str, int] = {}
    for i, key in zip(again.to_pylist(), keys.take(again).to_pylist(), strict=True):
        if key not in first or ranks[i] < ranks[first[key]]:
            first[key] = i
    alone = position.filter(pc.invert(pc.is_in(keys, repeated)))
    chosen = pa.concat_arrays([alone, pa.array(first.values(), _INTEGER)])
    sort = [(n, "ascending") for n in ("event_timestamp", *ORDERING, "key")]
    order = chosen.take(pc.sort_indices(numbered.take(chosen), sort_keys=sort))
    return events.take(order).append_column("event_key", keys.take(order))


def _event_keys(events: pa.Table) -> pa.Array:
    """SHA-256 over device, timestamp, name and the three batch ordering fields.

    Without one of the latter, of exports before 2024, the whole content counts too: the events
    of a batch share a timestamp. Without a device two events are never one: they may be two
    people's.
    """
    named = ("user_pseudo_id", "event_timestamp", "event_name", *ORDERING)
    parts = [pc.fill_null(events[n].cast(_TEXT), "") for n in named]
    texts = pc.binary_join_element_wise(*parts, _SEPARATOR).to_pylist()
    complete = pc.is_valid(events["user_pseudo_id"])
    for name in ORDERING:
        complete = pc.and_(complete, pc.is_valid(events[name]))
    position = pa.array(range(len(events)), _INTEGER)
    partial = position.filter(pc.invert(complete))
    someone = pc.is_valid(events["user_pseudo_id"].take(partial)).to_pylist()
    seen: dict[str, int] = {}
    rows = zip(partial.to_pylist(), _contents(events.take(partial)), someone, strict=True)
    for i, content, has_device in rows:
        seen[content] = seen.get(content, 0) + 1
        texts[i] += _SEPARATOR + content + ("" if has_device else f"{_SEPARATOR}{seen[content]}")
    return pa.array([hashlib.sha256(text.encode()).hexdigest() for text in texts], _TEXT)


def _contents(events: pa.Table) -> list[str]:
    """Rows as canonical JSON."""
    return [
        orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS).decode()
        for row in events.to_pylist()
    ]


def _click_id(rows: pa.Table, name: str) -> pa.Array:
    """A click id as collected, else the event's parameter, else in the page's address.

    NULL where ads_storage was refused.
    """
    params = rows["event_params"].combine_chunks()
    address = pc.extract_regex(_param(params, "page_location"), rf"[?&]{name}=(?P<id>[^&#]+)")
    click_ids = pc.coalesce(_param(params, name), pc.struct_field(address, "id"))
    collected = rows["collected_traffic_source"].combine_chunks()
    if collected.type.get_field_index(name) >= 0:
        click_ids = pc.coalesce(pc.struct_field(collected, name), click_ids)
    ads = pc.struct_field(rows["privacy_info"].combine_chunks(), "ads_storage")
    return pc.if_else(pc.fill_null(pc.equal(ads, "No"), False), pa.scalar(None, _TEXT), click_ids)


def _searches(rows: pa.Table, kept: bool) -> pa.Array:
    """What was searched for on the site, NULL unless it is ``kept``: landing leaves parameters of
    that name out, and redacts this column as it does every text."""
    searches = pc.equal(rows["event_name"], "view_search_results").combine_chunks()
    searched = pc.and_(searches, pa.scalar(kept))
    terms = _param(rows["event_params"].combine_chunks(), "search_term")
    return pc.if_else(searched, terms, pa.scalar(None, _TEXT))


def _param(params: pa.ListArray, key: str) -> pa.Array:
    """The text of one event parameter, by event."""
    entries = params.flatten()
    wanted = pc.fill_null(pc.equal(entries.field("key"), key), False)
    owners = pc.list_parent_indices(params).filter(wanted)
    texts = pc.struct_field(entries.field("value"), "string_value").filter(wanted)
    return texts.take(pc.index_in(pa.array(range(len(params)), _INTEGER), value_set=owners))
