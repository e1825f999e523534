"""Salesforce: leads and opportunities by SOQL, against the simulated organisation's books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from pipelines.errors import SourceParked, SourceRejected
from pipelines.sandbox.market.leads import Lead, salesforce_id
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.salesforce.server import FAULTS, SalesforceServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import SalesforceSettings
from pipelines.sources.base import Source, TracksChanges, Window
from pipelines.sources.salesforce.source import SalesforceSource
from tests.wire.contract_shape import assert_fits
from tests.wire.crm_rows import (
    SALT,
    SPRING,
    TODAY,
    assert_books,
    assert_changes_are_followed,
    pull,
    rows_of,
)

ORG = SalesforceServer.org_id
PASSING = [name for name in FAULTS if name not in {"daily_quota", "token_invalid", "field_missing"}]


@pytest.fixture(scope="module")
def _org(market: Market) -> Iterator[SalesforceServer]:
    with SalesforceServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def org(_org: SalesforceServer) -> Iterator[SalesforceServer]:
    """The organisation on ``TODAY``; what a test changed of it is undone."""
    yield _org
    _org.clock.today, _org.page_rows, _org.api_usage = TODAY, 2000, 15
    _org.faults.switch_off()
    _org.mutations.clear()


def source_of(org: SalesforceServer, secret: str | None = None, **options: Any) -> SalesforceSource:
    given = {"org_id": ORG, "time_zone": org.time_zone, "url": org.url}
    settings = SalesforceSettings(**{**given, **options.pop("settings", {})})
    secret = secret or org.client_secret
    options = {"sleep": lambda _: None, **options}
    return SalesforceSource(settings, org.client_id, secret, SALT, **options)


def test_leads_and_opportunities_equal_the_books(org: SalesforceServer) -> None:
    leads, opportunities = rows_of(pull(source_of(org)))
    assert_books(org, (leads, opportunities))
    assert {(r["status"], r["raw_status"]) for r in leads} >= {
        ("NEW", "Open - Not Contacted"),
        ("CONVERTED", "Closed - Converted"),
    }
    assert {(r["stage"], r["is_won"]) for r in opportunities} >= {("Closed Won", True)}
    assert {r["currency_code"] for r in opportunities} == {"EUR"}
    assert org.mutations == []


def test_batches_have_the_columns_and_types_of_their_contracts(org: SalesforceServer) -> None:
    source = source_of(org)
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    for batch in (*pull(source), *pull(source, empty)):
        assert_fits(batch)


def test_it_is_a_source_that_tracks_changes(org: SalesforceServer) -> None:
    source: Source = source_of(org)
    assert isinstance(source, TracksChanges)
    assert list(source.snapshot(ORG, TODAY)) == []
    assert source.account(ORG).name == "Canary GmbH"


def test_no_name_address_or_number_leaves_the_source(org: SalesforceServer) -> None:
    said = str(rows_of(pull(source_of(org))))
    for raw in ("@", "Firstname", "GmbH", "5550"):
        assert raw not in said


def test_what_changed_before_the_look_back_is_pulled_again_and_what_was_deleted_is_gone(
    org: SalesforceServer,
) -> None:
    assert_changes_are_followed(org, source_of(org))


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_costs_no_row(org: SalesforceServer, name: str) -> None:
    org.page_rows = 40
    org.faults.switch_on(name, account_id=ORG)
    assert_books(org, rows_of(pull(source_of(org))))


def test_all_passing_faults_at_once_cost_no_row(org: SalesforceServer) -> None:
    org.page_rows = 17
    for name in PASSING:
        org.faults.switch_on(name)
    source = source_of(org)
    assert_books(org, rows_of(pull(source)))
    assert source.changed_windows(ORG, date(2026, 6, 1))


def test_a_session_that_expires_between_pages_costs_one_token_and_no_row(
    org: SalesforceServer,
) -> None:
    source = source_of(org)
    source.account(ORG)
    before, org.page_rows = org.sign_ins, 60
    org.faults.switch_on("session_expired_mid_page", times=1)
    assert_books(org, rows_of(pull(source)))
    assert org.sign_ins == before + 1


def test_a_page_of_exactly_the_limit_is_not_the_end_nor_read_twice(org: SalesforceServer) -> None:
    count = len(org.lead_rows(SPRING.start, SPRING.end, SALT))
    for org.page_rows in (count, count - 1):
        assert pull(source_of(org))[0].rows.num_rows == count


def test_a_large_amount_is_exact(org: SalesforceServer) -> None:
    before = org._book.leads
    try:
        org._book.leads = [_with_amount(lead, 9_007_199_254_741) for lead in before]
        amounts = pull(source_of(org))[1].rows["amount_micros"].to_pylist()
    finally:
        org._book.leads = before
    assert set(amounts) == {90_071_992_547_410_000}


def _with_amount(lead: Lead, cents: int) -> Lead:
    deal = lead.opportunity
    return replace(lead, opportunity=replace(deal, amount_cents=cents)) if deal else lead


def test_a_deleted_record_disappears(org: SalesforceServer) -> None:
    before = pull(source_of(org))[0].rows.num_rows
    org.faults.switch_on("deleted_rows")
    assert pull(source_of(org))[0].rows.num_rows < before


def test_an_unknown_field_is_kept_where_it_is_a_number_and_by_name_where_it_is_text(
    org: SalesforceServer,
) -> None:
    org.faults.switch_on("new_column")
    for batch in pull(source_of(org)):
        assert set(batch.rows["Score_v2__c"].to_pylist()) == {"87.5"}
        assert set(batch.rows["Nickname__c"].to_pylist()) == {"[withheld]"}


def test_a_daily_quota_parks_the_account_for_an_hour(org: SalesforceServer) -> None:
    org.faults.switch_on("daily_quota")
    with pytest.raises(SourceParked, match=rf"{ORG}: parked until .* calls are used up") as parked:
        source_of(org).account(ORG)
    ahead = parked.value.until - datetime.now(UTC)
    assert timedelta(minutes=59) < ahead <= timedelta(hours=1)


def test_the_last_calls_of_the_day_are_left_to_others(org: SalesforceServer) -> None:
    org.api_usage = 99_001
    with pytest.raises(SourceParked, match="99001 of the organisation's 100000 daily API calls"):
        pull(source_of(org))


def test_withdrawn_credentials_are_rejected_and_stay_out_of_the_error(
    org: SalesforceServer,
) -> None:
    for fault in (None, "token_invalid"):
        secret = None if fault else "stolen-secret"
        if fault:
            org.faults.switch_on(fault)
        with pytest.raises(SourceRejected, match=rf"salesforce account {ORG}.*invalid_client") as e:
            source_of(org, secret).account(ORG)
        assert "ADCANARY_SALESFORCE_CLIENT_SECRET" in str(e.value)
        assert (secret or org.client_secret) not in str(e.value)


def test_a_field_that_is_hidden_is_named(org: SalesforceServer) -> None:
    org.faults.switch_on("field_missing")
    with pytest.raises(SourceRejected, match=rf"{ORG}.*Lead\.LeadSource"):
        pull(source_of(org))


def test_an_organisation_is_known_by_15_characters_and_another_one_is_refused(
    org: SalesforceServer,
) -> None:
    short = source_of(org, settings={"org_id": ORG[:15]})
    assert short.account(ORG[:15]).account_id == ORG[:15]
    other = source_of(org, settings={"org_id": "00D000000000001"})
    with pytest.raises(SourceRejected, match=rf"00D000000000001: .* of organisation {ORG}"):
        other.account("00D000000000001")


def test_a_mutating_call_is_recorded_and_refused(org: SalesforceServer) -> None:
    source_of(org).account(ORG)
    url = f"{org.url}/services/data/v66.0/sobjects/Lead"
    assert httpx.post(url, json={"LastName": "x"}).status_code == 403
    assert httpx.delete(f"{url}/1").status_code == 403
    assert org.mutations == [
        "POST /services/data/v66.0/sobjects/Lead",
        "DELETE /services/data/v66.0/sobjects/Lead/1",
    ]


def test_ids_of_the_sandbox_end_in_salesforces_own_check_characters() -> None:
    assert salesforce_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
