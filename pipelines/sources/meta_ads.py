"""Meta ads: campaign and ad delivery from insights jobs, budgets and entities from edges.

Conversions are purchases within seven days of a click; days are days in the account's time zone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.campaign import Campaign

from pipelines.config import MetaAdsSettings
from pipelines.sources.ads_tables import ENABLED, PAUSED, REMOVED, ads_table, name_hash
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.meta_graph import Graph, Row

_ATTRIBUTION_WINDOW = "7d_click"
# omni_purchase counts web, app and shop purchases; purchase is what older pixels send alone
_PURCHASES = ("omni_purchase", "purchase")
_STATUS = {"ACTIVE": ENABLED, "PAUSED": PAUSED, "DELETED": REMOVED, "ARCHIVED": REMOVED}
_METRICS = ("impressions", "clicks", "spend", "actions", "action_values")
_FIELDS = {
    "campaign": ("campaign_id", "campaign_name", *_METRICS),
    "ad": ("campaign_id", "adset_id", "ad_id", "ad_name", *_METRICS),
}
# currencies whose budgets Meta counts in whole units; the others in hundredths
# (https://developers.facebook.com/docs/marketing-api/currencies)
_WITHOUT_HUNDREDTHS = frozenset(
    ("CLP", "COP", "CRC", "HUF", "ISK", "IDR", "JPY", "KRW", "PYG", "TWD", "VND")
)
_MICROS = 1_000_000


def _values(enum: type) -> tuple[str, ...]:
    return tuple(sorted(v for k, v in vars(enum).items() if not k.startswith("_")))


_EVERY_STATUS = {
    "campaigns": _values(Campaign.EffectiveStatus),
    "adsets": _values(AdSet.EffectiveStatus),
    "ads": _values(Ad.EffectiveStatus),
}


class MetaAdsSource:
    """Meta ad accounts (act_…), as :class:`pipelines.sources.base.Source`.

    Args:
        settings: accounts, another Graph API.
        access_token: with the ads_read permission; no other is needed.
        backoff: seconds before the second try of a call; doubled for each further one.
        report_timeout: seconds the insights jobs of one window may take.
    """

    name = "meta_ads"
    tables = ("raw.ads_campaign_performance", "raw.ads_ad_performance")
    span = None
    max_window_days = 92

    def __init__(
        self,
        settings: MetaAdsSettings,
        access_token: str,
        *,
        backoff: float = 0.25,
        report_timeout: float = 1800.0,
    ) -> None:
        self.account_ids = settings.accounts
        self.lookback_days = settings.lookback_days
        self._accounts: dict[str, Account] = {}
        self._graph = Graph(
            access_token, settings.graph_url, backoff=backoff, report_timeout=report_timeout
        )

    def account(self, account_id: str) -> Account:
        """Ask Meta about one account; asked once in the life of the source."""
        if account_id not in self._accounts:
            node = self._graph.node(account_id, ("name", "currency", "timezone_name"))
            self._accounts[account_id] = Account(
                account_id, node["name"], node["currency"], node["timezone_name"]
            )
        return self._accounts[account_id]

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Campaign and ad delivery by day; nothing is yielded before all of it was read.

        Both insights jobs run at the same time. Something with delivery that Meta no longer
        lists has the status REMOVED.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        jobs = {
            level: self._graph.start_report(account_id, _report(level, window))
            for level in ("campaign", "ad")
        }
        statuses = {
            level: self._statuses(account_id, edge)
            for level, edge in (("campaign", "campaigns"), ("ad", "ads"))
        }
        reports = self._graph.reports(account_id, jobs.values())
        tables = []
        for level, job in jobs.items():
            rows = reports[job]
            known = statuses[level]
            columns = {
                **_delivery(rows),
                "name_hash": [name_hash(r[f"{level}_name"]) for r in rows],
                "status": [known.get(r[f"{level}_id"], REMOVED) for r in rows],
            }
            if level == "ad":
                columns["adgroup_id"] = [r["adset_id"] for r in rows]
                columns["ad_id"] = [r["ad_id"] for r in rows]
            same = {**_labels(account), "attribution_window": _ATTRIBUTION_WINDOW}
            tables.append((f"raw.ads_{level}_performance", ads_table(columns, same)))
        for table, data in tables:
            yield Batch(self.name, table, account_id, self.name, window, data, pulled_at)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Daily budgets in force on ``day`` and every campaign, ad set and ad.

        A campaign that leaves its budget to its ad sets has the sum of the active ones.
        """
        pulled_at = datetime.now(UTC)
        account = self.account(account_id)
        campaigns = self._edge(
            account_id, "campaigns", "id", "name", "status", "objective", "daily_budget"
        )
        sets = self._edge(
            account_id, "adsets", "id", "name", "status", "campaign_id", "daily_budget"
        )
        ads = self._edge(account_id, "ads", "id", "name", "status", "adset_id")
        budgets = _budgets(campaigns, sets, account.currency_code)
        budget_table = ads_table(
            {
                "campaign_id": list(budgets),
                "daily_budget_micros": list(budgets.values()),
            },
            {**_labels(account), "effective_from": day},
        )
        listed = [*campaigns, *sets, *ads]
        entity_table = ads_table(
            {
                "entity_type": ["campaign"] * len(campaigns)
                + ["adgroup"] * len(sets)
                + ["ad"] * len(ads),
                "entity_id": [r["id"] for r in listed],
                "parent_id": [r.get("adset_id") or r.get("campaign_id") for r in listed],
                "name": [r.get("name") for r in listed],
                "status": [_status(r) for r in listed],
                "advertising_type": [r.get("objective") for r in listed],
                "labels": [[]] * len(listed),
            },
            {"platform": self.name, "account_id": account_id},
        )
        window = Window(day, day)
        for table, rows in (
            ("raw.ads_campaign_budgets", budget_table),
            ("raw.ads_entities", entity_table),
        ):
            yield Batch(self.name, table, account_id, self.name, window, rows, pulled_at)

    def _statuses(self, account_id: str, edge: str) -> dict[str, str]:
        return {r["id"]: _status(r) for r in self._edge(account_id, edge, "id", "status")}

    def _edge(self, account_id: str, edge: str, *fields: str) -> list[Row]:
        return self._graph.edge(account_id, edge, fields, _EVERY_STATUS[edge])


def _report(level: str, window: Window) -> Row:
    """What to ask of an insights job; without the filter Meta leaves out what was deleted."""
    every_status = {
        "field": f"{level}.effective_status",
        "operator": "IN",
        "value": _EVERY_STATUS[f"{level}s"],
    }
    return {
        "level": level,
        "time_range": {"since": window.start.isoformat(), "until": window.end.isoformat()},
        "time_increment": 1,
        "fields": ",".join(_FIELDS[level]),
        "action_attribution_windows": [_ATTRIBUTION_WINDOW],
        "filtering": json.dumps([every_status]),
    }


def _delivery(rows: list[Row]) -> dict[str, list[Any]]:
    return {
        "date": [r["date_start"] for r in rows],
        "campaign_id": [r["campaign_id"] for r in rows],
        "impressions": [int(r.get("impressions", 0)) for r in rows],
        "clicks": [int(r.get("clicks", 0)) for r in rows],
        "cost_micros": [_micros(r.get("spend", "0")) for r in rows],
        "conversions": [_purchases(r.get("actions", ())) for r in rows],
        "conversion_value": [_purchases(r.get("action_values", ())) for r in rows],
    }


def _micros(amount: str) -> int:
    """A decimal amount in micros, without passing through floating point."""
    return int((Decimal(amount) * _MICROS).to_integral_value(ROUND_HALF_EVEN))


def _purchases(actions: list[Row]) -> float:
    by_type = {action["action_type"]: action for action in actions}
    for kind in _PURCHASES:
        if kind in by_type:
            return float(by_type[kind].get(_ATTRIBUTION_WINDOW, 0))
    return 0.0


def _budgets(campaigns: list[Row], sets: list[Row], currency: str) -> dict[str, int]:
    """Daily budget in micros by campaign, of those that have one and aren't removed."""
    unit = _MICROS if currency in _WITHOUT_HUNDREDTHS else _MICROS // 100
    of_sets: dict[str, int] = {}
    for adset in sets:
        if _status(adset) == ENABLED:
            campaign = adset["campaign_id"]
            of_sets[campaign] = of_sets.get(campaign, 0) + int(adset.get("daily_budget") or 0)
    budgets = {
        c["id"]: int(c.get("daily_budget") or of_sets.get(c["id"], 0)) * unit
        for c in campaigns
        if _status(c) != REMOVED
    }
    return {campaign: budget for campaign, budget in budgets.items() if budget}


def _status(row: Row) -> str:
    """What we call the row's own switch; a word we don't know is left for the audit to find."""
    status: str = row["status"]
    return _STATUS.get(status, status)


def _labels(account: Account) -> dict[str, str]:
    return {
        "platform": MetaAdsSource.name,
        "account_id": account.account_id,
        "currency_code": account.currency_code,
        "time_zone": account.time_zone,
    }
