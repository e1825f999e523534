"""Every fault that the sandbox knows, at once: the healthy accounts end with the platforms' books
to the micro, and each broken one is named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serve import switch_on, switch_on_passing
from pipelines.sandbox.world import World
from pipelines.warehouse.duckdb import DuckDBWarehouse

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 7, 1)
# a fault that no client survives, for one account of each source that has two, or its only one
BROKEN = {
    "google_ads/2345678901": "account_closed",
    "meta_ads/act_400500600": "permission_denied",
    "linkedin_ads/507000002": "daily_quota",
    "ga4_export/3141592": "truncated_file",
    "ga4_report/3141592": "daily_quota",
    "hubspot/8800123": "field_missing",
    "skan/canary-app": "half_line",
    "fx_rates/ecb": "missing_currency",
}
HEALTHY = {
    "google_ads": "1234567890",
    "meta_ads": "act_100200300",
    "linkedin_ads": "507000001",
    "tiktok_ads": "7001002003",
}


# One worker runs them: what they share takes a minute.
pytestmark = pytest.mark.xdist_group("every_fault")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with World(folder, Market(scale=0.05), TODAY, sources=None) as running:
        # lists small enough to have a second page
        running.platforms["linkedin_ads"].server.page_rows = 3
        running.platforms["tiktok_ads"].server.page_rows = 40
        switch_on_passing(running)
        for account, fault in BROKEN.items():
            source, account_id = account.split("/")
            switch_on(running, f"{source}:{fault}@{account_id}")
        running.write()
        yield running


@pytest.fixture(scope="module")
def run(world: World) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.impatient", "ingest", "--all"],
        env=world.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def warehouse(world: World, run: subprocess.CompletedProcess[str]) -> DuckDBWarehouse:
    assert run.returncode == 3, run.stdout + run.stderr
    return DuckDBWarehouse(world.folder / "adcanary.duckdb")


def test_each_broken_account_is_named_and_no_other(
    world: World, run: subprocess.CompletedProcess[str]
) -> None:
    failed = re.findall(r"^(\w+/[\w-]+) failed\.$", run.stderr, re.MULTILINE)
    assert sorted(failed) == sorted(BROKEN)
    published = re.findall(r"^(\w+/[\w-]+): \d+ of \d+ batches", run.stdout, re.MULTILINE)
    sections = [platform.settings for platform in world.platforms.values()]
    accounts = sum(len(section.get("accounts", ("the only one",))) for section in sections)
    assert len(published) == accounts - len(BROKEN)
    assert not set(published) & set(BROKEN)


@pytest.mark.parametrize("platform", HEALTHY)
def test_a_healthy_account_ends_with_the_platforms_books_to_the_micro(
    world: World, warehouse: DuckDBWarehouse, platform: str
) -> None:
    account_id = HEALTHY[platform]
    spent = world.platforms[platform].server.spend_by_day(account_id)
    found = warehouse.query(
        "SELECT date, SUM(cost_micros) AS micros FROM raw.ads_campaign_performance "
        "WHERE platform = @platform AND account_id = @account_id GROUP BY date",
        {"platform": platform, "account_id": account_id},
    ).to_pylist()
    landed = {row["date"]: row["micros"] for row in found}
    first, last = min(landed), TODAY - timedelta(days=1)
    assert (last - first).days >= 27
    assert landed == {d: micros for d, micros in spent.items() if first <= d <= last and micros}


def test_the_shops_orders_and_refunds_end_as_its_books_say(
    world: World, warehouse: DuckDBWarehouse
) -> None:
    start, end = date(2026, 6, 1), date(2026, 6, 30)
    told = world.platforms["shopify"].server.books(start, end)
    days = {"start": start, "end": end}
    orders = warehouse.query(
        "SELECT order_id, order_date, revenue_micros, refunded_micros FROM raw.orders "
        "WHERE order_date BETWEEN @start AND @end",
        days,
    ).to_pylist()
    refunds = warehouse.query(
        "SELECT refund_id, order_id, refund_date, amount_micros FROM raw.order_refunds "
        "WHERE refund_date BETWEEN @start AND @end",
        days,
    ).to_pylist()
    assert len(orders) > 1000
    assert {o["order_id"]: tuple(o.values())[1:] for o in orders} == {
        order_id: kept[:3] for order_id, kept in told.orders.items()
    }
    assert {r["refund_id"]: tuple(r.values())[1:] for r in refunds} == told.refunds


def test_no_platform_was_asked_to_change_anything(
    world: World, run: subprocess.CompletedProcess[str]
) -> None:
    assert run.returncode == 3
    assert world.mutations == []


def test_a_platform_that_asked_for_hours_is_left_alone_until_then(
    world: World, run: subprocess.CompletedProcess[str]
) -> None:
    assert run.returncode == 3
    calls = len(world.platforms["linkedin_ads"].server.calls)
    again = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "ingest", "linkedin_ads", "--account", "507000002"],
        env=world.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 3
    assert re.search(r"linkedin_ads account 507000002: still parked until \d{4}-", again.stderr)
    assert len(world.platforms["linkedin_ads"].server.calls) == calls
