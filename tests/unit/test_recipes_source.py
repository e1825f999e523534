"""A source is added by the files that CONTRIBUTING names, at most eight, and by no others.

The toy is an ad platform of one account with a token and a report in JSON. Its simulated server
answers over HTTP on loopback, and ``adcanary ingest`` lands its campaigns in DuckDB.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.overlay import Overlay, recipe

pytestmark = pytest.mark.slow

SECTION = '''

class AcmeAdsSettings(Section):
    """Acme ad accounts."""

    accounts: tuple[str, ...] = Field(min_length=1)
    lookback_days: int = Field(7, ge=1, le=90)
    url: str = "https://api.acme.example"
'''
ENTRY = """
  acme_ads:
    channel: Paid Social
    sources: [acme]
    daily_cap:
      - times: 2.0
        source: "Acme's help: twice the budget on a day"
"""
SIGN = '''"""Acme ads: its report in JSON.

No other platform's room may enter here.
"""
'''
SOURCE = '''"""Acme ads: campaigns by day from its report, which is exact and complete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial

from pipelines.secret_settings import Secrets
from pipelines.errors import SourceRejected
from pipelines.money import micros
from pipelines.source_settings import AcmeAdsSettings
from pipelines.sources.base import KEPT, Account, Batch, Window
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.shapes.ads_metrics import Metrics, count, number
from pipelines.sources.shapes.ads_tables import ads_table, labels, name_hash

NAME = "acme_ads"
TABLE = "raw.ads_campaign_performance"


class AcmeAdsSource:
    """Acme ad accounts, as :class:`pipelines.sources.base.Source`."""

    name = NAME
    tables = (TABLE,)
    span = None
    max_window_days = 92

    def __init__(self, settings: AcmeAdsSettings, token: str, *, backoff: float = 0.5) -> None:
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        headers = {"Authorization": f"Bearer {token}"}
        self._api = HttpApi(NAME, settings.url, headers, backoff=backoff)

    def account(self, account_id: str) -> Account:
        found = self._api.get(account_id, f"accounts/{account_id}")
        return Account(account_id, found["name"], found["currency"], found["time_zone"])

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        days = {"start": str(window.start), "end": str(window.end)}
        found = self._api.get(account_id, f"accounts/{account_id}/report", days)
        refused = partial(SourceRejected, kept=KEPT, fix="Follow Acme's change log.")
        read = Metrics(found["campaigns"], f"{NAME} account {account_id}: a row has", refused).read
        columns = {
            "date": read("day", str),
            "campaign_id": read("campaign", str),
            "impressions": read("impressions", count),
            "clicks": read("clicks", count),
            "cost_micros": read("spend", micros),
            "conversions": read("conversions", number),
            "conversion_value": read("value", number),
            "name_hash": read("name", name_hash),
            "status": read("status", str),
        }
        same = {**labels(NAME, account), "attribution_window": "7d_click"}
        spent = {date.fromisoformat(d): micros(s) for d, s in found["account"].items()}
        rows = ads_table(TABLE, columns, same)
        yield Batch(*(NAME, TABLE, account_id, NAME, window, rows, pulled_at), account_spend=spent)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        yield from ()


def open_source(settings: AcmeAdsSettings, secrets: Secrets) -> AcmeAdsSource:
    return AcmeAdsSource(settings, secrets.require("acme_access_token"))
'''
PLATFORM = '''"""Acme in a world: its report over HTTP; campaigns spend the same every day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from pipelines.sandbox.serving.clock import Clock
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.serving.loopback import Loopback, every_call
from pipelines.sandbox.serving.platform import Place, Platform

ACCOUNT_ID, TOKEN = "acme-1", "sandbox-acme-token"
SPEND = {"spring": "12.34", "summer": "0.5"}
FAULTS = {"server_error": "a call is answered 503", "closed": "403: the account is closed"}


class AcmeServer(Loopback):
    """The report at ``url``; no day from the clock's today on has data."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = Faults(FAULTS, frozenset({"closed"}), frozenset({"server_error"}))
        self.mutations: list[str] = []
        super().__init__(every_call(self._handle), "acme")

    def _handle(self, request: Request) -> JSONResponse:
        if request.method != "GET":
            self.mutations.append(f"{request.method} {request.url.path}")
            return JSONResponse("read-only", 403)
        if self.faults.strikes("closed", ACCOUNT_ID):
            return JSONResponse("closed", 403)
        if self.faults.strikes("server_error", ACCOUNT_ID):
            return JSONResponse("later", 503)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse("who are you?", 401)
        if request.url.path != f"/accounts/{ACCOUNT_ID}/report":
            return JSONResponse({"name": "Acme", "currency": "USD", "time_zone": "UTC"})
        return JSONResponse(self._report(request.query_params))

    def _report(self, asked: Mapping[str, str]) -> dict[str, Any]:
        first, last = (date.fromisoformat(asked[name]) for name in ("start", "end"))
        last = min(last, self.clock.today - timedelta(days=1))
        days = [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
        same = {"impressions": 100, "clicks": 9, "conversions": 1.5, "value": 80}
        rows = [
            {**same, "day": day, "campaign": name, "name": name, "status": "ENABLED", "spend": s}
            for day in days
            for name, s in SPEND.items()
        ]
        return {"campaigns": rows, "account": dict.fromkeys(days, "12.84")}


def open_platform(place: Place) -> Platform:
    server = AcmeServer(place.clock)
    return Platform(
        settings={"accounts": [ACCOUNT_ID], "url": server.url},
        faults=server.faults,
        secrets={"ADCANARY_ACME_ACCESS_TOKEN": TOKEN},
        server=server,
    )
'''
WIRE_TEST = '''"""The Acme source against its simulated server."""

from datetime import date

import pytest

from pipelines.errors import SourceRejected
from pipelines.sandbox.platforms.acme_ads.platform import ACCOUNT_ID, TOKEN, AcmeServer
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import AcmeAdsSettings
from pipelines.sources.acme_ads.source import AcmeAdsSource
from pipelines.sources.base import Window

WINDOW = Window(date(2026, 6, 28), date(2026, 7, 2))


def test_a_fault_that_passes_costs_no_row_and_a_closed_account_is_named():
    with AcmeServer(Clock(date(2026, 7, 1))) as server:
        settings = AcmeAdsSettings(accounts=(ACCOUNT_ID,), url=server.url)
        source = AcmeAdsSource(settings, TOKEN, backoff=0.001)
        server.faults.switch_on_passing()
        (batch,) = source.pull(ACCOUNT_ID, WINDOW)
        assert sum(batch.rows["cost_micros"].to_pylist()) == 3 * 12_840_000
        server.faults.switch_on("closed")
        with pytest.raises(SourceRejected, match="acme_ads account acme-1"):
            source.account(ACCOUNT_ID)
        assert server.mutations == []
'''
# serves the world until its standard input ends; prints what a client needs
SERVE = """
import json, sys
from datetime import date
from pathlib import Path
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World

with World(Path("world"), Market(), date(2026, 7, 1), sources=("acme_ads",)) as world:
    print(json.dumps({"ADCANARY_CONFIG": str(world.config), **world.secrets}), flush=True)
    sys.stdin.read()
    print(json.dumps(world.mutations), flush=True)
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    """The project's code with the toy in it."""
    copy = Overlay(tmp_path)
    settings = "pipelines/source_settings.py"
    copy.insert(settings, after='url: str = Field("https://business-api.tiktok.com"', text=SECTION)
    line = "    acme_ads: AcmeAdsSettings | None = None"
    copy.insert(settings, after="tiktok_ads: TiktokAdsSettings", text=line)
    line = "    acme_access_token: SecretStr | None = None"
    copy.insert(settings, after="tiktok_access_token:", text=line)
    copy.insert("pipelines/sources/registry.py", after='"tiktok_ads",', text='    "acme_ads",')
    if (tmp_path / "pipelines/platforms.yaml").exists():
        copy.insert("pipelines/platforms.yaml", after="platforms:", text=ENTRY)
    copy.write("pipelines/sources/acme_ads/__init__.py", SIGN)
    copy.write("pipelines/sources/acme_ads/source.py", SOURCE)
    copy.write("pipelines/sandbox/platforms/acme_ads/__init__.py", SIGN)
    copy.write("pipelines/sandbox/platforms/acme_ads/platform.py", PLATFORM)
    copy.write("tests/wire/test_acme_ads_source.py", WIRE_TEST)
    return copy


@pytest.fixture
def served(overlay: Overlay) -> Iterator[dict[str, str]]:
    """The world with the toy's platform: the environment that its clients need."""
    world = subprocess.Popen(
        [sys.executable, "-P", "-c", SERVE],
        cwd=overlay.folder,
        env=overlay.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert world.stdout is not None
    yield json.loads(world.stdout.readline())
    mutations, _ = world.communicate("")
    assert json.loads(mutations) == []
    assert world.returncode == 0


def test_a_source_is_eight_files_and_lands_its_campaigns(
    overlay: Overlay, served: dict[str, str]
) -> None:
    files = [path.replace("<platform>", "acme_ads") for path in recipe("Add a source")]
    if not (overlay.folder / "pipelines/platforms.yaml").exists():
        files.remove("pipelines/platforms.yaml")
    assert list(dict.fromkeys(overlay.touched)) == files
    assert len(files) <= 8

    assert "acme_ads/acme-1: 1 of 1 batches published" in overlay.run(
        "ingest", "acme_ads", **served
    )
    rows = overlay.rows(
        "SELECT platform, account_id, campaign_id, COUNT(*) AS days, SUM(cost_micros) AS micros "
        "FROM raw.ads_campaign_performance GROUP BY 1, 2, 3 ORDER BY 3",
        **served,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("acme_ads", "acme-1", "spring", 7, 7 * 12_340_000),
        ("acme_ads", "acme-1", "summer", 7, 7 * 500_000),
    ]
    ledger = "SELECT source, table_name, account_id, row_count FROM raw.load_ledger"
    assert [tuple(row.values()) for row in overlay.rows(ledger, **served)] == [
        ("acme_ads", "raw.ads_campaign_performance", "acme-1", 14)
    ]
    assert "acme_ads:server_error" in overlay.run("sandbox", "faults", "--format", "json")


def test_its_own_test_passes(overlay: Overlay) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/wire"],
        cwd=overlay.folder,
        env=overlay.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
