"""Creative rotation: a worn-out ad is paused, and the others of its ad group get its money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails, guardrails_creative
from pipelines.proposals.effects import effect_of_gain
from pipelines.proposals.evidence import JobEvidence, Response, allocations, last_run, responses
from pipelines.proposals.guardrails_creative import RotateCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Campaign, Key, Market, query_text
from pipelines.proposals.operations import quoted, surface
from pipelines.proposals.proposal import (
    Change,
    Effect,
    Interval,
    Proposal,
    StoredEvidence,
    Target,
)
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import Value

_DAYS = 7


@dataclass(frozen=True)
class WornAd:
    """An ad that the creatives job calls fatigued. Freshness is its rate now over its first one,
    with an 80% interval; ``gain`` is as in contracts.creative_fatigue."""

    key: Key
    adgroup_id: str
    adgroup_name: str | None
    ad_id: str
    name: str | None
    freshness: Interval
    worn_chance: float
    others: int
    gain: Interval | None
    daily: Money


@dataclass(frozen=True)
class Inputs:
    creatives: JobEvidence | None
    ads: tuple[WornAd, ...]
    mmm: JobEvidence | None
    responses: Mapping[str, Response]
    order_values: Mapping[str, Money]


class Evidence(StoredEvidence):
    """What a rotation keeps of its evidence."""

    week_to: date
    creatives_run_id: str
    adgroup_id: str
    adgroup_name: str | None
    ad_id: str
    ad_name: str | None
    freshness_percent: Interval
    others: int


class CreativeRotate(Kind[Inputs, RotateCase]):
    """One for each ad that is surely worn out beside others that do more with its money.

    It spends no more: what the ad spent, the others of its ad group spend.
    """

    name = "creative_rotate"
    field = "ad_status"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails.account_fresh,
        guardrails.baseline_known,
        guardrails.one_currency,
        guardrails_creative.surely_worn,
        guardrails_creative.others_remain,
        guardrails_creative.rotation_gains,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        creatives, mmm = last_run(warehouse, "creatives", as_of), last_run(warehouse, "mmm", as_of)
        return Inputs(
            creatives=creatives,
            ads=_worn_ads(warehouse, creatives),
            mmm=mmm,
            responses=responses(warehouse, mmm),
            order_values={a.channel: a.order_value for a in allocations(warehouse, mmm)},
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        creatives = inputs.creatives
        if creatives is None:
            why = f"creatives has no run up to {market.as_of}: no rotation of ads is proposed."
            return Drafted((), (why,))
        if creatives.verdict != "PASS":
            return Drafted((), (f"creatives is {creatives.verdict}: {creatives.reason}",))
        proposals, refused = [], []
        for ad in inputs.ads:
            campaign = market.campaign(ad.key)
            if campaign is None or campaign.status != "ENABLED":
                continue
            if not ad.others:
                refused.append(
                    f"{ad.key[0]} ad {quoted(ad.name, ad.ad_id)} is worn out, and the only one "
                    "that runs in its ad group: give the group a new ad, and pause this one."
                )
                continue
            if ad.daily.currency != campaign.currency:
                refused.append(
                    f"creatives saw {ad.key[0]} ad {ad.ad_id} spend {ad.daily.currency}, and its "
                    f"account is in {campaign.currency} now: run the job again."
                )
                continue
            case = _case(market, inputs, caps, campaign, ad)
            proposals.append(self._propose(creatives, ad, stamp, case))
        return Drafted(tuple(proposals), tuple(refused))

    def _propose(
        self, creatives: JobEvidence, ad: WornAd, stamp: Stamp, case: RotateCase
    ) -> Proposal:
        return self.proposal(
            case,
            stamp,
            Change(self.field, "ENABLED", "PAUSED"),
            delta_percent=0.0,
            finding={"week_to": creatives.week_to, "ad_id": ad.ad_id},
            evidence=Evidence(
                week_to=creatives.week_to,
                creatives_run_id=creatives.run_id,
                adgroup_id=ad.adgroup_id,
                adgroup_name=ad.adgroup_name,
                ad_id=ad.ad_id,
                ad_name=ad.name,
                freshness_percent=ad.freshness.scaled(100),
                others=ad.others,
            ),
            part=f"ad:{ad.ad_id}",
        )

    def steps(
        self, target: Target, change: Change, currency: str, evidence: StoredEvidence
    ) -> tuple[str, ...]:
        assert isinstance(evidence, Evidence)
        place = surface(target.platform)
        group = quoted(evidence.adgroup_name, evidence.adgroup_id)
        ad = quoted(evidence.ad_name, evidence.ad_id)
        before, after = place.status(change.from_value), place.status(change.to_value)
        return (
            f"Open its {place.ad_group} {group}, and leave its budget as it is.",
            f"Set the status of its ad {ad} from {before} to {after}.",
        )

    def describe(self, stored: StoredProposal) -> Description:
        evidence, back = stored.evidence(Evidence), stored.rollback()
        ad, fresh = quoted(evidence.ad_name, evidence.ad_id), evidence.freshness_percent
        return Description(
            change=f"ad {ad}: {stored.current_value} → {stored.proposed_value}",
            evidence=(
                f"creatives run {evidence.creatives_run_id}: the ad brings {fresh.p50:.0f}% "
                f"({fresh.p10:.0f}% to {fresh.p90:.0f}%) of what it brought when new, for its "
                "money and beside the other ads of its campaign",
                f"{evidence.others} other ad(s) of its ad group get its money",
            ),
            rollback=f"set the ad's status from {back.from_value} back to {back.to_value}",
        )


def _case(
    market: Market, inputs: Inputs, caps: GuardrailSettings, campaign: Campaign, ad: WornAd
) -> RotateCase:
    return RotateCase(
        market=market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.creatives,
        delta=Money(0, campaign.currency),
        effect=_effect(market, inputs, campaign, ad),
        currencies=frozenset({campaign.currency}),
        worn_chance=ad.worn_chance,
        others=ad.others,
        gain=ad.gain,
    )


def _effect(market: Market, inputs: Inputs, campaign: Campaign, ad: WornAd) -> Effect:
    """A week of its money at the other ads. A platform's claims cancel out in the gain: it is of
    the orders that the media mix gives the money."""
    assert ad.gain is not None  # there are others
    note = (
        "what the ads' own weeks say of their rates, of the orders that the media mix gives the "
        "money; both at their ends, so the interval is wide"
    )
    return effect_of_gain(
        market,
        inputs.mmm,
        inputs.responses.get(campaign.channel),
        inputs.order_values.get(campaign.channel),
        ad.daily * _DAYS,
        ad.gain,
        note,
    )


def _worn_ads(warehouse: Warehouse, run: JobEvidence | None) -> tuple[WornAd, ...]:
    if run is None:
        return ()
    named: dict[str, Value] = {
        "run_id": run.run_id,
        "start": run.as_of - timedelta(days=_DAYS - 1),
        "as_of": run.as_of,
    }
    rows = warehouse.query(query_text("fatigued_ads"), named).to_pylist()
    return tuple(
        WornAd(
            key=(row["platform"], row["account_id"], row["campaign_id"]),
            adgroup_id=row["adgroup_id"],
            adgroup_name=row["adgroup_name"],
            ad_id=row["ad_id"],
            name=row["ad_name"],
            freshness=Interval(row["freshness_low"], row["freshness"], row["freshness_high"]),
            worn_chance=row["worn_chance"],
            others=row["others"],
            gain=None
            if row["gain"] is None
            else Interval(row["gain_low"], row["gain"], row["gain_high"]),
            daily=Money(row["daily_cost_micros"], row["currency_code"]),
        )
        for row in rows
    )


KIND = CreativeRotate()
