"""What a person would do on a platform to carry out a change: steps in the platform's own words.

The words are those of the platforms' pages in November 2026. A proposal stores its steps, and its
content hash holds them, so that other words in a later version change no proposal.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.money import Money
from pipelines.plain_text import one_line
from pipelines.proposals.proposal import Change, Target


@dataclass(frozen=True)
class Surface:
    """Where a platform's campaigns are changed by hand, and what it calls things there."""

    name: str
    enabled: str = "Enabled"
    paused: str = "Paused"
    confirm: str = "Save"
    ad_group: str = "ad group"

    def status(self, value: str) -> str:
        """A landed status as the platform shows it."""
        return {"ENABLED": self.enabled, "PAUSED": self.paused}.get(value, value)


_SURFACES = {
    "google_ads": Surface("Google Ads"),
    "meta_ads": Surface("Meta Ads Manager", "On", "Off", "Publish", "ad set"),
    "tiktok_ads": Surface("TikTok Ads Manager", "On", "Off", "Submit"),
    "linkedin_ads": Surface("LinkedIn Campaign Manager", "Active", "Paused", "Save", "campaign"),
    "microsoft_ads": Surface("Microsoft Advertising"),
}


_BUDGETS_BELOW = {"meta_ads", "tiktok_ads"}
"""Platforms that know budgets of ad sets, too: landing sums them up for their campaign."""


def surface(platform: str) -> Surface:
    """The pages of a platform; of one that isn't known, under its own name."""
    return _SURFACES.get(platform, Surface(platform))


def quoted(name: str | None, identifier: str) -> str:
    """A name as the platform shows it, with its id; the id alone where there is no name."""
    return f'"{one_line(name)}" (id {identifier})' if name else f"id {identifier}"


def operation(target: Target, currency: str, steps: tuple[str, ...]) -> str:
    """Every step, a line each: the way to the campaign, what to change there, how to confirm."""
    place = surface(target.platform)
    account = target.account_id
    if target.platform == "google_ads" and len(account) == 10:  # as its pages write it
        account = f"{account[:3]}-{account[3:6]}-{account[6:]}"
    lines = (
        f"In {place.name}, open account {account} (amounts in {currency}).",
        f"Under Campaigns, choose {quoted(target.name, target.campaign_id)}.",
        *steps,
        f"Check the amounts, then {place.confirm}.",
    )
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def change_of_field(target: Target, change: Change, currency: str) -> tuple[str, ...]:
    """The step that changes a campaign's daily budget or its status."""
    before, after = change.from_value, change.to_value
    if change.field == "daily_budget_micros":
        now, then = (Money(int(micros), currency) for micros in (before, after))
        own = ""
        if target.platform in _BUDGETS_BELOW and now:
            below = surface(target.platform).ad_group
            share = f"{then / now - 1:+.2%}"
            own = f" Where its {below}s have budgets of their own, change each by {share}."
        return (f"Set its daily budget from {now} to {then}.{own}",)
    place = surface(target.platform)
    if change.field == "status":
        return (f"Set its status from {place.status(before)} to {place.status(after)}.",)
    return (f"Change {change.field} from {before} to {after}.",)
