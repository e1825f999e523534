"""Meta ads: delivery at four levels from insights jobs, budgets and entities from edges.

An ad set is our ad group. Days are days in the account's time zone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pyarrow as pa

from pipelines.image_store import ImageStore
from pipelines.secret_settings import Secrets
from pipelines.source_settings import MetaAdsSettings
from pipelines.sources.base import Account, Batch, Grant, Quota, Unreadable, Window
from pipelines.sources.meta_ads import creatives
from pipelines.sources.meta_ads.api import Graph, Row
from pipelines.sources.meta_ads.audiences import FIELDS, audience_rows
from pipelines.sources.meta_ads.entities import (
    budget_rows,
    entity_rows,
    setting_rows,
    statuses,
)
from pipelines.sources.meta_ads.reports import EVERY_STATUS, LEVELS, PARENT, Report, ReportReader
from pipelines.sources.meta_ads.tables import NAME, account_rows, action_rows, level_rows
from pipelines.sources.shapes.ads_metrics import parted
from pipelines.sources.shapes.ads_tables import spend_by_day

# the fields that name a row of a report
_NAMED_BY = ("date_start", "campaign_id", "adset_id", "ad_id")
_FIELDS = {
    "campaign": ("name", "objective", "daily_budget"),
    "adset": ("name", "daily_budget", "start_time", "learning_stage_info", "targeting"),
    "ad": ("name", creatives.FIELD),
}


class MetaAdsSource:
    """Meta ad accounts (act_…), as :class:`pipelines.sources.base.Source`.

    Args:
        settings: accounts, another Graph API, and the seconds that insights jobs may take before
            smaller ones replace them.
        access_token: with the ads_read permission; no other is needed.
        backoff: seconds before the second try of a call; doubled for each further one.
        sleep: how to wait, in seconds.
    """

    name = NAME
    # campaigns first: where their spend isn't the account's, nothing of the pull is published
    tables = (
        "raw.ads_campaign_performance",
        "raw.ads_account_performance",
        "raw.ads_adgroup_performance",
        "raw.ads_ad_performance",
        "raw.ads_conversion_action_stats",
    )
    span = None
    max_window_days = 184

    def __init__(
        self,
        settings: MetaAdsSettings,
        access_token: str,
        *,
        backoff: float = 0.25,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        self._accounts: dict[str, Account] = {}
        self._graph = Graph(
            access_token,
            settings.graph_url,
            max_pages=settings.max_pages,
            backoff=backoff,
            sleep=sleep,
        )
        self._report_timeout, self._sleep = settings.report_timeout_seconds, sleep
        self._images = None if settings.images is None else ImageStore(settings.images)

    def account(self, account_id: str) -> Account:
        """Ask Meta about one account; asked once in the life of the source."""
        if account_id not in self._accounts:
            node = self._graph.node(account_id, ("name", "currency", "timezone_name"))
            self._accounts[account_id] = Account(
                account_id, node["name"], node["currency"], node["timezone_name"]
            )
        return self._accounts[account_id]

    def grant(self, account_id: str) -> Grant:
        """The token's permissions, and when it ends."""
        about = self._graph.token(account_id)
        ends = about.get("expires_at") or 0
        return Grant(
            scopes=frozenset(about["scopes"]),
            expires_at=datetime.fromtimestamp(ends, UTC) if ends else None,
        )

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The quota of which the most is used."""
        usage = self._graph.usage
        if usage is None:
            return ()
        text = f"{usage.percent:.0f}% of the quota that is used most"
        return (Quota("calls", usage.percent / 100, text),)

    @property
    def clock_offset(self) -> timedelta | None:
        """As :class:`pipelines.sources.base.HearsClock`."""
        return self._graph.clock_offset

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Delivery by day at each level, and what each action type counted.

        Nothing is yielded before all of it was read. Something with delivery that Meta no
        longer lists has the status REMOVED.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = {level: self._edge(account_id, level) for level in LEVELS}
        reader = ReportReader(
            self._graph,
            account_id,
            entities,
            timeout=self._report_timeout,
            sleep=self._sleep,
        )
        rows = reader.read([Report(level, window) for level in ("account", *LEVELS)])
        makers: dict[str, tuple[str, Callable[[list[Row]], pa.Table]]] = {
            level: (level, partial(level_rows, account, level, statuses=statuses(entities[level])))
            for level in LEVELS
        }
        makers["account"] = ("account", partial(account_rows, account))
        makers["actions"] = ("campaign", partial(action_rows, account))
        tables: dict[str, tuple[pa.Table, tuple[Unreadable, ...]]] = {}
        for name, (level, make) in makers.items():
            whole, unreadable = parted(rows[level], make, _NAMED_BY, "date_start")
            tables[name] = (make(whole), unreadable)
        spend = tables["account"][0]
        order = ("campaign", "account", "adset", "ad", "actions")
        for table, (data, unreadable) in zip(
            self.tables, (tables[name] for name in order), strict=True
        ):
            account_spend = spend_by_day(spend) if table == "raw.ads_campaign_performance" else None
            yield Batch(
                self.name,
                table,
                account_id,
                self.name,
                window,
                data,
                pulled_at,
                account_spend=account_spend,
                unreadable=unreadable,
            )

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Budgets and ad sets' settings in force on ``day``; every campaign, ad set and ad; what
        ads say and show, whose images are kept in the store; every audience."""
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        entities = {level: self._edge(account_id, level, *_FIELDS[level]) for level in LEVELS}
        keeper = creatives.ImageKeeper(
            self._images, self._graph.url, partial(self._graph.image_urls, account_id)
        )
        audiences = self._graph.audiences(account_id, FIELDS)
        assets = creatives.asset_rows(account, entities["ad"], keeper)
        for table, rows in (
            ("raw.ads_campaign_budgets", budget_rows(account, entities, day)),
            ("raw.ads_adgroup_settings", setting_rows(account, entities["adset"], day)),
            ("raw.ads_entities", entity_rows(account, entities)),
            ("raw.creative_assets", assets),
            ("raw.ads_audiences", audience_rows(account, audiences)),
        ):
            window = Window(day, day)
            yield Batch(self.name, table, account_id, self.name, window, rows, pulled_at)

    def _edge(self, account_id: str, level: str, *fields: str) -> list[Row]:
        """Every entity of a level in any status: its id, status, parent and further fields."""
        parent = (PARENT[level],) if level in PARENT else ()
        asked = ("id", "status", *parent, *fields)
        return self._graph.edge(account_id, f"{level}s", asked, EVERY_STATUS[level])


def open_source(settings: MetaAdsSettings, secrets: Secrets) -> MetaAdsSource:
    """Meta as configured; ConfigError where its token is missing."""
    return MetaAdsSource(settings, secrets.require("meta_access_token"))
