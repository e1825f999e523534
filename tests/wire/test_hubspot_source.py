"""HubSpot: leads and opportunities over HTTP, against the simulated portal's books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.errors import SourceParked, SourceRejected, SourceUnavailable
from pipelines.money import micros
from pipelines.privacy.hashing import hash_email
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.hubspot.server import FAULTS, HubspotServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import HubspotSettings
from pipelines.sources.base import Account, Source, TracksChanges, Window
from pipelines.sources.hubspot.source import HubspotSource, _status
from pipelines.sources.shapes.columns import schema_of
from pipelines.sources.shapes.crm_tables import (
    OPPORTUNITIES,
    Records,
    created_days,
    crm_batch,
    day_windows,
    instant,
    tag,
)
from tests.wire.contract_shape import assert_fits
from tests.wire.crm_rows import (
    ALL,
    SALT,
    SPRING,
    TODAY,
    assert_books,
    assert_changes_are_followed,
    pull,
    rows_of,
)

PORTAL = HubspotServer.portal_id
PASSING = [name for name in FAULTS if name not in {"daily_quota", "token_invalid", "field_missing"}]


@pytest.fixture(scope="module")
def _portal(market: Market) -> Iterator[HubspotServer]:
    with HubspotServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def portal(_portal: HubspotServer) -> Iterator[HubspotServer]:
    """The portal on ``TODAY``; what a test changed of it is undone."""
    yield _portal
    _portal.clock.today, _portal.page_rows, _portal.daily_remaining = TODAY, 200, 250_000
    _portal.window_remaining = 188
    _portal.faults.switch_off()
    _portal.mutations.clear()


def source_of(portal: HubspotServer, token: str | None = None, **options: Any) -> HubspotSource:
    given = {"portal_id": PORTAL, "time_zone": portal.time_zone, "url": portal.url}
    settings = HubspotSettings(**{**given, **options.pop("settings", {})})
    options = {"sleep": lambda _: None, **options}
    return HubspotSource(settings, token or portal.token, SALT, **options)


def test_leads_and_opportunities_equal_the_books(portal: HubspotServer) -> None:
    source = source_of(portal)
    leads, opportunities = rows_of(pull(source))
    assert_books(portal, (leads, opportunities))
    assert {r["status"] for r in leads} == {
        *("NEW", "WORKING", "QUALIFIED", "CONVERTED", "DISQUALIFIED")
    }
    assert "opportunity/OPEN_DEAL" in {r["raw_status"] for r in leads}
    assert {(r["stage"], r["is_won"]) for r in opportunities} >= {
        ("closedwon", True),
        ("closedlost", False),
        ("contractsent", False),
    }
    assert portal.mutations == []


def test_batches_have_the_columns_and_types_of_their_contracts(portal: HubspotServer) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    source = source_of(portal)
    for batch in (*pull(source), *pull(source, empty)):
        assert_fits(batch)
        assert batch.platform is None


def test_it_is_a_source_that_tracks_changes(portal: HubspotServer) -> None:
    source: Source = source_of(portal)
    assert isinstance(source, TracksChanges)
    assert list(source.snapshot(PORTAL, TODAY)) == []
    account = source.account(PORTAL)
    assert (account.currency_code, account.time_zone) == ("USD", "America/New_York")


def test_no_name_address_or_number_leaves_the_source_and_shop_customers_can_be_linked(
    portal: HubspotServer, market: Market
) -> None:
    leads, opportunities = pull(source_of(portal), ALL)
    said = str([leads.rows.to_pylist(), opportunities.rows.to_pylist()])
    for raw in ("@", "Firstname", "555-", "5550"):
        assert raw not in said
    orders = market.orders(ALL.start, ALL.end, TODAY)
    customers = {hash_email(email, SALT) for email in orders["email"].to_pylist()}
    assert len(customers & set(leads.rows["email_hash"].to_pylist())) > 5
    assert leads.rows["phone_hash"].null_count < leads.rows.num_rows


def test_days_are_days_in_the_configured_zone(portal: HubspotServer) -> None:
    auckland = source_of(portal, settings={"time_zone": "Pacific/Auckland"})
    day = Window(date(2026, 4, 5), date(2026, 4, 5))  # of 25 hours
    zone = ZoneInfo("Pacific/Auckland")
    everything = rows_of(pull(source_of(portal), ALL))[0]
    wanted = {
        r["lead_id"] for r in everything if r["created_at"].astimezone(zone).date() == day.start
    }
    leads = pull(auckland, day)[0].rows
    assert set(leads["lead_id"].to_pylist()) == wanted
    assert set(leads["created_date"].to_pylist()) <= {day.start}


def test_what_changed_before_the_look_back_is_pulled_again_and_what_was_deleted_is_gone(
    portal: HubspotServer,
) -> None:
    assert_changes_are_followed(portal, source_of(portal))


def test_a_back_dated_deal_stands_on_the_day_it_was_entered(portal: HubspotServer) -> None:
    deals = portal.opportunity_rows(SPRING.start, SPRING.end, SALT)
    back_dated = next(d for d in deals if int(d["opportunity_id"]) % 5 == 0)
    day = back_dated["created_date"]
    found = pull(source_of(portal), Window(day, day))[1].rows["opportunity_id"].to_pylist()
    assert back_dated["opportunity_id"] in found


def test_near_days_share_a_window_and_far_ones_do_not() -> None:
    start = date(2026, 1, 1)
    days = [start + timedelta(days=n) for n in (13, 0, 40, 40)]
    far = start + timedelta(days=40)
    assert day_windows(days) == [Window(start, start + timedelta(days=13)), Window(far, far)]
    assert day_windows([]) == []


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_costs_no_row(portal: HubspotServer, name: str) -> None:
    portal.page_rows = 40
    portal.faults.switch_on(name, account_id=PORTAL)
    assert_books(portal, rows_of(pull(source_of(portal))))


@pytest.mark.slow
def test_all_passing_faults_at_once_cost_no_row(portal: HubspotServer) -> None:
    portal.page_rows = 25
    for name in PASSING:
        portal.faults.switch_on(name)
    source = source_of(portal)
    assert_books(portal, rows_of(pull(source)))
    assert source.changed_windows(PORTAL, date(2026, 6, 1))


def test_a_page_of_exactly_the_limit_is_not_the_end_nor_read_twice(portal: HubspotServer) -> None:
    count = len(portal.lead_rows(SPRING.start, SPRING.end, SALT))
    for portal.page_rows in (count, count - 1):
        assert pull(source_of(portal))[0].rows.num_rows == count


def test_a_search_that_finds_too_much_is_split_until_it_fits(portal: HubspotServer) -> None:
    source = source_of(portal)
    before = portal.calls
    pull(source)
    whole = portal.calls - before
    portal.faults.switch_on("more_than_10000")
    pull(source)
    assert portal.calls - before - whole > whole + 10


def test_a_deleted_record_disappears(portal: HubspotServer) -> None:
    before = pull(source_of(portal))[0].rows.num_rows
    portal.faults.switch_on("deleted_rows")
    assert pull(source_of(portal))[0].rows.num_rows < before


def test_an_unknown_property_is_kept_by_name_and_its_text_is_not(portal: HubspotServer) -> None:
    portal.faults.switch_on("new_column")
    for batch in pull(source_of(portal)):
        assert set(batch.rows["favourite_colour"].to_pylist()) == {"[withheld]"}


def test_a_rolling_limit_is_waited_out_for_ten_seconds(portal: HubspotServer) -> None:
    slept: list[float] = []
    portal.faults.switch_on("rate_limited", times=1)
    source_of(portal, sleep=slept.append).account(PORTAL)
    assert slept == [10.0]


def test_the_last_call_of_ten_seconds_is_followed_by_a_pause(portal: HubspotServer) -> None:
    slept: list[float] = []
    portal.window_remaining = 0
    source_of(portal, sleep=slept.append).account(PORTAL)
    assert slept == [10.0]


def test_a_daily_quota_parks_the_account_until_the_portals_midnight(portal: HubspotServer) -> None:
    source = source_of(portal, settings={"time_zone": "Asia/Tokyo"})
    source.account(PORTAL)
    portal.faults.switch_on("daily_quota")
    with pytest.raises(SourceParked, match=rf"{PORTAL}: parked until .* daily quota") as parked:
        pull(source)
    here = parked.value.until.astimezone(ZoneInfo(portal.time_zone)) + timedelta(seconds=30)
    assert (here.hour, here.minute) == (0, 0)
    assert timedelta() < parked.value.until - datetime.now(UTC) < timedelta(hours=25)


def test_the_last_calls_of_the_day_are_left_to_others(portal: HubspotServer) -> None:
    portal.daily_remaining = 2_400
    with pytest.raises(SourceParked, match="2400 of the portal's 250000 daily calls are left"):
        pull(source_of(portal))


def test_a_withdrawn_token_is_rejected_and_stays_out_of_the_error(portal: HubspotServer) -> None:
    portal.faults.switch_on("token_invalid")
    with pytest.raises(SourceRejected, match=rf"hubspot account {PORTAL}.*401") as refused:
        source_of(portal).account(PORTAL)
    assert "ADCANARY_HUBSPOT_TOKEN" in str(refused.value)
    assert portal.token not in str(refused.value)


def test_a_property_that_is_gone_is_named(portal: HubspotServer) -> None:
    portal.faults.switch_on("field_missing")
    with pytest.raises(SourceRejected, match=rf"{PORTAL}.*contacts\.hs_lead_status"):
        pull(source_of(portal))


def test_a_token_of_another_portal_is_refused(portal: HubspotServer) -> None:
    source = source_of(portal, settings={"portal_id": "42"})
    with pytest.raises(SourceRejected, match=r"account 42: the token is of portal 8800123"):
        source.account("42")


def test_lasting_trouble_is_unavailable(portal: HubspotServer) -> None:
    source = source_of(portal, settings={"url": "http://127.0.0.1:9"})
    with pytest.raises(SourceUnavailable, match=f"{PORTAL}: no usable answer"):
        source.account(PORTAL)


def test_a_mutating_call_is_recorded_and_refused(portal: HubspotServer) -> None:
    headers = {"Authorization": f"Bearer {portal.token}"}
    url = f"{portal.url}/crm/v3/objects/contacts"
    assert httpx.post(url, json={}, headers=headers).status_code == 403
    assert httpx.patch(f"{url}/1", json={}, headers=headers).status_code == 403
    assert portal.mutations == [
        "POST /crm/v3/objects/contacts",
        "PATCH /crm/v3/objects/contacts/1",
    ]


def test_the_same_seed_gives_the_same_portal_and_recent_days_change(
    portal: HubspotServer, market: Market
) -> None:
    again = HubspotServer(market, Clock(TODAY))
    days = (ALL.start, ALL.end, SALT)
    assert again.lead_rows(*days) == portal.lead_rows(*days)
    portal.clock.today = date(2026, 6, 20)
    leads = pull(source_of(portal))[0].rows
    assert pc.max(leads["created_date"]).as_py() <= date(2026, 6, 19)
    assert portal.lead_rows(ALL.start, date(2026, 6, 19), SALT) != again.lead_rows(
        ALL.start, date(2026, 6, 19), SALT
    )


def test_statuses_of_a_portals_own_making_are_told_apart() -> None:
    assert _status("48291034", None) == "OTHER"
    assert _status("customer", "UNQUALIFIED") == "CONVERTED"
    assert _status("marketingqualifiedlead", "BAD_TIMING") == "DISQUALIFIED"
    assert _status(None, None) == "NEW"


def test_a_campaign_tag_with_an_address_in_it_is_left_out() -> None:
    assert tag("spring_sale") == "spring_sale"
    assert tag("newsletter-ada@example.org") is None


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"amount": "ada@example.org"}, "the amount of the record can't be read"),
        ({"amount": "1e400"}, "the amount of the record can't be read"),
        ({"closed": "31/12"}, "the closed of the record can't be read"),
        ({"created": "soon"}, "the created of the record can't be read"),
        ({"created": None}, "the created of the record is missing"),
        ({"id": ""}, "the id of the record is missing"),
    ],
)
def test_a_record_that_cannot_be_read_is_set_aside_and_its_value_not_said(
    broken: dict[str, Any], why: str
) -> None:
    usual = {"amount": "12", "created": "2026-06-01T10:00:00Z", "closed": "2026-06-02"}
    rows = [{"id": "1", **usual}, {"id": "2", **usual, **broken}]
    records = Records(rows, "id")
    columns = {
        "opportunity_id": records.read("id", str, needed=True),
        "created_at": records.read("created", instant, needed=True),
        "amount_micros": records.read("amount", micros),
        "closed_at": records.read("closed", datetime.fromisoformat),
    }
    added = {"account_id", "crm", "created_date", "time_zone", *columns}
    absent = {n: [None, None] for n in schema_of(OPPORTUNITIES).names if n not in added}
    day = Window(date(2026, 6, 1), date(2026, 6, 1))
    batch = crm_batch(
        *(OPPORTUNITIES, "hubspot", Account("1", "Portal", "EUR", "UTC"), day),
        pulled_at=datetime(2026, 6, 2, tzinfo=UTC),
        records=records,
        columns={**absent, **columns},
    )
    assert isinstance(batch.rows, pa.Table)
    assert batch.rows["opportunity_id"].to_pylist() == ["1"]
    (one,) = batch.unreadable
    assert one.why == why
    assert one.day in (day.start, None)
    assert "example.org" not in repr(one)


def test_a_record_that_changed_and_has_no_day_keeps_no_other_one_back() -> None:
    rows = [{"at": "2026-06-01T10:00:00Z"}, {"at": "never"}, {}]
    before = datetime(2026, 7, 1, tzinfo=UTC)
    assert created_days(rows, "at", before, ZoneInfo("UTC")) == {date(2026, 6, 1)}
