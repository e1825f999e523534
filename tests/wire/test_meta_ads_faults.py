"""Meta ads under every fault of the sandbox: all rows in the end, or an error that names why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from facebook_business.api import FacebookAdsApi

from pipelines.contracts import load_contracts
from pipelines.errors import AuditError, SourceParked, SourceRejected, SourceUnavailable
from pipelines.landing.ingest import ingest_account
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.meta_ads.faults import KNOWN
from pipelines.sandbox.platforms.meta_ads.server import MetaServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.sources.base import Window
from pipelines.sources.meta_ads.errors import TooMuchData
from pipelines.sources.meta_ads.reports import Report, ReportReader
from pipelines.sources.meta_ads.source import MetaAdsSource
from pipelines.sources.meta_ads.usage import read_usage
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire.conftest import TODAY
from tests.wire.test_meta_ads_source import EU, US, pull, source_of

pytestmark = pytest.mark.slow

WINDOW = Window(date(2026, 6, 23), date(2026, 6, 30))
LAST = Window(WINDOW.end, WINDOW.end)
LEVELS = ("campaign", "account", "adgroup", "ad", "actions")
TRANSIENT = (1, 2, 4, 17, 32, 341, 613, *range(80000, 80007), 80008, 104, 960)


@pytest.fixture(scope="module")
def _server(market: Market) -> Iterator[MetaServer]:
    with MetaServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def meta(_server: MetaServer) -> Iterator[MetaServer]:
    yield _server
    _server.faults.switch_off()
    _server.page_rows, _server.jobs.most_rows = 1000, 100
    _server.jobs.started.clear()


@pytest.fixture
def source(meta: MetaServer) -> MetaAdsSource:
    return source_of(meta.url, meta.access_token, sleep=lambda _: None)


def tables(source: MetaAdsSource, account_id: str = US, window: Window = WINDOW) -> list[Any]:
    return [batch.rows for batch in pull(source, account_id, window).values()]


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"slept {seconds} s")


def reports_of(meta: MetaServer) -> list[tuple[str, int, list[str]]]:
    """Level, days and id filters of each job that was started."""
    found = []
    for job in meta.jobs.started:
        span = json.loads(job.params["time_range"])
        days = date.fromisoformat(span["until"]) - date.fromisoformat(span["since"])
        fields = [
            f"{c['field']} {c['operator']}"
            for c in json.loads(job.params["filtering"])
            if c["field"].endswith(".id")
        ]
        found.append((job.params["level"], days.days + 1, fields))
    return found


@pytest.mark.parametrize("fault", ["job_failed", "job_skipped"])
def test_a_job_that_fails_once_is_started_once_more(
    source: MetaAdsSource, meta: MetaServer, fault: str
) -> None:
    whole = tables(source)
    meta.jobs.started.clear()
    meta.jobs.most_rows = 0
    meta.faults.switch_on(fault, times=1)
    assert tables(source) == whole
    levels = [level for level, _, _ in reports_of(meta)]
    assert levels == ["account", "campaign", "adset", "ad", "account"]


@pytest.mark.parametrize("fault", ["job_failed", "job_skipped"])
def test_a_job_that_fails_twice_is_cut_into_halves_of_its_days(
    source: MetaAdsSource, meta: MetaServer, fault: str
) -> None:
    whole = tables(source)
    meta.jobs.started.clear()
    meta.jobs.most_rows = 30
    meta.faults.switch_on(fault)
    assert tables(source) == whole
    tried = [(level, days) for level, days, _ in reports_of(meta)]
    assert [tried.count(("ad", days)) for days in (8, 4, 2)] == [2, 4, 4]
    assert [tried.count(("adset", days)) for days in (8, 4)] == [2, 2]
    assert [tried.count(("campaign", days)) for days in (8, 4)] == [1, 0]


def test_a_job_that_hangs_is_given_up_and_cut(meta: MetaServer) -> None:
    source = source_of(meta.url, meta.access_token, report_timeout_seconds=0.3)
    whole = tables(source)
    meta.jobs.started.clear()
    meta.jobs.most_rows = 60
    meta.faults.switch_on("job_stuck")
    assert tables(source) == whole
    tried = [(level, days) for level, days, _ in reports_of(meta)]
    assert [tried.count(("ad", days)) for days in (8, 4)] == [1, 2]


@pytest.mark.parametrize(
    ("most_rows", "deepest"),
    [
        (9, ["campaign.id IN"]),
        (3, ["campaign.id IN", "adset.id IN"]),
        (1, ["campaign.id IN", "adset.id IN", "ad.id IN"]),
    ],
)
def test_a_day_is_cut_into_campaigns_ad_sets_and_ads_and_has_the_same_rows(
    source: MetaAdsSource, meta: MetaServer, most_rows: int, deepest: list[str]
) -> None:
    whole = tables(source, US, LAST)
    meta.jobs.started.clear()
    meta.jobs.most_rows = most_rows
    meta.faults.switch_on("job_failed")
    assert tables(source, US, LAST) == whole
    assert max((filters for _, _, filters in reports_of(meta)), key=len) == deepest


def test_smaller_jobs_ask_for_every_status_too(source: MetaAdsSource, meta: MetaServer) -> None:
    meta.faults.switch_on("deleted_and_archived")
    whole = tables(source, US, LAST)
    meta.jobs.most_rows = 3
    meta.faults.switch_on("job_failed")
    assert tables(source, US, LAST) == whole


def test_what_meta_does_not_list_is_in_the_rest_of_a_cut_job(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    first, second = source._edge(US, "campaign")
    whole = ReportReader(source._graph, US, {}, timeout=5).read([Report("campaign", LAST)])
    meta.jobs.most_rows = 1
    meta.faults.switch_on("job_failed")
    for listed in ([first], [second]):
        reader = ReportReader(source._graph, US, {"campaign": listed}, timeout=5)
        assert reader.read([Report("campaign", LAST)]) == whole
    assert [r["campaign_id"] for r in whole["campaign"]] == [first["id"], second["id"]]


def test_a_campaigns_day_that_still_fails_is_named_with_its_job_and_account(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    entities = {"campaign": source._edge(US, "campaign")}
    two_days = Window(date(2026, 6, 29), date(2026, 6, 30))
    meta.jobs.most_rows = 0
    meta.faults.switch_on("job_failed")
    first = entities["campaign"][0]["id"]
    said = (
        rf"{US}: insights job \d+ ended as 'Job Failed' \(code 2: The report could not be made\.\)"
        rf" \(campaign level, 2026-06-29\.\.2026-06-29, campaign {first}\)"
    )
    with pytest.raises(SourceUnavailable, match=said) as given_up:
        ReportReader(source._graph, US, entities, timeout=5).read([Report("campaign", two_days)])
    assert "Kept:" in str(given_up.value)
    with pytest.raises(SourceUnavailable, match=rf"{US}: insights job \d+ .*account level"):
        pull(source, US, LAST)
    assert tables(source, EU, Window(TODAY, TODAY))[0].num_rows == 0


def test_a_job_that_is_too_large_to_start_is_cut(source: MetaAdsSource, meta: MetaServer) -> None:
    report = Report("campaign", WINDOW)
    whole = ReportReader(source._graph, US, {}, timeout=5).read([report])
    meta.jobs.started.clear()
    meta.fail_next(100, message="Please reduce the amount of data", subcode=1487534)
    assert ReportReader(source._graph, US, {}, timeout=5).read([report]) == whole
    assert [days for _, days, _ in reports_of(meta)] == [4, 4]


@pytest.mark.parametrize("fault", ["empty_page_with_next", "exactly_limit_rows", "reduce_data"])
def test_every_row_of_every_page_is_read(
    source: MetaAdsSource, meta: MetaServer, fault: str
) -> None:
    whole = tables(source)
    ads = whole[LEVELS.index("ad")].num_rows
    assert ads == 13 * 8
    meta.faults.switch_on(fault)
    for page_rows in (ads, 26):
        meta.page_rows = page_rows
        assert tables(source, US, WINDOW) == whole


def test_the_empty_page_of_the_sandbox_is_empty_and_has_a_next(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    pull(source, US, WINDOW)
    meta.faults.switch_on("empty_page_with_next")
    run_id = meta.jobs.started[-1].run_id
    url = f"{meta.url}/{FacebookAdsApi.API_VERSION}/{run_id}/insights"
    first = httpx.get(url, params={"access_token": meta.access_token, "limit": "10"}).json()
    second = httpx.get(first["paging"]["next"]).json()
    assert (len(first["data"]), second["data"]) == (10, [])
    assert "next" in second["paging"]


def test_a_page_that_is_too_large_is_halved_down_to_ten_rows(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    params: dict[str, Any] = {"limit": 1000}
    meta.fail_next(1, times=6, message="Please reduce the amount of data you're asking for")
    source._graph._call(US, "GET", (US, "campaigns"), params)
    assert params["limit"] == 15
    meta.fail_next(1, times=2, message="Please reduce the amount of data you're asking for")
    with pytest.raises(TooMuchData, match=rf"{US}.*too large .*code 1"):
        source._graph._call(US, "GET", (US, "campaigns"), params)


def test_every_transient_code_is_asked_again(source: MetaAdsSource, meta: MetaServer) -> None:
    details: list[dict[str, Any]] = [{"code": code} for code in TRANSIENT]
    details += [
        {"code": 100, "subcode": 99},
        {"code": 2601, "transient": True},
        {"code": -1, "status": 503},
    ]
    for detail in details:
        meta.fail_next(**detail)
        assert source._graph.node(US, ("name",))["name"] == "Canary US"


def test_a_bad_token_is_never_asked_again_whatever_else_the_reply_says(
    meta: MetaServer,
) -> None:
    source = source_of(meta.url, meta.access_token, sleep=no_sleep)
    meta.fail_next(190, transient=True, status=500, regain_minutes=60)
    with pytest.raises(SourceRejected, match="code 190"):
        source.account(US)
    assert source.account(US).name == "Canary US"


@pytest.mark.parametrize("fault", ["error_200", "server_error"])
def test_an_error_that_passes_costs_no_row(
    source: MetaAdsSource, meta: MetaServer, fault: str
) -> None:
    whole = tables(source)
    meta.faults.switch_on(fault, times=4)
    assert tables(source) == whole


@pytest.mark.parametrize(("fault", "status"), [("error_200", 200), ("server_error", 500)])
def test_an_error_that_lasts_ends_the_pull(
    source: MetaAdsSource, meta: MetaServer, fault: str, status: int
) -> None:
    meta.faults.switch_on(fault)
    with pytest.raises(SourceUnavailable, match=rf"{US}.*HTTP {status}, code 2"):
        pull(source)


def test_a_quota_of_hours_parks_the_account_until_then_and_no_other(meta: MetaServer) -> None:
    source = source_of(meta.url, meta.access_token, sleep=no_sleep)
    meta.faults.switch_on("quota_hours", account_id=US)
    said = rf"{US}.*parked until .* UTC: it is rate-limited \(HTTP 400, code 80000"
    with pytest.raises(SourceParked, match=said) as parked:
        pull(source)
    assert abs(parked.value.until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert source.account(EU).name == "Canary EU"


def test_a_quota_of_minutes_is_waited_for(meta: MetaServer) -> None:
    slept: list[float] = []
    source = source_of(meta.url, meta.access_token, sleep=slept.append)
    meta.fail_next(17, regain_minutes=5)
    assert source.account(US).name == "Canary US"
    assert slept == [300]
    meta.fail_next(17, regain_minutes=6)
    with pytest.raises(SourceParked):
        source.account(EU)


def test_each_of_the_four_usage_headers_slows_the_next_call_down(meta: MetaServer) -> None:
    slept: list[float] = []
    source = source_of(meta.url, meta.access_token, sleep=slept.append)
    meta.faults.switch_on("usage_high", times=4)
    for _ in range(6):
        source._graph.node(US, ("name",))
    assert slept == [pytest.approx(1.2)] * 4


def test_the_pause_grows_with_what_is_used() -> None:
    usage = '{"1":[{"call_count":%d,"total_time":3,"estimated_time_to_regain_access":0}]}'
    pauses = [
        read_usage({"x-business-use-case-usage": usage % percent}).pause_seconds
        for percent in (10, 75, 90, 100, 140)
    ]
    assert pauses == [0, 0, 18, 30, 30]
    assert read_usage({"x-fb-ads-insights-throttle": '{"acc_id_util_pct":80.5}'}).percent == 80.5
    assert read_usage({"x-app-usage": "gibberish"}).pause_seconds == 0


def test_withdrawn_rows_are_gone_from_every_level_of_the_next_pull(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    before = pull(source, US, WINDOW)
    meta.faults.switch_on("withdrawn_rows")
    after = pull(source, US, WINDOW)
    gone, since = before["campaign"].rows["campaign_id"][0].as_py(), TODAY - timedelta(days=3)
    for level in ("campaign", "adgroup", "ad", "actions"):
        rows = before[level].rows.to_pylist()
        kept = [r for r in rows if r["campaign_id"] != gone or r["date"] < since]
        assert after[level].rows.to_pylist() == kept
        assert len(kept) < len(rows)
    spent = {d: m for d, m in meta.spend_by_day(US).items() if d >= WINDOW.start}
    assert after["campaign"].account_spend == spent != before["campaign"].account_spend


def test_what_was_deleted_or_archived_keeps_its_delivery(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    before = pull(source, US, WINDOW)
    meta.faults.switch_on("deleted_and_archived")
    after = pull(source, US, WINDOW)
    shown = source._graph._call(US, "GET", (US, "campaigns"), {"fields": "id"})["data"]
    assert len(shown) == 1
    for level in LEVELS:
        columns = [c for c in before[level].rows.column_names if c != "status"]
        assert after[level].rows.select(columns) == before[level].rows.select(columns)
    removed = [
        after[a].rows["status"].to_pylist().count("REMOVED") for a in ("campaign", "adgroup", "ad")
    ]
    # a campaign and an ad set; what is below them has its own switch on
    assert removed == [8, 8, 0]
    assert sum(after["campaign"].rows["cost_micros"].to_pylist()) == sum(
        m for d, m in meta.spend_by_day(US).items() if d >= WINDOW.start
    )


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("token_invalid", "code 190"), ("permission_denied", "code 200.*NOT granted")],
)
def test_a_refused_account_is_named_and_the_others_go_on(
    source: MetaAdsSource, meta: MetaServer, fault: str, cause: str
) -> None:
    meta.faults.switch_on(fault, account_id=US)
    with pytest.raises(SourceRejected, match=rf"{US}.*{cause}") as refused:
        pull(source)
    assert "Next:" in str(refused.value)
    assert meta.access_token not in str(refused.value)
    assert pull(source, EU, LAST)["ad"].rows.num_rows > 0


def test_a_token_that_expires_between_two_pages_yields_nothing(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    meta.page_rows = 50
    meta.faults.switch_on("token_expired")
    pulled = source.pull(US, WINDOW)
    with pytest.raises(SourceRejected, match=rf"{US}.*code 190, subcode 463"):
        next(pulled)


def test_an_account_of_a_cent_more_than_its_campaigns_is_told_as_it_is(
    source: MetaAdsSource, meta: MetaServer
) -> None:
    meta.faults.switch_on("spend_mismatch")
    found = pull(source, US, WINDOW)
    rows = found["campaign"].rows.group_by("date").aggregate([("cost_micros", "sum")])
    summed = dict(zip(*rows.to_pydict().values(), strict=True))
    assert next(iter(found)) == "campaign"
    told = found["campaign"].account_spend
    assert told is not None
    assert {day: told[day] - summed[day] for day in summed if told[day] != summed[day]} == {
        WINDOW.end: 10_000
    }


def test_an_amount_that_is_no_number_fails_the_ingestion_and_names_the_account(
    source: MetaAdsSource, meta: MetaServer, tmp_path: Path
) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.create_tables(c for c in load_contracts().values() if c.dataset == "raw")
    meta.faults.switch_on("retyped_field")
    now = datetime.combine(TODAY, time(9), tzinfo=UTC)
    said = rf"(?s){US}.*readable: the row can't be read \(ValueError\)"
    with pytest.raises(AuditError, match=said):
        ingest_account(warehouse, source, US, now=now, start=LAST.start, end=LAST.end)


def test_every_fault_has_a_test_here() -> None:
    text = Path(__file__).read_text()
    assert {name for name in KNOWN if f'"{name}"' not in text} == set()
