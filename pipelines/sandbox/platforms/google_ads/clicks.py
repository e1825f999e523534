"""The simulated clicks with their gclids: those that GA4 saw land, and the rest of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipelines.sandbox.market.market import AdAccount, Campaign, Market
from pipelines.sandbox.market.shop import click_id

# Google keeps clicks for so long.
KEPT_DAYS = 90
# A gclid can return in later sessions of the same person, so many days after its click.
_RETURNS = 15
# Above every number that a landed gclid is made of.
_FIRST_UNSEEN = 36**10 * 10
_CLICKS_A_DAY, _DAYS = 10**5, 10**7


class Click(NamedTuple):
    """A click; its ad group and ad are None in Performance Max."""

    gclid: str
    campaign_id: str
    adgroup_id: str | None
    ad_id: str | None


class _Landing(NamedTuple):
    at: int  # microseconds since the epoch
    account_id: str
    campaign_id: str


class Clicks:
    """Clicks by day, as many a campaign as it reports.

    A gclid that GA4 exports is the click of the first session that carries it: one click, on
    the day that instant is in the account's time zone, in the campaign that GA4 names. The
    shop's orders carry the same gclids; the few that GA4 did not see, because their buyers
    came back through another platform, were clicked on the day of the order.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._landed: dict[date, dict[str, _Landing]] = {}

    def of_day(self, account: AdAccount, day: date, today: date) -> list[Click]:
        """The clicks of an account's day; none before it is over."""
        if day >= today:
            return []
        rows = self._market.campaign_days(account.account_id, day, day, today)
        ids, reported = rows["campaign_id"].to_pylist(), rows["clicks"].to_pylist()
        counts = dict(zip(ids, reported, strict=True))
        landed = self._landed_on(account, day)
        clicks: list[Click] = []
        for campaign in self._market.account_campaigns(account.account_id):
            seen = landed.get(campaign.campaign_id, [])
            unseen = max(counts.get(campaign.campaign_id, 0) - len(seen), 0)
            number = int(campaign.campaign_id) * _DAYS + day.toordinal()
            first = _FIRST_UNSEEN + number * _CLICKS_A_DAY
            gclids = [*seen, *(click_id("gclid", first + i) for i in range(unseen))]
            clicks += _placed(campaign, gclids)
        return clicks

    def _landed_on(self, account: AdAccount, day: date) -> dict[str, list[str]]:
        """The gclids that landed for the first time on an account's day, by campaign."""
        first: dict[str, _Landing] = {}
        # The property's days are not the account's: one more on either side.
        for back in range(_RETURNS + 1, -2, -1):
            for gclid, landing in self._landings(day - timedelta(days=back)).items():
                first.setdefault(gclid, landing)
        zone = ZoneInfo(account.time_zone)
        gclids: dict[str, list[str]] = {}
        for gclid, landing in first.items():
            if landing.account_id == account.account_id and _day(landing.at, zone) == day:
                gclids.setdefault(landing.campaign_id, []).append(gclid)
        return gclids

    def _landings(self, day: date) -> dict[str, _Landing]:
        """First landing of each gclid on a day of the GA4 property, in order of time."""
        if day not in self._landed:
            # every event of the day, also those that reach the export late
            late = self._market.end + timedelta(days=30)
            landings: dict[str, _Landing] = {}
            events = self._market.ga4_events(day, late)
            for event in sorted(events, key=lambda e: int(e["event_timestamp"])):
                gclid = event.get("collected_traffic_source", {}).get("gclid")
                if gclid:
                    paid = event["session_traffic_source_last_click"]["google_ads_campaign"]
                    at = int(event["event_timestamp"])
                    landings.setdefault(
                        gclid, _Landing(at, paid["customer_id"], paid["campaign_id"])
                    )
            for order in self._market.orders(day, day, late).to_pylist():
                if order["gclid"] and not order["test"]:
                    at = int(order["created_at"].timestamp() * 1e6)
                    campaign = self._some_campaign(at)
                    landing = _Landing(at, campaign.account_id, campaign.campaign_id)
                    landings.setdefault(order["gclid"], landing)
            self._landed[day] = landings
        return self._landed[day]

    def _some_campaign(self, number: int) -> Campaign:
        """One of the first account's campaigns, all of which deliver every day."""
        account = next(a for a in self._market.accounts if a.platform == "google_ads")
        campaigns = self._market.account_campaigns(account.account_id)
        return campaigns[number // 1_000_000 % len(campaigns)]


def _day(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).date()


def _placed(campaign: Campaign, gclids: list[str]) -> list[Click]:
    """The clicks with an ad each, in turn."""
    ads: list[tuple[str, str] | tuple[None, None]]
    ads = [(g.adgroup_id, a.ad_id) for g in campaign.adgroups for a in g.ads]
    ads = ads or [(None, None)]
    return [
        Click(gclid, campaign.campaign_id, *ads[i % len(ads)]) for i, gclid in enumerate(gclids)
    ]
