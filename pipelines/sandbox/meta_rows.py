"""What the simulated Meta knows of an ad account, in the shapes of the Graph API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.sandbox.market import AdAccount, Campaign, Market

Row = dict[str, Any]

_STATUS = {"ENABLED": "ACTIVE", "PAUSED": "PAUSED", "REMOVED": "DELETED"}
_GONE = {"DELETED", "ARCHIVED"}
# purchases after a view that Meta claims besides those after a click
_VIEW_SHARE = 5
_MICROS_PER_CENT = 10_000

ACCOUNT_FIELDS = {"id", "account_id", "name", "currency", "timezone_name", "account_status"}
EDGE_FIELDS = {
    "campaigns": {"id", "name", "status", "effective_status", "objective", "daily_budget"},
    "adsets": {"id", "name", "status", "effective_status", "campaign_id", "daily_budget"},
    "ads": {"id", "name", "status", "effective_status", "campaign_id", "adset_id"},
}
_METRICS = {"impressions", "clicks", "spend", "actions", "action_values"}
_OF_CAMPAIGN = {"account_id", "campaign_id", "campaign_name", "date_start", "date_stop"}
INSIGHT_FIELDS = {
    "campaign": _OF_CAMPAIGN | _METRICS,
    "ad": _OF_CAMPAIGN | _METRICS | {"adset_id", "adset_name", "ad_id", "ad_name"},
}


class MetaBooks:
    """The market's Meta side: ad accounts, their edges and their insights."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._accounts = {a.account_id: a for a in market.accounts if a.platform == "meta_ads"}

    def knows(self, account_id: str) -> bool:
        return account_id in self._accounts

    def account(self, account_id: str) -> Row:
        """The ad account's node, all of ``ACCOUNT_FIELDS``."""
        account: AdAccount = self._accounts[account_id]
        return {
            "id": account_id,
            "account_id": account_id.removeprefix("act_"),
            "name": account.name,
            "currency": account.currency_code,
            "timezone_name": account.time_zone,
            "account_status": 1,
        }

    def edge(
        self, account_id: str, edge: str, statuses: Collection[str] | None, today: date
    ) -> list[Row]:
        """Rows of campaigns, adsets or ads; without ``statuses`` all but what is gone."""
        read: dict[str, Callable[[Campaign, date], Iterable[Row]]] = {
            "campaigns": self._campaign_rows,
            "adsets": self._adset_rows,
            "ads": self._ad_rows,
        }
        rows = (row for c in self._campaigns(account_id) for row in read[edge](c, today))
        return [r for r in rows if _shown(r["effective_status"], statuses)]

    def insights(
        self,
        account_id: str,
        level: str,
        days: tuple[date, date],
        today: date,
        *,
        windows: Collection[str],
        statuses: Collection[str] | None,
    ) -> list[Row]:
        """Delivery by day of campaigns or ads that the status filter lets through."""
        ask = self._market.ad_days if level == "ad" else self._market.campaign_days
        table = ask(account_id, *days, today)
        names = self._names(account_id, level, today)
        columns = [table[c].to_pylist() for c in ("date", f"{level}_id")]
        metrics = [
            table[c].to_pylist()
            for c in ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")
        ]
        rows = []
        for day, entity_id, *numbers in zip(*columns, *metrics, strict=True):
            status, about = names[entity_id]
            if _shown(status, statuses):
                dates = {"date_start": day.isoformat(), "date_stop": day.isoformat()}
                rows.append({**about, **_metrics(numbers, windows), **dates})
        return rows

    def _campaigns(self, account_id: str) -> list[Campaign]:
        return [c for c in self._market.campaigns if c.account_id == account_id]

    def _names(self, account_id: str, level: str, today: date) -> dict[str, tuple[str, Row]]:
        """Effective status and naming fields of each campaign or ad."""
        found: dict[str, tuple[str, Row]] = {}
        for c in self._campaigns(account_id):
            about = {
                "account_id": account_id.removeprefix("act_"),
                "campaign_id": c.campaign_id,
                "campaign_name": c.name,
            }
            if level == "campaign":
                found[c.campaign_id] = (_STATUS[c.status], about)
                continue
            effective = {r["id"]: r["effective_status"] for r in self._ad_rows(c, today)}
            for g in c.adgroups:
                group = {**about, "adset_id": g.adgroup_id, "adset_name": g.name}
                for a in g.ads:
                    ad = {**group, "ad_id": a.ad_id, "ad_name": a.name}
                    found[a.ad_id] = (effective[a.ad_id], ad)
        return found

    def _campaign_rows(self, campaign: Campaign, today: date) -> Iterable[Row]:
        row = {
            "id": campaign.campaign_id,
            "name": campaign.name,
            "status": _STATUS[campaign.status],
            "effective_status": _STATUS[campaign.status],
            "objective": campaign.advertising_type,
        }
        if not _budgets_its_sets(campaign):
            row["daily_budget"] = str(self._cents(campaign, today))
        yield row

    def _adset_rows(self, campaign: Campaign, today: date) -> Iterable[Row]:
        enabled = [g.adgroup_id for g in campaign.adgroups if g.status == "ENABLED"]
        for g in campaign.adgroups:
            row = {
                "id": g.adgroup_id,
                "name": g.name,
                "status": _STATUS[g.status],
                "effective_status": _effective(g.status, ("CAMPAIGN", campaign.status)),
                "campaign_id": campaign.campaign_id,
            }
            if _budgets_its_sets(campaign) and g.adgroup_id in enabled:
                share, rest = divmod(self._cents(campaign, today), len(enabled))
                row["daily_budget"] = str(share + (rest if g.adgroup_id == enabled[0] else 0))
            yield row

    def _ad_rows(self, campaign: Campaign, today: date) -> Iterable[Row]:
        for g in campaign.adgroups:
            for a in g.ads:
                yield {
                    "id": a.ad_id,
                    "name": a.name,
                    "status": _STATUS[a.status],
                    "effective_status": _effective(
                        a.status, ("ADSET", g.status), ("CAMPAIGN", campaign.status)
                    ),
                    "campaign_id": campaign.campaign_id,
                    "adset_id": g.adgroup_id,
                }

    def _cents(self, campaign: Campaign, today: date) -> int:
        micros = self._market.daily_budget_micros(campaign.campaign_id, today)
        return micros // _MICROS_PER_CENT


def _budgets_its_sets(campaign: Campaign) -> bool:
    """Campaigns of two ad sets keep their budgets there, the others on the campaign."""
    return len(campaign.adgroups) == 2


def _effective(status: str, *parents: tuple[str, str]) -> str:
    """The effective status under parents (level, status), nearest first."""
    if status == "ENABLED":
        for level, above in parents:
            if above != "ENABLED":
                return f"{level}_PAUSED" if above == "PAUSED" else "DELETED"
    return _STATUS[status]


def _shown(effective_status: str, statuses: Collection[str] | None) -> bool:
    if statuses is None:
        return effective_status not in _GONE
    return effective_status in statuses


def _metrics(numbers: list[Any], windows: Collection[str]) -> Row:
    """Metrics as Graph writes them: numbers are strings, spend is exact to the micro."""
    impressions, clicks, cost_micros, conversions, value = numbers
    row: Row = {
        "impressions": str(impressions),
        "clicks": str(clicks),
        "spend": _amount(Decimal(cost_micros) / 1_000_000),
        "actions": [_action("link_click", clicks, 0, windows)],
    }
    kinds = ("omni_purchase", "purchase")
    if conversions:
        views = int(conversions) // _VIEW_SHARE
        clicked = Decimal(repr(conversions))
        row["actions"] += [_action(kind, clicked, views, windows) for kind in kinds]
    if value:
        clicked = Decimal(repr(value))
        viewed = (clicked / _VIEW_SHARE).quantize(Decimal("0.01"))
        row["action_values"] = [_action(kind, clicked, viewed, windows) for kind in kinds]
    return row


def _action(kind: str, click: Any, view: Any, windows: Collection[str]) -> Row:
    """One entry of actions: ``value`` is the account's default, 7 days click and 1 day view."""
    by_window = {"7d_click": _plain(click), "1d_view": _plain(view)}
    asked = {w: v for w, v in by_window.items() if w in windows and v != "0"}
    return {"action_type": kind, "value": _plain(Decimal(click) + Decimal(view)), **asked}


def _plain(number: Any) -> str:
    text = format(Decimal(number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _amount(amount: Decimal) -> str:
    """At least two decimals, and as many more as it takes to be exact."""
    text = format(amount, "f")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"
