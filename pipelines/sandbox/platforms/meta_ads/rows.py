"""What the simulated Meta knows of an ad account, in the shapes of the Graph API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.market.adsets import AUDIENCES, ad_setting
from pipelines.sandbox.market.designs import design_of, image_of
from pipelines.sandbox.market.market import Ad, AdAccount, AdGroup, Campaign, Market
from pipelines.sandbox.platforms.meta_ads.metrics import Row, amount, metrics
from pipelines.sandbox.serving.faults import Faults

_STATUS = {
    "ENABLED": "ACTIVE",
    "PAUSED": "PAUSED",
    "REMOVED": "DELETED",
    "ARCHIVED": "ARCHIVED",
}
_GONE = {"DELETED", "ARCHIVED"}
_MICROS_PER_CENT = 10_000

ACCOUNT_FIELDS = {"id", "account_id", "name", "currency", "timezone_name", "account_status"}
EDGE_FIELDS = {
    "campaigns": {"id", "name", "status", "effective_status", "objective", "daily_budget"},
    "adsets": {
        "id",
        "name",
        "status",
        "effective_status",
        "campaign_id",
        "daily_budget",
        "start_time",
        "learning_stage_info",
        "targeting",
    },
    "ads": {"id", "name", "status", "effective_status", "campaign_id", "adset_id", "creative"},
    "adimages": {"hash", "url"},
    "customaudiences": {
        "id",
        "name",
        "subtype",
        "retention_days",
        "delivery_status",
        "approximate_count_lower_bound",
        "approximate_count_upper_bound",
    },
}
_OF_ACCOUNT = {
    "account_id",
    "date_start",
    "date_stop",
    "impressions",
    "clicks",
    "spend",
    "actions",
    "action_values",
    "video_play_actions",
    "video_p100_watched_actions",
}
_OF_CAMPAIGN = _OF_ACCOUNT | {"campaign_id", "campaign_name"}
_OF_ADSET = _OF_CAMPAIGN | {"adset_id", "adset_name"}
INSIGHT_FIELDS = {
    "account": _OF_ACCOUNT,
    "campaign": _OF_CAMPAIGN,
    "adset": _OF_ADSET,
    "ad": _OF_ADSET | {"ad_id", "ad_name"},
}
_METRICS = ("impressions", "clicks", "cost_micros", "conversions", "conversion_value")
# the market's columns that hold the ids of a level
_IDS = {"campaign": "campaign_id", "adset": "adgroup_id", "ad": "ad_id"}


class MetaBooks:
    """The market's Meta side: ad accounts, their edges and their insights."""

    def __init__(self, market: Market, faults: Faults) -> None:
        self._market, self._faults = market, faults
        self._accounts = {a.account_id: a for a in market.accounts if a.platform == "meta_ads"}

    def spend_by_day(self, account_id: str, today: date) -> dict[date, int]:
        """Micros that the account spent on each of its days up to ``today - 1``."""
        first, last = self._market.start, self._market.end
        return _spend(self._days(account_id, "campaign", (first, last), today))

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

    def image(self, name: str) -> bytes | None:
        """The bytes of the image of that hash; None for no ad's."""
        ad = self._images.get(name)
        return None if ad is None else image_of(design_of(ad.ad_id))

    def images(self, account_id: str, hashes: Collection[str] | None, url: str) -> list[Row]:
        """The images of an account's ads, those of ``hashes`` or all, with their addresses."""
        own = [
            image_hash(a.ad_id) for c in self._market.account_campaigns(account_id) for a in c.ads
        ]
        return [
            {"id": f"{account_id}:{name}", "hash": name, "url": f"{url}/images/{name}.jpg"}
            for name in own
            if hashes is None or name in hashes
        ]

    @cached_property
    def _images(self) -> dict[str, Ad]:
        campaigns = [c for c in self._market.campaigns if c.platform == "meta_ads"]
        return {image_hash(a.ad_id): a for c in campaigns for a in c.ads}

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
        filtering: Sequence[Row],
    ) -> list[Row]:
        """Delivery by day of a level's entities that every filter lets through.

        The account's own rows hold all that was delivered, whatever became of it.
        """
        if level == "account":
            return self._account_insights(account_id, days, today)
        table = self._days(account_id, level, days, today)
        statuses = None
        for condition in filtering:
            entity, _, field = condition["field"].partition(".")
            if field == "effective_status":
                statuses = condition["value"]
                continue
            within = pc.is_in(table[_IDS[entity]], pa.array(condition["value"], pa.string()))
            table = table.filter(within if condition["operator"] == "IN" else pc.invert(within))
        names = self._names(account_id, level, today)
        retyped = level == "campaign" and self._faults.strikes("retyped_field", account_id)
        rows = []
        columns = [table[c].to_pylist() for c in ("date", _IDS[level], *_METRICS)]
        for day, entity_id, *numbers in zip(*columns, strict=True):
            status, about = names[entity_id]
            if _shown(status, statuses):
                row = {**about, **metrics(numbers, windows), **_dates(day)}
                rows.append({**row, "spend": "-"} if retyped else row)
        return rows

    def _account_insights(self, account_id: str, days: tuple[date, date], today: date) -> list[Row]:
        table = self._days(account_id, "campaign", days, today)
        totals = table.group_by("date", use_threads=False).aggregate(
            [("impressions", "sum"), ("clicks", "sum")]
        )
        spend = _spend(table)
        if spend and self._faults.strikes("spend_mismatch", account_id):
            spend[max(spend)] += _MICROS_PER_CENT
        return [
            {
                "account_id": account_id.removeprefix("act_"),
                "impressions": str(total["impressions_sum"]),
                "clicks": str(total["clicks_sum"]),
                "spend": amount(spend[total["date"]]),
                **_dates(total["date"]),
            }
            for total in totals.to_pylist()
        ]

    def _days(self, account_id: str, level: str, days: tuple[date, date], today: date) -> pa.Table:
        """The market's delivery by day of a level's entities, less what was withdrawn."""
        if level == "campaign":
            table = self._market.campaign_days(account_id, *days, today)
        else:
            table = self._market.ad_days(account_id, *days, today)
        if level == "adset":
            key = ["date", "campaign_id", "adgroup_id"]
            grouped = table.group_by(key, use_threads=False)
            table = grouped.aggregate([(metric, "sum") for metric in _METRICS])
            table = table.rename_columns([*key, *_METRICS])
        if self._faults.strikes("withdrawn_rows", account_id):
            first = self._market.account_campaigns(account_id)[0].campaign_id
            since = pa.scalar(today - timedelta(days=3), pa.date32())
            kept = pc.or_(pc.not_equal(table["campaign_id"], first), pc.less(table["date"], since))
            table = table.filter(kept)
        return table

    def _campaigns(self, account_id: str) -> list[Campaign]:
        campaigns = [c for c in self._market.campaigns if c.account_id == account_id]
        if campaigns and self._faults.strikes("deleted_and_archived", account_id):
            first, *_, last = campaigns
            archived = replace(first.adgroups[-1], status="ARCHIVED")
            campaigns[0] = replace(first, adgroups=(*first.adgroups[:-1], archived))
            campaigns[-1] = replace(last, status="REMOVED")
        return campaigns

    def _names(self, account_id: str, level: str, today: date) -> dict[str, tuple[str, Row]]:
        """Effective status and naming fields of each campaign, ad set or ad."""
        names: dict[str, tuple[str, Row]] = {}
        for c in self._campaigns(account_id):
            about = {
                "account_id": account_id.removeprefix("act_"),
                "campaign_id": c.campaign_id,
                "campaign_name": c.name,
            }
            if level == "campaign":
                names[c.campaign_id] = (_STATUS[c.status], about)
                continue
            read = self._adset_rows if level == "adset" else self._ad_rows
            effective = {r["id"]: r["effective_status"] for r in read(c, today)}
            for g in c.adgroups:
                group = {**about, "adset_id": g.adgroup_id, "adset_name": g.name}
                if level == "adset":
                    names[g.adgroup_id] = (effective[g.adgroup_id], group)
                    continue
                for a in g.ads:
                    ad = {**group, "ad_id": a.ad_id, "ad_name": a.name}
                    names[a.ad_id] = (effective[a.ad_id], ad)
        return names

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
            yield row | self._settings(g, today)

    def _settings(self, group: AdGroup, today: date) -> Row:
        """The fields of an ad set's node that no report has."""
        setting = ad_setting(group.adgroup_id, group.name, self._market.end)
        start = datetime.combine(self._market.start, time(12), UTC)
        edited_on = setting.edited_on
        if edited_on is None or edited_on > today:
            edited_on = self._market.start
        edited = datetime.combine(edited_on, time(12), UTC)
        phase = "LEARNING" if setting.is_learning(today) else "SUCCESS"
        return {
            "start_time": start.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "learning_stage_info": {"status": phase, "last_sig_edit_ts": int(edited.timestamp())},
            "targeting": {
                "age_min": setting.age_min,
                "age_max": setting.age_max,
                "geo_locations": {"countries": list(setting.countries)},
                "custom_audiences": [{"id": i} for i in setting.audiences],
                "excluded_custom_audiences": [{"id": i} for i in setting.excluded],
                "targeting_automation": {"advantage_audience": int(setting.is_expanded)},
            },
        }

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
                    "creative": _creative(a),
                }

    def _cents(self, campaign: Campaign, today: date) -> int:
        micros = self._market.daily_budget_micros(campaign.campaign_id, today)
        return micros // _MICROS_PER_CENT


def audiences() -> list[Row]:
    """An account's custom audiences. Meta tells a range of how large one is."""
    return [
        {
            "id": audience.audience_id,
            "name": audience.name,
            "subtype": audience.kind,
            "retention_days": audience.retention_days or 0,
            "delivery_status": {"code": 200, "description": "This audience is ready for use."},
            "approximate_count_lower_bound": audience.people * 9 // 10,
            "approximate_count_upper_bound": audience.people * 11 // 10,
        }
        for audience in AUDIENCES
    ]


def image_hash(ad_id: str) -> str:
    """Meta's name of the image that an ad shows."""
    return hashlib.md5(ad_id.encode(), usedforsecurity=False).hexdigest()


def _creative(ad: Ad) -> Row:
    """A creative made as a post with a link; its texts stand in the post."""
    design = design_of(ad.ad_id)
    link = {
        "name": design.headline,
        "message": design.body,
        "description": design.description,
        "call_to_action": {"type": design.call_to_action},
        "image_hash": image_hash(ad.ad_id),
    }
    return {
        "id": f"9{ad.ad_id}",
        "title": design.headline,
        "body": design.body,
        "call_to_action_type": design.call_to_action,
        "image_hash": image_hash(ad.ad_id),
        "object_story_spec": {"page_id": "100000000000001", "link_data": link},
    }


def _budgets_its_sets(campaign: Campaign) -> bool:
    """Campaigns of two ad sets keep their budgets there, the others on the campaign."""
    return len(campaign.adgroups) == 2


def _effective(status: str, *parents: tuple[str, str]) -> str:
    """The effective status under parents (level, status), nearest first."""
    if status == "ENABLED":
        for level, above in parents:
            if above != "ENABLED":
                return f"{level}_PAUSED" if above == "PAUSED" else _STATUS[above]
    return _STATUS[status]


def _shown(effective_status: str, statuses: Collection[str] | None) -> bool:
    if statuses is None:
        return effective_status not in _GONE
    return effective_status in statuses


def _dates(day: date) -> Row:
    return {"date_start": day.isoformat(), "date_stop": day.isoformat()}


def _spend(campaign_days: pa.Table) -> dict[date, int]:
    daily = campaign_days.group_by("date", use_threads=False).aggregate([("cost_micros", "sum")])
    return dict(zip(daily["date"].to_pylist(), daily["cost_micros_sum"].to_pylist(), strict=True))
