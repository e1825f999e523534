"""TikTok ads: the Business API on a real socket, against the market and its CSV export."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.contracts import load_contracts
from pipelines.errors import AuditError, SourceRejected, SourceUnavailable
from pipelines.landing.publish import land
from pipelines.money import micros
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.tiktok_ads.export import write_report
from pipelines.sandbox.platforms.tiktok_ads.server import BREAKING, FAULTS, TiktokServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.secret_settings import Secrets
from pipelines.source_settings import FileSettings, TiktokAdsSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.files.source import open_source
from pipelines.sources.shapes.ads_metrics import count
from pipelines.sources.tiktok_ads.source import TiktokAdsSource, _hashed, _or_0, _status
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire.contract_shape import assert_fits

ACCOUNT = "7001002003"
TODAY = date(2026, 7, 1)
WINDOW = Window(date(2026, 6, 1), date(2026, 6, 30))
WEEK = Window(date(2026, 6, 24), date(2026, 6, 30))
MAPPING = Path(__file__).parents[2] / "infra" / "mappings" / "tiktok_ads.yaml"
KEYS = ("date", "campaign_id", "adgroup_id", "ad_id")
# they last: a client that is good ends with every row while they are on
STATES = {"empty_page", "new_metric", "dash_means_null"}


@pytest.fixture(scope="module")
def _tiktok(market: Market) -> Iterator[TiktokServer]:
    with TiktokServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def tiktok(_tiktok: TiktokServer) -> Iterator[TiktokServer]:
    """TikTok on ``TODAY``; what a test changed of it is undone."""
    yield _tiktok
    _tiktok.clock.today = TODAY
    _tiktok.page_rows = 1000
    _tiktok.faults.switch_off()
    _tiktok.mutations.clear()
    _tiktok.calls.clear()


def source_of(url: str, token: str, **options: Any) -> TiktokAdsSource:
    settings = TiktokAdsSettings(accounts=(ACCOUNT,), url=url)
    return TiktokAdsSource(settings, token, **{"backoff": 0.001, **options})


@pytest.fixture(scope="module")
def _source(_tiktok: TiktokServer) -> TiktokAdsSource:
    return source_of(_tiktok.url, _tiktok.access_token)


@pytest.fixture
def source(_source: TiktokAdsSource, tiktok: TiktokServer) -> TiktokAdsSource:
    """One for all tests, since a client's TLS takes long to set up; it has asked nothing yet."""
    _source._accounts.clear()
    return _source


def pull(source: TiktokAdsSource, window: Window = WEEK) -> list[Batch]:
    return list(source.pull(ACCOUNT, window))


def rows_of(batch: Batch) -> pa.Table:
    """Its rows in the order of their grain."""
    rows = table_of(batch)
    return rows.sort_by([(k, "ascending") for k in KEYS if k in rows.column_names])


def table_of(batch: Batch) -> pa.Table:
    return batch.rows if isinstance(batch.rows, pa.Table) else batch.rows.read_all()


def test_rows_are_those_that_the_csv_export_lands(
    source: TiktokAdsSource, market: Market, tmp_path: Path
) -> None:
    path = tmp_path / "tiktok_ads.csv"
    write_report(market, path, TODAY)
    exported = open_source(
        FileSettings(platform="tiktok_ads", path=path, mapping=MAPPING), Secrets()
    )
    account, campaigns, _, ads = pull(source, WINDOW)
    told = {b.table: b for b in (account, campaigns, ads)}
    for batch in exported.pull(ACCOUNT, WINDOW):
        wanted = rows_of(batch)
        found = rows_of(told[batch.table])
        assert wanted.num_rows >= 60
        assert found.select(wanted.column_names).to_pydict() == wanted.to_pydict()
    told |= {b.table: b for b in source.snapshot(ACCOUNT, TODAY)}
    entities, budgets = exported.snapshot(ACCOUNT, TODAY)
    for batch, free in ((entities, "advertising_type"), (budgets, "effective_from")):
        wanted = table_of(batch).drop_columns([free])
        order = [(wanted.column_names[2], "ascending"), (wanted.column_names[3], "ascending")]
        found = told[batch.table].rows.select(wanted.column_names)
        assert found.sort_by(order).to_pydict() == wanted.sort_by(order).to_pydict()


def test_every_level_adds_up_to_what_the_advertiser_was_charged(
    source: TiktokAdsSource, tiktok: TiktokServer
) -> None:
    batches = pull(source, WINDOW)
    books = {d: m for d, m in tiktok.spend_by_day(ACCOUNT).items() if d >= WINDOW.start}
    assert len(books) == 30
    for batch in batches:
        spent = dict.fromkeys(books, 0)
        for row in batch.rows.select(["date", "cost_micros"]).to_pylist():
            spent[row["date"]] += row["cost_micros"]
        assert spent == books
    assert [b.account_spend for b in batches] == [None, books, None, None]
    sums = [pc.sum(b.rows["video_completions"]).as_py() for b in batches[1:]]
    assert len(set(sums)) == 1
    assert sums[0] > 0
    assert tiktok.mutations == []


def test_days_are_the_advertisers_own(source: TiktokAdsSource) -> None:
    account = source.account(ACCOUNT)
    assert (account.time_zone, account.currency_code) == ("America/Los_Angeles", "USD")


def test_batches_have_columns_and_types_of_their_contracts(source: TiktokAdsSource) -> None:
    empty = Window(date(2027, 1, 1), date(2027, 1, 2))
    for batch in (*pull(source), *pull(source, empty), *source.snapshot(ACCOUNT, TODAY)):
        assert_fits(batch, whole=False)


def test_recent_days_restate_and_days_from_today_on_have_no_rows(
    source: TiktokAdsSource, tiktok: TiktokServer
) -> None:
    tiktok.clock.today = date(2026, 6, 20)
    before = rows_of(pull(source, WINDOW)[1])
    assert max(before["date"].to_pylist()) == date(2026, 6, 19)
    tiktok.clock.advance(11)
    after = rows_of(pull(source, WINDOW)[1])
    after = after.filter(pc.less_equal(after["date"], pa.scalar(date(2026, 6, 19))))
    assert after["cost_micros"].to_pylist() == before["cost_micros"].to_pylist()
    assert pc.sum(after["conversions"]).as_py() > pc.sum(before["conversions"]).as_py()


def test_a_deleted_ad_keeps_its_delivery(market: Market) -> None:
    deleted = copy.copy(market)
    campaign = next(c for c in market.campaigns if c.account_id == ACCOUNT)
    group = campaign.adgroups[0]
    ads = (replace(group.ads[0], status="REMOVED"), *group.ads[1:])
    gone = replace(campaign, adgroups=(replace(group, ads=ads), *campaign.adgroups[1:]))
    deleted.campaigns = tuple(gone if c is campaign else c for c in market.campaigns)
    with TiktokServer(deleted, Clock(TODAY)) as server:
        rows = pull(source_of(server.url, server.access_token))[-1].rows
    removed = rows.filter(pc.equal(rows["status"], "REMOVED"))
    assert set(removed["ad_id"].to_pylist()) == {ads[0].ad_id}
    assert removed.num_rows == 7


def test_a_window_of_any_length_is_asked_for_in_thirty_days_at_most(
    source: TiktokAdsSource, market: Market
) -> None:
    long = Window(date(2026, 4, 1), date(2026, 6, 30))
    booked = market.campaign_days(ACCOUNT, long.start, long.end, TODAY)
    found = rows_of(pull(source, long)[1])
    assert found["cost_micros"].to_pylist() == booked["cost_micros"].to_pylist()
    assert found.num_rows == 2 * 91
    assert source.max_window_days == 184


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start_date": "2026-05-31"}, "max time span is 30 days"),
        ({"page_size": "1001"}, "page_size"),
        ({"metrics": '["happiness"]'}, "happiness"),
    ],
)
def test_what_the_platform_refuses_comes_as_http_200_with_a_code(
    tiktok: TiktokServer, change: dict[str, str], words: str
) -> None:
    asked = {
        "advertiser_id": ACCOUNT,
        "report_type": "BASIC",
        "data_level": "AUCTION_CAMPAIGN",
        "dimensions": json.dumps(["campaign_id", "stat_time_day"]),
        "metrics": json.dumps(["spend"]),
        "start_date": "2026-06-01",
        "end_date": "2026-06-30",
    }
    url = f"{tiktok.url}/open_api/v1.3/report/integrated/get/"
    headers = {"Access-Token": tiktok.access_token}
    answer = httpx.get(url, params={**asked, **change}, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["code"] == 40002
    assert words in answer.json()["message"]
    assert httpx.get(url, params=asked, headers=headers).json()["code"] == 0


@pytest.mark.parametrize(("page_rows", "pages"), [(70, 1), (35, 2), (34, 3), (69, 2)])
def test_pages_are_read_to_the_last_and_no_further(
    source: TiktokAdsSource, tiktok: TiktokServer, page_rows: int, pages: int
) -> None:
    whole = [b.rows for b in pull(source)]
    assert whole[-1].num_rows == 70
    tiktok.page_rows = page_rows
    tiktok.calls.clear()
    assert [b.rows for b in pull(source)] == whole
    reports = [call for call in tiktok.calls if call.startswith("report")]
    assert len(reports) == 3 + pages


@pytest.fixture(scope="module")
def whole(_source: TiktokAdsSource) -> list[pa.Table]:
    """A week without any fault."""
    return [b.rows for b in pull(_source)]


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - BREAKING - {"withdrawn_rows"}))
def test_a_passing_fault_costs_no_row(
    source: TiktokAdsSource, tiktok: TiktokServer, whole: list[pa.Table], fault: str
) -> None:
    tiktok.page_rows = 30
    tiktok.faults.switch_on(fault, account_id=ACCOUNT, times=None if fault in STATES else 2)
    found = [b.rows for b in pull(source)]
    assert [t.select(w.column_names) for t, w in zip(found, whole, strict=True)] == whole
    if fault not in STATES:
        assert not tiktok.faults.strikes(fault, ACCOUNT), "it never struck"


def test_all_passing_faults_at_once_cost_no_row(
    source: TiktokAdsSource, tiktok: TiktokServer, whole: list[pa.Table]
) -> None:
    tiktok.page_rows = 30
    for fault in set(FAULTS) - BREAKING - {"withdrawn_rows"}:
        tiktok.faults.switch_on(fault, times=None if fault in STATES else 2)
    found = [b.rows for b in pull(source)]
    assert [t.select(w.column_names) for t, w in zip(found, whole, strict=True)] == whole


def test_a_dash_is_nothing_and_there_are_dashes(
    source: TiktokAdsSource, tiktok: TiktokServer
) -> None:
    tiktok.faults.switch_on("dash_means_null")
    raw = source._api.report(ACCOUNT, "ad", ["ad_name", "conversion"], WEEK)
    assert {None} < {row["conversion"] for row in raw}
    assert [_or_0(parse)(None) for parse in (micros, count)] == [0, 0]
    assert _hashed(None) is None


def test_a_metric_nobody_asked_for_is_handed_on_as_text(
    source: TiktokAdsSource, tiktok: TiktokServer
) -> None:
    tiktok.faults.switch_on("new_metric")
    assert set(pull(source)[1].rows["attention_seconds"].to_pylist()) == {"7"}


BROKEN = {
    "error_200_fatal": "code 40002: Invalid params",
    "token_invalid": "code 40105: Access token is incorrect",
    "token_expires_mid_pull": "code 40105: Access token is incorrect",
    "permission_denied": "code 40001: No permission to operate advertiser",
    "missing_metric": "the report has no spend",
    "retyped_metric": r"the report has 'about \d+' for impressions",
}


def test_every_breaking_fault_is_tried_here() -> None:
    assert {*BROKEN, "spend_mismatch"} == BREAKING


@pytest.mark.parametrize("fault", BROKEN)
def test_a_breaking_fault_is_rejected_with_its_account_and_cause(
    source: TiktokAdsSource, tiktok: TiktokServer, fault: str
) -> None:
    tiktok.faults.switch_on(fault, account_id=ACCOUNT)
    batches: list[Batch] = []
    with pytest.raises(SourceRejected, match=f"account {ACCOUNT}: {BROKEN[fault]}") as refused:
        batches.extend(source.pull(ACCOUNT, WEEK))
    assert batches == []
    assert "Kept: published data" in str(refused.value)
    assert tiktok.access_token not in str(refused.value)


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "error_200", "proxy_page"])
def test_what_should_pass_and_does_not_is_given_up_after_five_tries(
    source: TiktokAdsSource, tiktok: TiktokServer, fault: str
) -> None:
    tiktok.faults.switch_on(fault)
    with pytest.raises(SourceUnavailable, match=f"tiktok_ads account {ACCOUNT}: "):
        pull(source)
    assert tiktok.calls[-6:].count(tiktok.calls[-1]) == 5


def test_pages_that_never_add_up_to_their_count_are_not_handed_on(
    source: TiktokAdsSource, tiktok: TiktokServer
) -> None:
    tiktok.faults.switch_on("truncated_results")
    with pytest.raises(SourceUnavailable, match=r"campaign/get/ gave 0 rows and counts 2, 3 times"):
        pull(source)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    opened = DuckDBWarehouse(tmp_path / "w.duckdb")
    opened.create_tables(c for c in load_contracts().values() if c.dataset == "raw")
    return opened


def test_spend_that_does_not_add_up_fails_the_audit(
    source: TiktokAdsSource, tiktok: TiktokServer, warehouse: DuckDBWarehouse
) -> None:
    tiktok.faults.switch_on("spend_mismatch", account_id=ACCOUNT)
    words = rf"account {ACCOUNT}[\s\S]*campaign spend adds up to the account's: 1 days don't"
    with pytest.raises(AuditError, match=words):
        land(warehouse, pull(source)[1])


def test_rows_that_were_withdrawn_are_gone_from_a_second_pull(
    source: TiktokAdsSource, tiktok: TiktokServer
) -> None:
    for lost in (0, 3):
        if lost:
            tiktok.faults.switch_on("withdrawn_rows", account_id=ACCOUNT)
        _, campaigns, _, ads = pull(source)
        books = {d: m for d, m in tiktok.spend_by_day(ACCOUNT).items() if d >= WEEK.start}
        assert campaigns.account_spend == books
        assert ads.rows.num_rows == 70 - lost
        assert pc.sum(ads.rows["cost_micros"]).as_py() == sum(books.values())


def test_an_unknown_advertiser_is_rejected_by_name(source: TiktokAdsSource) -> None:
    with pytest.raises(SourceRejected, match="account 999: code 40001: No permission"):
        source.account("999")


def test_an_unreachable_platform_is_unavailable_and_the_token_stays_out_of_the_error() -> None:
    source = source_of("http://127.0.0.1:1", "secret-token")
    with pytest.raises(SourceUnavailable, match=rf"{ACCOUNT}: no usable answer") as refused:
        source.account(ACCOUNT)
    assert "secret-token" not in str(refused.value)


def test_a_mutating_call_is_recorded_and_refused(tiktok: TiktokServer) -> None:
    path = "/open_api/v1.3/campaign/status/update/"
    answer = httpx.post(tiktok.url + path, json={"operation_status": "DISABLE"})
    assert answer.status_code == 403
    assert tiktok.mutations == [f"POST {path}"]


def test_statuses_are_the_rows_own_switch() -> None:
    rows = [
        ("ENABLE", "CAMPAIGN_STATUS_ENABLE"),
        ("DISABLE", "ADGROUP_STATUS_DISABLE"),
        ("DISABLE", "AD_STATUS_DELETE"),
        ("ENABLE", "ADGROUP_STATUS_CAMPAIGN_DELETE"),
        ("DREAMING", "AD_STATUS_DREAM"),
    ]
    found = [_status({"operation_status": own, "secondary_status": second}) for own, second in rows]
    assert found == ["ENABLED", "PAUSED", "REMOVED", "ENABLED", "DREAMING"]
