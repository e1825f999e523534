"""Creative test: an ad with a trait that goes with return, against the ads that run, by a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil, exp, log

from pipelines.canonical import canonical_json
from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails, guardrails_creative
from pipelines.proposals.effects import effect_of_gain
from pipelines.proposals.evidence import JobEvidence, Response, allocations, last_run, responses
from pipelines.proposals.guardrails_audience import MAX_WEEKS
from pipelines.proposals.guardrails_creative import TraitCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Campaign, Key, Market, query_text
from pipelines.proposals.operations import surface
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

NO_TEST = "none"
SPLIT_PERCENT = 50.0
_Z = 1.96 + 0.8416  # 95% confidence, 80% power
_P10_OF_95 = 1.2816 / 1.96
_DAYS = 7
_LEAST_WEEKS = 2  # conversions of the first week come in during the second


@dataclass(frozen=True)
class Trait:
    """A trait that the creatives job says to try; its return over that of ads without it, with a
    95% interval."""

    name: str
    meaning: str
    ratio: tuple[float, float, float]
    q_value: float
    advice: str

    def weeks(self, conversions_a_week: float) -> float | None:
        """How long a split in halves takes to find the ratio, conversions being Poisson."""
        if self.ratio[1] <= 1 or conversions_a_week <= 0:
            return None
        return 4 * _Z**2 / log(self.ratio[1]) ** 2 / conversions_a_week


@dataclass(frozen=True)
class Inputs:
    """Traits to try, the surest first, and claimed conversions a week of the campaigns whose ads
    are known, the largest first."""

    creatives: JobEvidence | None
    traits: tuple[Trait, ...]
    campaigns: Mapping[Key, float]
    mmm: JobEvidence | None
    responses: Mapping[str, Response]
    order_values: Mapping[str, Money]


class Evidence(StoredEvidence):
    """What a test keeps of its evidence; ``ratio`` has its 95% interval."""

    week_to: date
    creatives_run_id: str
    trait: str
    meaning: str
    advice: str
    ratio: tuple[float, float, float]
    weeks: int


class CreativeTest(Kind[Inputs, TraitCase]):
    """One at a time: the surest trait, in the campaign with most conversions, where it is told
    soonest. What ads with it brought may have another cause: the test is there to find out."""

    name = "creative_test"
    field = "creative_test"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails.account_fresh,
        guardrails.baseline_known,
        guardrails.one_currency,
        guardrails_creative.trait_significant,
        guardrails_creative.trait_test_tells,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        creatives, mmm = last_run(warehouse, "creatives", as_of), last_run(warehouse, "mmm", as_of)
        return Inputs(
            creatives=creatives,
            traits=_traits(warehouse, creatives),
            campaigns=_campaigns(warehouse, creatives),
            mmm=mmm,
            responses=responses(warehouse, mmm),
            order_values={a.channel: a.order_value for a in allocations(warehouse, mmm)},
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        creatives = inputs.creatives
        if creatives is None:
            why = f"creatives has no run up to {market.as_of}: no creative test is proposed."
            return Drafted((), (why,))
        if creatives.verdict != "PASS" or not inputs.traits:
            return Drafted((), ())
        trait = inputs.traits[0]
        running = (market.campaign(key) for key in inputs.campaigns)
        campaign = next((c for c in running if c is not None and c.status == "ENABLED"), None)
        if campaign is None:
            why = f"No campaign runs in which {trait.name} could be tested."
            return Drafted((), (why,))
        weeks = trait.weeks(inputs.campaigns[campaign.key])
        case = TraitCase(
            market=market,
            caps=caps,
            campaign=campaign,
            evidence=creatives,
            delta=Money(0, campaign.currency),
            effect=_effect(market, inputs, campaign, trait),
            currencies=frozenset({campaign.currency}),
            q_value=trait.q_value,
            ratio_low=trait.ratio[0],
            weeks=weeks,
        )
        return Drafted((self._propose(creatives, trait, stamp, case),), ())

    def _propose(
        self, creatives: JobEvidence, trait: Trait, stamp: Stamp, case: TraitCase
    ) -> Proposal:
        weeks = max(ceil(case.weeks), _LEAST_WEEKS) if case.weeks is not None else int(MAX_WEEKS)
        setting = {"trait": trait.name, "split_percent": SPLIT_PERCENT, "weeks": weeks}
        return self.proposal(
            case,
            stamp,
            Change(self.field, NO_TEST, canonical_json(setting)),
            delta_percent=0.0,
            finding={"week_to": creatives.week_to, "trait": trait.name},
            evidence=Evidence(
                week_to=creatives.week_to,
                creatives_run_id=creatives.run_id,
                trait=trait.name,
                meaning=trait.meaning,
                advice=trait.advice,
                ratio=trait.ratio,
                weeks=weeks,
            ),
            part=f"trait:{trait.name}",
        )

    def steps(
        self, target: Target, change: Change, currency: str, evidence: StoredEvidence
    ) -> tuple[str, ...]:
        assert isinstance(evidence, Evidence)
        place = surface(target.platform)
        if change.to_value == NO_TEST:
            return ("End the experiment: the ads that ran before it run alone.",)
        return (
            f"Copy an ad of its largest {place.ad_group}, and change one thing in it: "
            f"{evidence.meaning}.",
            f"Set up an experiment of {evidence.weeks} week(s) ({place.name}: Experiments): "
            f"{SPLIT_PERCENT:g}% of people see the ads as they are, the others the copy. Leave "
            "the budget as it is.",
        )

    def describe(self, stored: StoredProposal) -> Description:
        evidence = stored.evidence(Evidence)
        return Description(
            change=f"test whether it helps if {evidence.meaning}: half of the people see an ad "
            f"with it, {evidence.weeks} week(s)",
            evidence=(
                f"creatives run {evidence.creatives_run_id}: {evidence.advice}",
                "seen among ads that ran, not in a test: another cause may go with it",
            ),
            rollback="end the experiment: the ads that ran before it run alone",
        )


def _effect(market: Market, inputs: Inputs, campaign: Campaign, trait: Trait) -> Effect:
    """A week of the test, if new ads with the trait do as those that ran: half of the campaign's
    money brings what they brought."""
    low, middle, high = (log(r) for r in trait.ratio)
    gains = [middle - _P10_OF_95 * (middle - low), middle, middle + _P10_OF_95 * (high - middle)]
    return effect_of_gain(
        market,
        inputs.mmm,
        inputs.responses.get(campaign.channel),
        inputs.order_values.get(campaign.channel),
        Money(campaign.budget.micros * _DAYS // 2, campaign.currency),
        Interval(*(exp(g) - 1 for g in gains)),
        "if a new ad with it does as the ads that had it: the test tells",
    )


def _traits(warehouse: Warehouse, run: JobEvidence | None) -> tuple[Trait, ...]:
    if run is None:
        return ()
    rows = warehouse.query(query_text("traits_to_test"), {"run_id": run.run_id}).to_pylist()
    return tuple(
        Trait(
            name=row["trait"],
            meaning=row["meaning"],
            ratio=(row["return_ratio_low"], row["return_ratio"], row["return_ratio_high"]),
            q_value=row["q_value"],
            advice=row["advice"],
        )
        for row in rows
    )


def _campaigns(warehouse: Warehouse, run: JobEvidence | None) -> dict[Key, float]:
    if run is None:
        return {}
    statement = query_text("campaigns_with_creatives")
    rows = warehouse.query(statement, {"run_id": run.run_id}).to_pylist()
    ids = ("platform", "account_id", "campaign_id")
    return {tuple(row[i] for i in ids): row["weekly_conversions"] for row in rows}


KIND = CreativeTest()
