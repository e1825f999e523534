"""Server events: consent at the door, hashed persons, days of the site, and every fault."""

import gzip
import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts import load_contract
from pipelines.errors import InputError, SourceRejected, SourceUnavailable
from pipelines.landing.conform import conform
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.server_events.export import (
    BREAKING,
    FAULTS,
    SITE_ID,
    VENDOR_ID,
    WITHDRAWN_CLIENT_ID,
    WITHDRAWN_EMAIL,
    WITHDRAWN_USER_ID,
    ServerEventsExport,
    tc_string,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import ServerEventsSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.server_events.source import ServerEventsSource
from tests.wire.conftest import TODAY

SALT, ZONE = "a-salt", "America/New_York"
LAST = TODAY - timedelta(days=1)
RECENT = Window(TODAY - timedelta(days=4), LAST)
YES, NO = tc_string(frozenset({1, 7})), tc_string(frozenset())
DAY = date(2026, 6, 10)
Write = Callable[..., ServerEventsSource]


@pytest.fixture(scope="module")
def events(market: Market, tmp_path_factory: pytest.TempPathFactory) -> ServerEventsExport:
    return ServerEventsExport(market, Clock(TODAY), tmp_path_factory.mktemp("events"), 8)


@pytest.fixture
def export(events: ServerEventsExport) -> ServerEventsExport:
    """The export without the faults of another test."""
    events.faults.switch_off()
    return events


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A source over hand-written lines, by day."""

    def write_(zone: str = ZONE, **days: list[dict[str, Any]]) -> ServerEventsSource:
        for name, lines in days.items():
            day = name.removeprefix("_").replace("_", "-")
            (tmp_path / f"{day}.ndjson").write_text("".join(json.dumps(x) + "\n" for x in lines))
        return _source(tmp_path, zone)

    return write_


def _source(folder: Path | str, zone: str = ZONE) -> ServerEventsSource:
    settings = ServerEventsSettings(
        site_id=SITE_ID, path=str(folder), time_zone=zone, vendor_id=VENDOR_ID
    )
    return ServerEventsSource(settings, SALT)


def _event(event_id: str = "e1", at: str = "2026-06-10T12:00:00-04:00", **fields: Any) -> Any:
    plain = {"event_id": event_id, "event_name": "page_view", "occurred_at": at, "consent": YES}
    return {**plain, **fields}


def _pull(source: ServerEventsSource, window: Window) -> Batch:
    (batch,) = source.pull(SITE_ID, window)
    return batch


def _landed(batch: Batch) -> pa.Table:
    return conform(batch.rows, batch, load_contract("raw.server_events"))


def _booked(batch: Batch, export: ServerEventsExport) -> bool:
    books = export.books()
    days = pa.array([d >= batch.window.start for d in books["event_date"].to_pylist()])
    rows = batch.rows.select(books.column_names)
    order = [(name, "ascending") for name in rows.column_names]
    return bool(rows.sort_by(order).equals(books.filter(days)))


def test_every_consented_event_lands_once_and_reconciles(export: ServerEventsExport) -> None:
    export.write()
    batch = _pull(_source(export.folder), Window(date(2026, 1, 1), LAST))
    assert batch.window == Window(export.first_day, LAST)
    assert _booked(batch, export)
    assert batch.dropped_rows == export.refused() > 0
    assert batch.withdrawn == ()
    wanted = load_contract("raw.server_events").arrow_schema
    assert set(wanted.names) - set(batch.rows.column_names) == {"_extra", "_run_id"}
    for name in batch.rows.column_names:
        assert batch.rows[name].type == wanted.field(name).type
    assert export.write() == []  # the same seed, the same bytes


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - BREAKING))
def test_a_survivable_fault_leaves_every_event_once(export: ServerEventsExport, fault: str) -> None:
    export.write()
    clean = _pull(_source(export.folder), RECENT)
    export.faults.switch_on(fault)
    assert export.write()
    batch = _pull(_source(export.folder), RECENT)
    assert _booked(batch, export)
    added = {"no_consent": 3, "malformed_consent": 4, "consent_withdrawn": 2}
    assert batch.dropped_rows == clean.dropped_rows + added.get(fault, 0)


def test_who_withdraws_consent_is_reported_by_hash_and_leaves_nothing(
    export: ServerEventsExport,
) -> None:
    export.faults.switch_on("consent_withdrawn")
    export.write()
    batch = _pull(_source(export.folder), RECENT)
    hashes = {hash_user_id(WITHDRAWN_USER_ID, SALT), hash_email(WITHDRAWN_EMAIL, SALT)}
    assert set(batch.withdrawn) == hashes | {WITHDRAWN_CLIENT_ID}
    assert WITHDRAWN_CLIENT_ID not in batch.rows["client_id"].to_pylist()
    assert not hashes & {*batch.rows["user_id"].to_pylist(), *batch.rows["email_hash"].to_pylist()}
    # the day before they had consented
    before = _pull(_source(export.folder), Window(RECENT.start, LAST - timedelta(days=1)))
    assert before.withdrawn == ()
    assert "gave-consent" in before.rows["event_id"].to_pylist()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truncated_file", r"2026-06-30\.parquet is not a whole Parquet file"),
        ("half_line", r"2026-06-30\.ndjson line \d+ is not JSON \(the file ends in the middle"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_handed_on(
    export: ServerEventsExport, fault: str, message: str
) -> None:
    export.faults.switch_on(fault)
    export.write()
    batches = _source(export.folder).pull(SITE_ID, RECENT)
    with pytest.raises(InputError, match=message):
        next(batches)
    assert fault in export.faults.breaking


@pytest.mark.parametrize(
    ("fault", "why"),
    [("missing_column", "no event_id"), ("wrong_type", "value is not a decimal amount")],
)
def test_a_line_that_cannot_be_read_is_set_aside_and_the_others_land(
    export: ServerEventsExport, fault: str, why: str
) -> None:
    export.write()
    whole = _pull(_source(export.folder), RECENT)
    export.faults.switch_on(fault)
    export.write()
    batch = _pull(_source(export.folder), RECENT)
    (one,) = batch.unreadable
    assert (one.key["file"], one.why, one.day) == (f"{LAST}.ndjson", why, LAST)
    assert 0 <= len(whole.rows) - len(batch.rows) <= 1
    export.faults.switch_off()
    export.write()


def test_persons_are_hashed_and_visitors_coarse(write: Write) -> None:
    person = {"user_id": "C-17", "email": " Ada.Lovelace@GMAIL.com", "phone": "+1 212 555-0123"}
    person |= {"client_id": "31.17"}
    visitor = {"ip": "203.0.113.77", "user_agent": "Mozilla/5.0 Version/18.5 Safari/604.1"}
    place = {"page_url": "https://ada:secret@shop.example/u/ada@example.org?email=ada#top"}
    source = write(
        _2026_06_10=[_event(**person, **visitor, **place), _event("e2", ip="2001:db8:7:9::1")]
    )
    rows = _landed(_pull(source, Window(DAY, DAY)))
    first, second = rows.to_pylist()
    assert first["user_id"] == hash_user_id("C-17", SALT)
    assert first["email_hash"] == hash_email("adalovelace@gmail.com", SALT)
    assert first["phone_hash"] == hash_phone("+12125550123", SALT)
    assert (first["ip_prefix"], first["browser"]) == ("203.0.113.0/24", "Safari")
    assert (first["client_id"], second["client_id"]) == ("31.17", None)
    assert second["ip_prefix"] == "2001:db8:7::/48"
    assert first["page_url"] == "https://shop.example/u/(e-mail)"
    everything = str(rows.to_pylist()).lower()
    assert not [w for w in ("ada", "lovelace", "212", "113.77", "604.1", YES) if w in everything]


def test_unknown_fields_are_drift_but_not_those_about_a_person(write: Write) -> None:
    unknown: dict[str, Any] = {
        "campaign_group": "spring, ada@example.org",
        "cart": {"items": 2, "customer_name": "Ada"},
        "first_name": "Ada",
        "stock": 3,
    }
    source = write(_2026_06_10=[_event(**unknown), _event("e2", cart="none")])
    rows = _landed(_pull(source, Window(DAY, DAY)))
    assert [json.loads(text) for text in rows["_extra"].to_pylist()] == [
        {"campaign_group": "spring, (e-mail)", "cart": '{"items":2}', "stock": 3},
        {"cart": "none"},
    ]


def test_why_a_consent_string_can_not_be_taken_is_counted_in_the_log(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    core, _ = YES.split(".")
    undisclosed = tc_string(frozenset({1, 7}), frozenset({3}))
    strings = [None, core, core[:20], core, f"DBACNYA~{core}", undisclosed]
    lines = [_event(f"e{i}", consent=text) for i, text in enumerate(strings)]
    with caplog.at_level(logging.WARNING):
        batch = _pull(write(_2026_06_10=[*lines, _event("yes")]), Window(DAY, DAY))
    assert batch.rows["event_id"].to_pylist() == ["yes"]
    assert (batch.dropped_rows, batch.withdrawn) == (6, ())
    invalid = "event dropped: no valid TC string:"
    assert "2 events dropped: no valid TC string: no segment of disclosed vendors" in caplog.text
    assert f"1 {invalid} cut off" in caplog.text
    assert f"1 {invalid} a GPP string, which isn't read" in caplog.text
    assert "1 event dropped: no consent string" in caplog.text
    assert "1 event dropped: the vendor wasn't disclosed" in caplog.text
    assert core[:20] not in caplog.text


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Safari/604.1", "iOS"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/138.0.0.0 Mobile Safari/537.36", "Android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0.0.0 Safari/537.36", "Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15", "macOS"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/138.0.0.0 Safari/537.36", "ChromeOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Linux"),
        ("curl/8.5.0", "Other"),
        (None, None),
    ],
)
def test_of_an_operating_system_the_family_is_kept(
    write: Write, user_agent: str | None, family: str | None
) -> None:
    source = write(_2026_06_10=[_event(user_agent=user_agent)])
    rows = _pull(source, Window(DAY, DAY)).rows
    assert rows["operating_system"].to_pylist() == [family]


def test_a_device_that_refuses_takes_its_events_with_it_and_no_other_device(write: Write) -> None:
    at = [f"2026-06-10T{hour}:00:00-04:00" for hour in range(10, 13)]
    lines = [
        _event("a1", at[0], client_id="1.1"),
        _event("b1", at[1], client_id="2.2"),
        _event("a2", at[2], client_id="1.1", consent=NO),
    ]
    batch = _pull(write(_2026_06_10=lines), Window(DAY, DAY))
    assert batch.rows["event_id"].to_pylist() == ["b1"]
    assert batch.withdrawn == ("1.1",)
    assert batch.dropped_rows == 2


@pytest.mark.parametrize(
    "client_id", ["ada@example.org", "+12125550123", "Ada Lovelace", "1" * 129]
)
def test_what_is_no_cookies_id_is_no_device(write: Write, client_id: str) -> None:
    source = write(_2026_06_10=[_event(client_id=client_id)])
    assert _pull(source, Window(DAY, DAY)).rows["client_id"].to_pylist() == [None]


def test_who_refuses_as_undefined_takes_nobody_else_with_them(write: Write) -> None:
    """A tag that sends the words undefined and {gclid} names nobody, on either side."""
    nobody = {"user_id": "undefined", "client_id": "(not set)", "gclid": "{gclid}"}
    at = [f"2026-06-10T{hour}:00:00-04:00" for hour in (10, 11)]
    lines = [_event("a", at[0], **nobody), _event("b", at[1], **(nobody | {"consent": NO}))]
    batch = _pull(write(_2026_06_10=lines), Window(DAY, DAY))
    assert (batch.withdrawn, batch.rows["event_id"].to_pylist()) == ((), ["a"])
    for column in ("user_id", "client_id", "gclid"):
        assert batch.rows[column].to_pylist() == [None]


def test_a_visit_is_of_the_device_that_ga4_knows(export: ServerEventsExport) -> None:
    export.write()
    rows = _pull(_source(export.folder), RECENT).rows
    days = {day: export.market.ga4_events(day, TODAY + timedelta(days=9)) for day in RECENT.days()}
    measured = {e["user_pseudo_id"] for day in days.values() for e in day if "user_pseudo_id" in e}
    ordered = {row["client_id"] for row in rows.to_pylist() if row["event_name"] == "purchase"}
    assert len(ordered) > 100
    assert ordered <= measured
    seen = set(rows["client_id"].to_pylist())
    assert None not in seen
    # all that GA4 measures, and visits that it doesn't
    assert measured < seen


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (ZONE, date(2026, 3, 8), 23),
        (ZONE, date(2026, 11, 1), 25),
        ("Pacific/Auckland", date(2026, 4, 5), 25),
        ("Pacific/Honolulu", date(2026, 3, 8), 24),
    ],
)
def test_an_event_belongs_to_the_day_it_occurred_on_whatever_file_it_is_in(
    write: Write, zone: str, day: date, hours: int
) -> None:
    # every half hour of five days, all in the file of the day before or after its own by UTC
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    instants = [start + timedelta(minutes=30 * i) for i in range(5 * 48)]
    files: dict[str, list[Any]] = {}
    for i in range(-3, 5):
        files[f"_{day + timedelta(days=i):%Y_%m_%d}"] = []
    for i, at in enumerate(instants):
        files[f"_{at:%Y_%m_%d}"].append(_event(f"e{i}", at.isoformat()))
    rows = _pull(write(zone, **files), Window(day, day)).rows
    assert len(rows) == 2 * hours
    assert set(rows["event_date"].to_pylist()) == {day}


def test_an_event_sent_twice_is_one_and_needs_consent_in_both_copies(write: Write) -> None:
    later = "2026-06-10T13:00:00-04:00"
    lines = [
        *(_event("a", later), _event("a"), _event("b"), _event("b", later, consent=NO)),
        *(_event("c", later), _event("c", later)),
    ]
    batch = _pull(write(_2026_06_10=lines), Window(DAY, DAY))
    assert batch.rows["event_id"].to_pylist() == ["a", "c"]
    assert batch.rows["occurred_at"].to_pylist()[0] == datetime(2026, 6, 10, 16, tzinfo=UTC)
    assert batch.dropped_rows == 1


def test_consent_given_again_is_consent_and_an_unreadable_string_no_withdrawal(
    write: Write,
) -> None:
    at = [f"2026-06-10T{hour}:00:00-04:00" for hour in range(10, 14)]
    lines = [
        _event("a1", at[0], user_id="a", consent=NO),
        _event("a2", at[1], user_id="a"),
        _event("a3", at[2], user_id="a", consent="?"),
        _event("b1", at[1], email="b@example.org", consent=NO),
        _event("b2", at[1], email="b@example.org"),
    ]
    batch = _pull(write(_2026_06_10=lines), Window(DAY, DAY))
    assert batch.rows["event_id"].to_pylist() == ["a2"]
    assert batch.withdrawn == (hash_email("b@example.org", SALT),)
    assert batch.dropped_rows == 4


def test_the_file_of_the_day_after_may_still_be_written_to(write: Write, tmp_path: Path) -> None:
    early = json.dumps(_event("early")) + "\n"
    source = write(_2026_06_10=[_event()])
    (tmp_path / "2026-06-11.ndjson").write_text(early + '{"event_id": "ha')
    (tmp_path / "2026-06-11b.ndjson.gz").write_bytes(gzip.compress(early.encode())[:-9])
    (tmp_path / "2026-06-11.parquet").write_bytes(b"PAR1")
    assert _pull(source, Window(DAY, DAY)).rows["event_id"].to_pylist() == ["e1", "early"]


def test_amounts_are_exact_and_a_parquet_time_without_zone_is_refused(tmp_path: Path) -> None:
    columns = {name: [value] for name, value in _event(value=79.99, currency="USD").items()}
    columns["occurred_at"] = [datetime(2026, 6, 10, 12, tzinfo=UTC)]
    pq.write_table(pa.table(columns), tmp_path / "2026-06-10.parquet")
    rows = _pull(_source(f"file://{tmp_path}"), Window(DAY, DAY)).rows
    assert rows["value_micros"].to_pylist() == [79_990_000]
    columns["occurred_at"] = [datetime(2026, 6, 10, 12)]
    pq.write_table(pa.table(columns), tmp_path / "2026-06-10.parquet")
    (one,) = _pull(_source(tmp_path), Window(DAY, DAY)).unreadable
    assert one.place == "2026-06-10.parquet line 1"
    assert "occurred_at" in one.why


def test_a_day_without_a_file_is_unavailable_and_named(write: Write, tmp_path: Path) -> None:
    source = write(_2026_06_10=[], _2026_06_12=[_event()])
    assert len(_pull(source, Window(DAY, DAY)).rows) == 0
    with pytest.raises(SourceUnavailable, match="has no file for 2026-06-11"):
        _pull(source, Window(DAY, DAY + timedelta(days=2)))
    with pytest.raises(SourceUnavailable, match=r"nowhere can't be read"):
        _pull(_source(f"file://{tmp_path}/nowhere"), Window(DAY, DAY))
    (tmp_path / "2026-02-30.ndjson").touch()
    with pytest.raises(InputError, match="is named by a day that doesn't exist"):
        _pull(source, Window(DAY, DAY))
    with pytest.raises(SourceRejected, match="no account other"):
        source.account("other")
