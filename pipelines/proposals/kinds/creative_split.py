"""Creative split: an ad group's spend shared among its ads as the bandits found, floor included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import ceil
from typing import Any

from pipelines.canonical import canonical_json
from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails, guardrails_split
from pipelines.proposals.effects import effect_of_gain
from pipelines.proposals.evidence import (
    JobEvidence,
    Readiness,
    Response,
    allocations,
    last_run,
    readiness,
    responses,
)
from pipelines.proposals.guardrails_split import WHOLE, Share, SplitCase
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

STEP = 5
"""Percent. Nobody sets shares finer, and a finer one would be another proposal every day."""
OWN = "platform"
"""The value before: the platform shares the spend as it sees fit."""
_DAYS = 7
_P10_OF_95 = 1.2816 / 1.96  # how far the 10th percentile is towards the end of a 95% interval
_NO_GROUP_BUDGETS = {"google_ads", "microsoft_ads"}


@dataclass(frozen=True)
class Arm:
    """An ad as the bandits decided on it. Shares are from 0 to 1."""

    ad_id: str
    name: str | None
    before: float
    after: float
    floor: float
    best: float
    affordable: bool


@dataclass(frozen=True)
class Group:
    """An ad group with a decision that passed. Costs are per conversion that the platform claims,
    on the group's own days: under the proposed shares (with a 95% interval) and as they were."""

    key: Key
    adgroup_id: str
    name: str | None
    arms: tuple[Arm, ...]
    daily: Money
    cost: tuple[int | None, int | None, int | None]
    logged: int | None

    @property
    def gain(self) -> Interval | None:
        """Conversions for the same money, as a share of what there are."""
        middle, low, high = self.cost
        if not middle or not low or not self.logged:
            return None
        worst = self.logged / high - 1 if high else -1.0
        most, best = self.logged / middle - 1, self.logged / low - 1
        return Interval(most - _P10_OF_95 * (most - worst), most, most + _P10_OF_95 * (best - most))


@dataclass(frozen=True)
class Inputs:
    bandits: JobEvidence | None
    groups: tuple[Group, ...]
    readiness: Readiness | None
    mmm: JobEvidence | None
    responses: Mapping[str, Response]
    order_values: Mapping[str, Money]


class KeptAd(StoredEvidence):
    """An ad of the split; its shares are in percent."""

    ad_id: str
    name: str | None
    before: float
    after: int
    best_probability: float


class Evidence(StoredEvidence):
    """What a split keeps of its evidence."""

    week_to: date
    bandits_run_id: str
    adgroup_id: str
    adgroup_name: str | None
    ads: tuple[KeptAd, ...]
    gain_percent: Interval | None


class CreativeSplit(Kind[Inputs, SplitCase]):
    """One for each ad group whose decision of the bandits passed, where enough spend would move.

    It spends no more: a split is of what the ad group spends, and of the campaign's budget nothing
    changes. So the caps on a change of a budget don't hold for it, and others do (ADR 0005).
    """

    name = "creative_split"
    field = "ad_shares"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails.predictions_hold,
        guardrails.account_fresh,
        guardrails.baseline_known,
        guardrails_split.shares_whole,
        guardrails_split.exploration_floor,
        guardrails_split.gainers_affordable,
        guardrails_split.split_gains,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        bandits, mmm = last_run(warehouse, "bandits", as_of), last_run(warehouse, "mmm", as_of)
        return Inputs(
            bandits=bandits,
            groups=_groups(warehouse, bandits),
            readiness=readiness(warehouse, "bandits", as_of),
            mmm=mmm,
            responses=responses(warehouse, mmm),
            order_values={a.channel: a.order_value for a in allocations(warehouse, mmm)},
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        bandits = inputs.bandits
        if bandits is None:
            why = f"bandits has no run up to {market.as_of}: no creative split is proposed."
            return Drafted((), (why,))
        if bandits.verdict != "PASS":
            return Drafted((), (f"bandits is {bandits.verdict}: {bandits.reason}",))
        if (unheld := _unheld(inputs)) is not None:
            return Drafted((), (unheld,))
        proposals, refused = [], []
        for group in inputs.groups:
            campaign = market.campaign(group.key)
            if campaign is None or campaign.status != "ENABLED":
                continue
            named = f"{group.key[0]} ad group {group.adgroup_id}"
            if group.daily.currency != market.rates.target:
                refused.append(
                    f"The bandits' decision on {named} is in {group.daily.currency}, but the "
                    f"reporting currency is {market.rates.target}: run the job again."
                )
                continue
            shares = rounded(group)
            if shares is None:
                refused.append(
                    f"{named} has {len(group.arms)} ads: floors in steps of {STEP}% leave nothing "
                    "to share, so no split is proposed."
                )
                continue
            if moved(shares) >= max(STEP, caps.min_change_percent):
                proposals.append(
                    self._propose(
                        bandits, group, stamp, _case(market, inputs, caps, campaign, group, shares)
                    )
                )
        return Drafted(tuple(proposals), tuple(refused))

    def _propose(
        self, bandits: JobEvidence, group: Group, stamp: Stamp, case: SplitCase
    ) -> Proposal:
        gain = group.gain
        ahead = max(case.shares, key=lambda ad: (case.shares[ad].after, ad))
        return self.proposal(
            case,
            stamp,
            Change(self.field, OWN, canonical_json({k: s.after for k, s in case.shares.items()})),
            delta_percent=round(moved(case.shares), 4),
            finding={"week_to": bandits.week_to, "ahead": ahead},
            evidence=Evidence(
                week_to=bandits.week_to,
                bandits_run_id=bandits.run_id,
                adgroup_id=group.adgroup_id,
                adgroup_name=group.name,
                ads=tuple(
                    KeptAd(
                        ad_id=arm.ad_id,
                        name=arm.name,
                        before=round(arm.before * WHOLE, 1),
                        after=case.shares[arm.ad_id].after,
                        best_probability=arm.best,
                    )
                    for arm in group.arms
                ),
                gain_percent=gain and gain.scaled(WHOLE),
            ),
            part=f"ad_group:{group.adgroup_id}",
        )

    def steps(
        self, target: Target, change: Change, currency: str, evidence: StoredEvidence
    ) -> tuple[str, ...]:
        """No platform has a field for an ad's share: the steps say what comes to the same."""
        assert isinstance(evidence, Evidence)
        place = surface(target.platform)
        group = quoted(evidence.adgroup_name, evidence.adgroup_id)
        within = f"Open its {place.ad_group} {group}."
        if change.to_value == OWN:
            undo = f"Undo what was set up to share its spend among ads: {place.name} shares it."
            return within, undo
        wanted = ", ".join(f"{quoted(ad.name, ad.ad_id)} {ad.after}%" for ad in evidence.ads)
        if target.platform in _NO_GROUP_BUDGETS:
            how = (
                "There is no field for an ad's share here. With two ads, set up an experiment "
                "whose arms have one ad each, with these shares as its split. With more, they "
                "can't be set exactly: give its arms the two ads of the largest shares."
            )
        else:
            how = (
                f"There is no field for an ad's share here. Copy the {place.ad_group} once for "
                "each ad, leave one ad in each copy, and divide its daily budget by these shares."
            )
        return within, f"The shares of its spend: {wanted}.", how

    def describe(self, stored: StoredProposal) -> Description:
        evidence = stored.evidence(Evidence)
        group = quoted(evidence.adgroup_name, evidence.adgroup_id)
        ads = "; ".join(
            f"{quoted(a.name, a.ad_id)} {a.before:.0f}% → {a.after}%" for a in evidence.ads
        )
        likely = max(evidence.ads, key=lambda a: (a.best_probability, a.ad_id))
        gain = evidence.gain_percent
        more = (
            "is not known to bring more"
            if gain is None
            else (f"brings {gain.p50:+.1f}% conversions ({gain.p10:+.1f}% to {gain.p90:+.1f}%)")
        )
        return Description(
            change=f"ad group {group}: {ads}",
            evidence=(
                f"bandits run {evidence.bandits_run_id}: {quoted(likely.name, likely.ad_id)} is "
                f"the cheapest with a probability of {likely.best_probability:.0%}",
                f"on the ad group's own days, the same money {more}",
            ),
            rollback="let the platform share the ad group's spend again",
        )


def rounded(group: Group) -> dict[str, Share] | None:
    """The shares in steps that a person can set (largest remainders), floors kept; None if the
    floors alone are too much."""
    wanted = {a.ad_id: a.after * WHOLE for a in group.arms}
    floors = {a.ad_id: ceil(a.floor * WHOLE / STEP - 1e-9) * STEP for a in group.arms}
    after = {ad: max(int(share // STEP) * STEP, floors[ad]) for ad, share in wanted.items()}
    if sum(floors.values()) > WHOLE:
        return None
    while (lacking := WHOLE - sum(after.values())) != 0:
        up = lacking > 0
        free = [ad for ad in after if up or after[ad] > floors[ad]]
        ad = max(free, key=lambda ad: ((wanted[ad] - after[ad]) * (1 if up else -1), ad))
        after[ad] += STEP if up else -STEP
    return {
        a.ad_id: Share(a.before * WHOLE, after[a.ad_id], a.floor * WHOLE, a.affordable)
        for a in group.arms
    }


def moved(shares: Mapping[str, Share]) -> float:
    """Percent of the spend that another ad gets."""
    return sum(abs(share.after - share.before) for share in shares.values()) / 2


def _unheld(inputs: Inputs) -> str | None:
    """Why no split can be approved yet, whatever it is: no prediction was ever compared."""
    verdicts = inputs.readiness.verdicts if inputs.readiness else ()
    if not inputs.groups or any(verdict in {"PASS", "FAIL"} for verdict, _ in verdicts):
        return None
    why = verdicts[0][1] if verdicts else "no run of fidelity has held them against what came."
    return (
        f"The bandits would share {len(inputs.groups)} ad group(s) anew, but no creative split is "
        f"proposed before their predictions have held: {why}"
    )


def _case(  # noqa: PLR0917
    market: Market,
    inputs: Inputs,
    caps: GuardrailSettings,
    campaign: Campaign,
    group: Group,
    shares: Mapping[str, Share],
) -> SplitCase:
    return SplitCase(
        market=market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.bandits,
        delta=Money(0, campaign.currency),
        effect=_effect(market, inputs, campaign, group),
        currencies=frozenset(),
        shares=shares,
        exploration=sum(arm.floor for arm in group.arms) * WHOLE,
        gain=group.gain,
        readiness=inputs.readiness,
    )


def _effect(market: Market, inputs: Inputs, campaign: Campaign, group: Group) -> Effect:
    """A week of the ad group under the new shares. A platform's claims cancel out in the gain: it
    is of the orders that the media mix gives the ad group's spend."""
    if group.gain is None:
        why = "the gain of these shares isn't known"
        return Effect(Money(0, campaign.currency), None, None, None, why)
    note = (
        "the gain on the ad group's own days, of the orders that the media mix gives its spend; "
        "both at their ends, so the interval is wide"
    )
    return effect_of_gain(
        market,
        inputs.mmm,
        inputs.responses.get(campaign.channel),
        inputs.order_values.get(campaign.channel),
        group.daily * _DAYS,
        group.gain,
        note,
    )


def _groups(warehouse: Warehouse, run: JobEvidence | None) -> tuple[Group, ...]:
    if run is None:
        return ()
    named: dict[str, Value] = {
        "run_id": run.run_id,
        "start": run.as_of - timedelta(days=6),
        "as_of": run.as_of,
    }
    rows = warehouse.query(query_text("creative_shares"), named).to_pylist()
    ids = ("platform", "account_id", "campaign_id", "adgroup_id")
    grouped = groupby(rows, key=lambda row: tuple(row[i] for i in ids))
    return tuple(_group(list(own)) for _, own in grouped)


def _group(rows: list[dict[str, Any]]) -> Group:
    first = rows[0]
    return Group(
        key=(first["platform"], first["account_id"], first["campaign_id"]),
        adgroup_id=first["adgroup_id"],
        name=first["adgroup_name"],
        arms=tuple(
            Arm(
                ad_id=row["ad_id"],
                name=row["ad_name"],
                before=row["current_share"],
                after=row["propensity"],
                floor=row["exploration_floor"],
                best=row["best_probability"],
                affordable=row["within_cac_ceiling"],
            )
            for row in rows
        ),
        daily=Money(sum(row["spend_micros"] for row in rows), first["currency_code"]),
        cost=(
            first["policy_cac_micros"],
            first["policy_cac_low_micros"],
            first["policy_cac_high_micros"],
        ),
        logged=first["logged_cac_micros"],
    )


KIND = CreativeSplit()
