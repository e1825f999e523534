"""LinkedIn ads: the REST API on a real socket, against the business's books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.contracts import load_contracts
from pipelines.errors import AuditError, SourceParked, SourceRejected, SourceUnavailable
from pipelines.landing.publish import land
from pipelines.sandbox.market.business import KEYS, Business
from pipelines.sandbox.platforms.linkedin_ads.server import BREAKING, FAULTS, LinkedinServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import LinkedinAdsSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.linkedin_ads.source import LinkedinAdsSource
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire.contract_shape import assert_fits

US, EU = "507000001", "507000002"
TODAY = date(2026, 7, 1)
WINDOW = Window(date(2026, 6, 1), date(2026, 6, 30))
WEEK = Window(date(2026, 6, 24), date(2026, 6, 30))
WHOLE = ("impressions", "clicks", "cost_micros", "video_views", "video_completions")
# they last: a client that is good ends with every row while they are on
STATES = {"empty_page", "new_metric", "withdrawn_rows"}


@pytest.fixture(scope="module")
def business() -> Business:
    return Business(7, date(2026, 1, 1), date(2026, 6, 30))


@pytest.fixture(scope="module")
def _linkedin(business: Business) -> Iterator[LinkedinServer]:
    with LinkedinServer(business, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def linkedin(_linkedin: LinkedinServer) -> Iterator[LinkedinServer]:
    """LinkedIn on ``TODAY``; what a test changed of it is undone."""
    yield _linkedin
    _linkedin.clock.today = TODAY
    _linkedin.row_cap, _linkedin.page_rows = 15_000, 1000
    _linkedin.faults.switch_off()
    _linkedin.mutations.clear()
    _linkedin.calls.clear()


def source_of(url: str, token: str, **options: Any) -> LinkedinAdsSource:
    settings = LinkedinAdsSettings(accounts=(US, EU), url=url)
    return LinkedinAdsSource(settings, token, **{"backoff": 0.001, **options})


@pytest.fixture(scope="module")
def _source(_linkedin: LinkedinServer) -> LinkedinAdsSource:
    return source_of(_linkedin.url, _linkedin.access_token)


@pytest.fixture
def source(_source: LinkedinAdsSource, linkedin: LinkedinServer) -> LinkedinAdsSource:
    """One for all tests, since a client's TLS takes long to set up; it has asked nothing yet."""
    _source._accounts.clear()
    return _source


def pull(source: LinkedinAdsSource, account_id: str = US, window: Window = WINDOW) -> list[Batch]:
    return list(source.pull(account_id, window))


def tables(batches: list[Batch]) -> list[pa.Table]:
    """Rows by batch, in one order, whatever order LinkedIn gave them in."""
    keys = [k for k in KEYS["ad"] if k in batches[-1].rows.column_names]
    return [
        b.rows.sort_by([(k, "ascending") for k in keys if k in b.rows.column_names])
        for b in batches
    ]


@pytest.mark.parametrize("account_id", [US, EU])
def test_delivery_equals_the_books_to_the_micro_at_every_level(
    source: LinkedinAdsSource, linkedin: LinkedinServer, business: Business, account_id: str
) -> None:
    found = dict(zip(KEYS, pull(source, account_id), strict=True))
    for level, keys in KEYS.items():
        rows = found[level].rows.sort_by([(k, "ascending") for k in keys])
        booked = business.days(account_id, level, WINDOW.start, WINDOW.end, TODAY)
        assert found[level].table == f"raw.ads_{level}_performance"
        assert booked.num_rows >= 30
        shared = [c for c in (*keys, *WHOLE) if c in rows.column_names]
        assert rows.select(shared).to_pydict() == booked.select(shared).to_pydict()
        if level != "account":
            assert rows["conversions"].to_pylist() == booked["conversions"].to_pylist()
            cents = [round(v * 100) for v in rows["conversion_value"].to_pylist()]
            assert cents == booked["value_cents"].to_pylist()
            assert sum(cents) > 0
    assert linkedin.mutations == []


def test_the_campaign_groups_carry_what_the_account_spent(
    source: LinkedinAdsSource, linkedin: LinkedinServer
) -> None:
    account, campaigns, *deeper = pull(source)
    books = linkedin.spend_by_day(US)
    assert campaigns.account_spend == {d: books[d] for d in books if d >= WINDOW.start}
    assert len(campaigns.account_spend) == 30
    assert {b.account_spend is None for b in (account, *deeper)} == {True}
    assert all(micros % 1_000_000 for micros in books.values())


def test_money_is_in_the_accounts_currency_and_days_are_utc(source: LinkedinAdsSource) -> None:
    assert (source.account(EU).currency_code, source.account(EU).time_zone) == ("EUR", "UTC")
    for batch in pull(source, EU):
        assert set(batch.rows["currency_code"].to_pylist()) == {"EUR"}
        assert set(batch.rows["time_zone"].to_pylist()) == {"UTC"}


def test_batches_have_columns_and_types_of_their_contracts(source: LinkedinAdsSource) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    for batch in (*pull(source), *pull(source, US, empty), *source.snapshot(US, TODAY)):
        assert_fits(batch, whole=False)


@pytest.mark.parametrize("account_id", [US, EU])
def test_snapshot_has_todays_budgets_and_every_entity(
    source: LinkedinAdsSource, business: Business, account_id: str
) -> None:
    campaigns = business.account_campaigns(account_id)
    budgets, entities = source.snapshot(account_id, TODAY)
    found = {r["campaign_id"]: r["daily_budget_micros"] for r in budgets.rows.to_pylist()}
    assert found == {
        c.campaign_id: sum(business.daily_budget_micros(g.adgroup_id) for g in c.adgroups)
        for c in campaigns
    }
    expected: dict[tuple[str, str], tuple[str | None, str, str]]
    expected = {("campaign", c.campaign_id): (None, c.name, c.status) for c in campaigns}
    for c in campaigns:
        for g in c.adgroups:
            expected["adgroup", g.adgroup_id] = (c.campaign_id, g.name, g.status)
            expected |= {("ad", a.ad_id): (g.adgroup_id, a.name, a.status) for a in g.ads}
    rows = {(r["entity_type"], r["entity_id"]): r for r in entities.rows.to_pylist()}
    assert {k: (r["parent_id"], r["name"], r["status"]) for k, r in rows.items()} == expected


def test_an_archived_creative_keeps_its_delivery(source: LinkedinAdsSource) -> None:
    early = Window(date(2026, 2, 1), date(2026, 2, 7))
    ads = pull(source, EU, early)[-1].rows
    archived = ads.filter(pc.equal(ads["status"], "REMOVED"))
    assert len(archived) == 7
    assert sum(archived["cost_micros"].to_pylist()) > 0


def test_recent_days_restate_and_days_from_today_on_have_no_rows(
    source: LinkedinAdsSource, linkedin: LinkedinServer
) -> None:
    linkedin.clock.today = date(2026, 6, 20)
    before = pull(source)[1].rows
    assert max(before["date"].to_pylist()) == date(2026, 6, 19)
    linkedin.clock.advance(11)
    after = pull(source)[1].rows
    after = after.filter(pc.less_equal(after["date"], pa.scalar(date(2026, 6, 19))))
    assert after["cost_micros"].to_pylist() == before["cost_micros"].to_pylist()
    assert pc.sum(after["conversions"]).as_py() > pc.sum(before["conversions"]).as_py()


def test_the_business_is_the_same_for_the_same_seed(business: Business) -> None:
    days = (US, "ad", WINDOW.start, WINDOW.end, TODAY)
    again, other = (Business(seed, business.start, business.end) for seed in (7, 8))
    assert again.days(*days) == business.days(*days)
    assert other.days(*days) != business.days(*days)


@pytest.mark.parametrize(
    ("cap", "days"), [(60, 7), (5, 2)], ids=["a window is halved", "a day is divided"]
)
def test_results_that_stop_at_the_cap_are_asked_for_in_parts(
    source: LinkedinAdsSource, linkedin: LinkedinServer, cap: int, days: int
) -> None:
    window = Window(WEEK.start, WEEK.start + timedelta(days=days - 1))
    whole = tables(pull(source, US, window))
    linkedin.row_cap = cap
    assert len(tables(pull(source, US, window))[-1]) == cap < len(whole[-1])
    capped = source_of(linkedin.url, linkedin.access_token, row_cap=cap)
    assert tables(pull(capped, US, window)) == whole
    assert any("campaigns=List(" in call for call in linkedin.calls) == (days == 2)


def test_exactly_as_many_rows_as_the_cap_are_not_taken_for_all(
    source: LinkedinAdsSource, linkedin: LinkedinServer
) -> None:
    whole = tables(pull(source, US, WEEK))
    linkedin.row_cap = len(whole[-1])
    linkedin.calls.clear()
    capped = source_of(linkedin.url, linkedin.access_token, row_cap=linkedin.row_cap)
    assert tables(pull(capped, US, WEEK)) == whole
    assert sum("CREATIVE" in call for call in linkedin.calls) == 3


def test_a_campaigns_day_beyond_the_cap_is_refused_by_name(linkedin: LinkedinServer) -> None:
    linkedin.row_cap = 2
    capped = source_of(linkedin.url, linkedin.access_token, row_cap=2)
    day = Window(date(2026, 6, 8), date(2026, 6, 8))
    with pytest.raises(SourceRejected, match=r"urn:li:sponsored\w+:\d+ has 2 rows or more on"):
        pull(capped, US, day)


def test_more_than_twenty_fields_or_encoded_structure_are_refused_by_the_platform(
    source: LinkedinAdsSource, linkedin: LinkedinServer
) -> None:
    pull(source)
    asked = next(call for call in linkedin.calls if "adAnalytics" in call)
    headers = {
        "Authorization": f"Bearer {linkedin.access_token}",
        "LinkedIn-Version": linkedin.version,
        "X-Restli-Protocol-Version": "2.0.0",
    }
    more = "".join(f",{f}" for f in ("likes", "shares", "comments", "follows", "sends") * 3)
    answers = [
        httpx.get(linkedin.url + query, headers=headers).status_code
        for query in (asked, asked + more, asked.replace("(", "%28"))
    ]
    assert answers == [200, 400, 400]


@pytest.fixture(scope="module")
def whole(_source: LinkedinAdsSource) -> list[pa.Table]:
    """A week of the US without any fault."""
    return tables(pull(_source, US, WEEK))


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - BREAKING - {"withdrawn_rows"}))
def test_a_passing_fault_costs_no_row(
    source: LinkedinAdsSource, linkedin: LinkedinServer, whole: list[pa.Table], fault: str
) -> None:
    linkedin.page_rows = 6
    linkedin.faults.switch_on(fault, account_id=US, times=None if fault in STATES else 2)
    found = tables(pull(source, US, WEEK))
    assert [t.select(w.column_names) for t, w in zip(found, whole, strict=True)] == whole
    if fault not in STATES:
        assert not linkedin.faults.strikes(fault, US), "it never struck"


def test_all_passing_faults_at_once_cost_no_row(
    source: LinkedinAdsSource, linkedin: LinkedinServer, whole: list[pa.Table]
) -> None:
    linkedin.page_rows = 6
    for fault in set(FAULTS) - BREAKING - {"withdrawn_rows"}:
        linkedin.faults.switch_on(fault, times=None if fault in STATES else 2)
    found = tables(pull(source, US, WEEK))
    assert [t.select(w.column_names) for t, w in zip(found, whole, strict=True)] == whole


def test_a_field_nobody_asked_for_is_handed_on_as_text(
    source: LinkedinAdsSource, linkedin: LinkedinServer
) -> None:
    linkedin.faults.switch_on("new_metric")
    assert set(pull(source, US, WEEK)[1].rows["attentionSeconds"].to_pylist()) == {"7"}


BROKEN = {
    "error_200_fatal": "ILLEGAL_ARGUMENT: Invalid param",
    "token_invalid": "answered 401: .*Invalid access token",
    "token_expires_mid_pull": "answered 401: .*has expired",
    "permission_denied": "answered 403: .*Not permitted",
    "version_sunset": "answered 426: .*20260601 is not active",
    "missing_metric": "analytics have no costInLocalCurrency",
    "retyped_metric": r"analytics have 'about \d+' for impressions",
}
AUDITED = {
    "spend_mismatch": r"campaign spend adds up to the account's: 1 days don't, such as 2026-06-30",
    "truncated_results": r"campaign spend adds up to the account's: 1 days don't",
}


def test_every_breaking_fault_is_tried_here() -> None:
    assert {*BROKEN, *AUDITED, "daily_quota"} == BREAKING


@pytest.mark.parametrize("fault", BROKEN)
def test_a_breaking_fault_is_rejected_with_its_account_and_cause(
    source: LinkedinAdsSource, linkedin: LinkedinServer, fault: str
) -> None:
    linkedin.faults.switch_on(fault, account_id=US)
    batches: list[Batch] = []
    with pytest.raises(SourceRejected, match=f"account {US}: .*{BROKEN[fault]}") as refused:
        batches.extend(source.pull(US, WEEK))
    assert batches == []
    assert "Kept: published data" in str(refused.value)
    assert linkedin.access_token not in str(refused.value)
    assert len(pull(source, EU, WEEK)) == 4, "the other account is well"


def test_a_daily_quota_parks_the_account_until_midnight_utc(
    source: LinkedinAdsSource, linkedin: LinkedinServer
) -> None:
    linkedin.faults.switch_on("daily_quota", account_id=EU)
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time(), UTC)
    with pytest.raises(SourceParked, match=rf"account {EU}: parked until .* 00:00 UTC") as parked:
        pull(source, EU, WEEK)
    assert timedelta() <= parked.value.until - midnight < timedelta(seconds=5)
    assert len(linkedin.calls) == 1, "it is not asked again"


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "error_200", "proxy_page"])
def test_what_should_pass_and_does_not_is_given_up_after_five_tries(
    source: LinkedinAdsSource, linkedin: LinkedinServer, fault: str
) -> None:
    linkedin.faults.switch_on(fault)
    with pytest.raises(SourceUnavailable, match=f"linkedin_ads account {US}: "):
        pull(source, US, WEEK)
    assert linkedin.calls.count(linkedin.calls[-1]) == 5


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(c for c in load_contracts().values() if c.dataset == "raw")
    return opened


def test_lost_rows_and_spend_that_does_not_add_up_fail_the_audit(
    source: LinkedinAdsSource, linkedin: LinkedinServer, warehouse: DuckDBWarehouse
) -> None:
    for fault, words in AUDITED.items():
        linkedin.faults.switch_on(fault, account_id=US)
        campaigns = pull(source, US, WEEK)[1]
        with pytest.raises(AuditError, match=words):
            land(warehouse, campaigns)
        linkedin.faults.switch_off()


def test_rows_that_were_withdrawn_leave_the_warehouse_and_the_books(
    source: LinkedinAdsSource, linkedin: LinkedinServer, warehouse: DuckDBWarehouse
) -> None:
    ads = "SELECT COUNT(*) AS n, SUM(cost_micros) AS cost FROM raw.ads_ad_performance"
    for lost in (0, 3):
        if lost:
            linkedin.faults.switch_on("withdrawn_rows", account_id=US)
        land(warehouse, pull(source, US, WEEK)[-1])
        charged = sum(m for d, m in linkedin.spend_by_day(US).items() if d >= WEEK.start)
        assert warehouse.query(ads).to_pylist() == [{"n": 7 * 12 - lost, "cost": charged}]


def test_an_unknown_account_is_rejected_by_name(source: LinkedinAdsSource) -> None:
    with pytest.raises(SourceRejected, match=r"account 999: .*404.*Could not find ad account 999"):
        source.account("999")


def test_an_unreachable_platform_is_unavailable_and_the_token_stays_out_of_the_error() -> None:
    source = source_of("http://127.0.0.1:1", "secret-token")
    with pytest.raises(SourceUnavailable, match=rf"{US}: no usable answer") as refused:
        source.account(US)
    assert "secret-token" not in str(refused.value)


def test_a_mutating_call_is_recorded_and_refused(linkedin: LinkedinServer) -> None:
    answer = httpx.post(f"{linkedin.url}/rest/adAccounts/{US}/adCampaigns", json={"name": "new"})
    assert answer.status_code == 403
    assert linkedin.mutations == [f"POST /rest/adAccounts/{US}/adCampaigns"]
