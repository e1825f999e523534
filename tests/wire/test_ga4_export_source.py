"""The GA4 export source against files that the simulated site exports."""

import gzip
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.contracts import load_contract
from pipelines.errors import InputError, SourceRejected, SourceUnavailable
from pipelines.landing.conform import conform
from pipelines.privacy.hashing import hash_user_id
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.ga4_export.export import event_books, export_faults, write_export
from pipelines.source_settings import Ga4ExportSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.ga4_export.source import Ga4ExportSource

pytestmark = pytest.mark.slow

PROPERTY, SALT = "3141592", "a-salt"
START, END, TODAY = date(2026, 4, 1), date(2026, 6, 20), date(2026, 6, 21)
DAY = date(2026, 4, 2)
Write = Callable[[list[dict[str, Any]]], Path]


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(start=START, end=END)


@pytest.fixture(scope="module")
def folder(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ga4")
    write_export(market, path, TODAY)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_(events: list[dict[str, Any]]) -> Path:
        (tmp_path / "events_20260402.json").write_bytes(b"\n".join(map(orjson.dumps, events)))
        return tmp_path

    return write_


def _source(path: Path, **arguments: Callable[[], datetime]) -> Ga4ExportSource:
    settings = Ga4ExportSettings(property_id=PROPERTY, path=path, time_zone="America/New_York")
    return Ga4ExportSource(settings, SALT, **arguments)


def _pull(path: Path, window: Window) -> Batch:
    (batch,) = _source(path).pull(PROPERTY, window)
    assert isinstance(batch.rows, pa.Table)
    schema = load_contract("raw.ga4_events").arrow_schema
    wanted = [(f.name, f.type) for f in schema if f.name not in ("_extra", "_run_id")]
    landed = {f.name: f.type for f in batch.rows.schema}
    assert [(name, landed.get(name)) for name, _ in wanted] == wanted
    return batch


def _event(**more: Any) -> dict[str, Any]:
    return {
        "event_date": "20260402",
        "event_timestamp": "1775140000000000",
        "event_name": "page_view",
        "user_pseudo_id": "1.2",
        "batch_page_id": "1",
        "batch_ordering_id": "1",
        "batch_event_index": "1",
        **more,
    }


def test_events_land_once_hashed_and_without_those_who_refused(
    market: Market, folder: Path
) -> None:
    window = Window(START, date(2026, 4, 30))
    batch = _pull(folder, window)
    events = [e for day in market.days[:30] for e in market.ga4_events(day, TODAY)]
    refused = [e for e in events if "user_pseudo_id" not in e]
    assert batch.dropped_rows == len(refused) > 0
    distinct = {orjson.dumps(e) for e in events if "user_pseudo_id" in e}
    assert len(distinct) < len(events) - len(refused)  # the export repeats some
    assert len(batch.rows) == len(distinct)
    assert len(set(batch.rows["event_key"].to_pylist())) == len(distinct)
    users = {e["user_id"] for e in events if "user_id" in e}
    assert set(batch.rows["user_id"].to_pylist()) - {None} == {hash_user_id(u, SALT) for u in users}
    bought = {
        e["transaction_id"]
        for e in batch.rows["ecommerce"].to_pylist()
        if e and e["transaction_id"]
    }
    assert bought <= set(market.orders(window.start, window.end, TODAY)["order_id"].to_pylist())


def test_values_come_through_as_they_were_exported(write: Write) -> None:
    params = [
        {"key": "ga_session_id", "value": {"int_value": "1775140000"}},
        {"key": "page_location", "value": {"string_value": "https://x.example/?n=a&e=b.c%40d.org"}},
        {"key": "value", "value": {"double_value": 1.5}},
        {"key": "empty", "value": None},
    ]
    source = {"manual_source": "google", "gclid": "Cj0"}
    path = write(
        [_event(event_params=params, collected_traffic_source=source), _event(event_name="x")]
    )
    batch = _pull(path, Window(DAY, DAY))
    rows = conform(batch.rows, batch, load_contract("raw.ga4_events")).to_pylist()
    first, second = rows if rows[0]["event_name"] == "page_view" else rows[::-1]
    values = {p["key"]: p["value"] for p in first["event_params"]}
    assert values["ga_session_id"]["int_value"] == 1_775_140_000
    assert values["value"]["double_value"] == 1.5
    assert values["empty"] is None
    assert values["page_location"]["string_value"] == "https://x.example/?n=a&e=(e-mail)"
    assert first["collected_traffic_source"]["gclid"] == "Cj0"
    assert first["event_timestamp"] == 1_775_140_000_000_000
    assert second["event_params"] == []
    assert second["collected_traffic_source"] is None


def test_of_two_events_with_one_key_the_same_copy_stays_whatever_their_order(
    write: Write,
) -> None:
    copies = [_event(stream_id="a"), _event(batch_event_index="2"), _event(stream_id="b")]
    for events in (copies, copies[::-1]):
        rows = _pull(write(events), Window(DAY, DAY)).rows
        assert rows["batch_event_index"].to_pylist() == [1, 2]
        assert rows["stream_id"].to_pylist() == ["a", None]


def test_without_batch_fields_only_an_exact_repetition_is_one_event(write: Write) -> None:
    bare = {key: value for key, value in _event().items() if not key.startswith("batch_")}
    item = [{"key": "item", "value": {"string_value": "2"}}]
    rows = _pull(write([bare, bare, bare | {"event_params": item}]), Window(DAY, DAY)).rows
    assert len(set(rows["event_key"].to_pylist())) == len(rows) == 2


def test_people_without_a_device_id_are_never_one_person(write: Write) -> None:
    someone = _event(user_pseudo_id=None, privacy_info={"analytics_storage": "Yes"})
    batch = _pull(write([someone, someone, someone]), Window(DAY, DAY))
    assert batch.rows["user_pseudo_id"].to_pylist() == [None] * 3
    assert len(set(batch.rows["event_key"].to_pylist())) == 3
    assert batch.dropped_rows == 0


def test_click_ids_are_carried_wherever_the_export_has_them(write: Write) -> None:
    def page(query: str) -> list[dict[str, Any]]:
        return [{"key": "page_location", "value": {"string_value": f"https://x.example/{query}"}}]

    refused = {"analytics_storage": "Yes", "ads_storage": "No"}
    events = [
        _event(collected_traffic_source={"gclid": "Cj0", "dclid": "CM1"}),
        _event(batch_event_index="2", event_params=page("?a=1&wbraid=W1&gbraid=G1#top")),
        _event(batch_event_index="3", event_params=page("?gclid=Cj3"), privacy_info=refused),
        _event(batch_event_index="4", event_params=[{"key": "gclid", "value": None}]),
    ]
    rows = _pull(write(events), Window(DAY, DAY)).rows
    found = rows.select(["gclid", "wbraid", "gbraid", "dclid"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("Cj0", None, None, "CM1"),
        (None, "W1", "G1", None),
        (None, None, None, None),
        (None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 4, 2), 24)]
)
def test_a_day_is_the_propertys_own_however_long_it_is(
    tmp_path: Path, day: date, hours: int
) -> None:
    zone = ZoneInfo("America/New_York")
    noons = [datetime.combine(day + timedelta(days=i), time(), zone) for i in (0, 1)]
    first, after = (int(midnight.timestamp()) * 1_000_000 for midnight in noons)
    hourly = range(first, after, 3_600_000_000)
    events = [
        _event(event_date=f"{day:%Y%m%d}", event_timestamp=str(at)) for at in (*hourly, after - 1)
    ]
    path = tmp_path / f"events_{day:%Y%m%d}.json"
    path.write_bytes(b"\n".join(map(orjson.dumps, events)))
    rows = _pull(tmp_path, Window(day, day)).rows
    assert len(rows) == hours + 1
    assert set(rows["event_date"].to_pylist()) == {day}


def test_numbers_that_are_not_strings_and_gzip_are_read_too(tmp_path: Path) -> None:
    event = _event(
        event_timestamp=1775140000000000, batch_page_id=1, batch_ordering_id=2, batch_event_index=3
    )
    with gzip.open(tmp_path / "events_20260402.json.gz", "wb") as file:
        file.write(orjson.dumps(event))
    assert _pull(tmp_path, Window(DAY, DAY)).rows["batch_event_index"].to_pylist() == [3]


def test_consent_is_dropped_by_either_sign_and_an_empty_day_is_a_day(write: Write) -> None:
    said_no = _event(privacy_info={"analytics_storage": "No"})
    batch = _pull(write([said_no, _event(user_pseudo_id=None)]), Window(DAY, DAY))
    assert (len(batch.rows), batch.dropped_rows) == (0, 2)
    transient = _event(privacy_info={"analytics_storage": "Yes", "uses_transient_token": "Yes"})
    assert _pull(write([transient]), Window(DAY, DAY)).dropped_rows == 1
    assert len(_pull(write([]), Window(DAY, DAY)).rows) == 0


def test_a_word_for_no_transaction_device_or_user_is_none(write: Write) -> None:
    words = {"user_id": "null", "ecommerce": {"transaction_id": "(not set)"}}
    click = {"key": "gclid", "value": {"string_value": "{gclid}"}}
    batch = _pull(write([_event(**words, event_params=[click])]), Window(DAY, DAY))
    (row,) = batch.rows.select(["user_id", "ecommerce", "gclid"]).to_pylist()
    assert (row["user_id"], row["ecommerce"]["transaction_id"], row["gclid"]) == (None, None, None)
    nobody = _event(user_pseudo_id="undefined")
    assert _pull(write([nobody]), Window(DAY, DAY)).dropped_rows == 1  # no device, no consent
    said_yes = _event(user_pseudo_id="0", privacy_info={"analytics_storage": "Yes"})
    assert _pull(write([said_yes]), Window(DAY, DAY)).rows["user_pseudo_id"].to_pylist() == [None]


def test_a_day_without_a_file_is_unavailable_and_named(folder: Path) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        list(_source(folder).pull(PROPERTY, Window(END, TODAY)))
    assert "2026-06-21" in caught.value.message
    assert str(folder / "events_20260621.json") in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (orjson.dumps(_event()) + b"\n" + orjson.dumps(_event())[:40], "cut off"),
        (b"Date,Clicks\n1,2\n", "newline-delimited JSON"),
        (orjson.dumps(_event(event_date="20260403")), "holds events of 20260403"),
        (orjson.dumps(_event(event_name=None)), "1 events: no event_name"),
        (orjson.dumps(_event(device="mobile")), "device"),
        (orjson.dumps(_event(batch_page_id="me@example.org")), "column batch_page_id is string"),
    ],
)
def test_a_file_that_is_not_the_export_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "events_20260402.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(_source(tmp_path).pull(PROPERTY, Window(DAY, DAY)))
    assert message in str(caught.value)
    assert "example.org" not in str(caught.value)
    assert "events_20260402.json" in caught.value.message


def test_another_property_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRejected, match="no property 42"):
        _source(tmp_path).account("42")
    with pytest.raises(SourceUnavailable, match="has no folder"):
        _source(tmp_path / "nowhere").account(PROPERTY)


@pytest.fixture
def exported(market: Market, folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the last days of the market's export again, with faults on."""
    faults = export_faults()
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)

    def exported_(*names: str) -> Path:
        faults.switch_off()
        for name in names:
            faults.switch_on(name)
        write_export(market, tmp_path, TODAY, faults)
        return tmp_path

    return exported_


LAST = Window(END - timedelta(days=1), END)


def test_the_books_reconcile(market: Market, folder: Path) -> None:
    batch = _pull(folder, Window(START, date(2026, 4, 30)))
    books = event_books(market, START, date(2026, 4, 30), TODAY)
    daily = batch.rows.group_by("event_date").aggregate([("event_key", "count")])
    assert dict(zip(*daily.to_pydict().values(), strict=True)) == dict(
        zip(books["event_date"].to_pylist(), books["events"].to_pylist(), strict=True)
    )
    assert batch.dropped_rows == pc.sum(books["dropped"]).as_py()
    revenue = pc.struct_field(batch.rows["ecommerce"], "purchase_revenue")
    assert round(pc.sum(revenue).as_py() * 1_000_000) == pc.sum(books["revenue_micros"]).as_py()


def test_an_intraday_day_lands_and_the_daily_file_replaces_it(
    folder: Path, exported: Callable[..., Path]
) -> None:
    whole = _pull(folder, LAST).rows
    early = _pull(exported("intraday_only"), LAST)
    assert 0 < len(early.rows) < len(whole)
    assert set(early.rows["event_key"].to_pylist()) < set(whole["event_key"].to_pylist())
    assert early.window == LAST
    for faults in (("intraday_overlaps",), ()):
        assert _pull(exported(*faults), LAST).rows == whole


def test_a_column_that_nobody_knows_is_handed_on_and_the_exports_own_are_not(
    folder: Path, exported: Callable[..., Path], write: Write
) -> None:
    rows = _pull(exported("unknown_column"), LAST).rows
    known = _pull(folder, LAST).rows
    assert set(rows.column_names) - set(known.column_names) == {"session_engaged_rank"}
    by_day = rows.group_by("event_date").aggregate([("session_engaged_rank", "count")])
    counts = dict(zip(*by_day.to_pydict().values(), strict=True))
    assert counts[LAST.start] == 0 < counts[LAST.end]
    params = [{"key": "p", "value": {"string_value": "x", "new_value": 1}}]
    odd = _event(platform="WEB", user_properties=[{"key": "plan"}], event_params=params)
    review = _event(batch_event_index="2", review={"by": ["me@example.org"], "n": 1})
    batch = _pull(write([odd, review]), Window(DAY, DAY))
    assert set(batch.rows.column_names) - set(known.column_names) == {"review"}
    rows = conform(batch.rows, batch, load_contract("raw.ga4_events"))
    assert rows["_extra"].to_pylist() == [None, '{"review":{"by":["(e-mail)"],"n":1}}']


def test_a_file_cut_off_or_missing_is_named_with_what_was_kept(
    exported: Callable[..., Path],
) -> None:
    with pytest.raises(InputError, match=r"events_20260620\.json\.gz is not the GA4 export") as cut:
        _pull(exported("truncated_file"), LAST)
    with pytest.raises(SourceUnavailable, match=f"{PROPERTY} has no export for 2026-06-20") as gone:
        _pull(exported("missing_day"), LAST)
    assert cut.value.kept == gone.value.kept == "published data is unchanged."


def test_a_file_that_goes_away_after_it_was_found_is_unavailable(
    exported: Callable[..., Path],
) -> None:
    folder = exported()

    def lose() -> datetime:
        (folder / "events_20260620.json").unlink()
        return datetime.now(UTC)

    with pytest.raises(SourceUnavailable, match="has no export for 2026-06-20") as caught:
        list(_source(folder, now=lose).pull(PROPERTY, LAST))
    assert caught.value.kept


def test_a_disk_that_fails_in_the_middle_of_a_file_is_unavailable(tmp_path: Path) -> None:
    # reading it is an input/output error, although it is a file
    (tmp_path / "events_20260402.json").symlink_to("/proc/self/mem")
    with pytest.raises(SourceUnavailable, match=r"events_20260402\.json can't be read: ") as caught:
        _pull(tmp_path, Window(DAY, DAY))
    assert caught.value.kept
