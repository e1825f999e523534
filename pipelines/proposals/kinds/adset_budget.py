"""Ad set budget: the rules' change of an ad set's own budget, funded within its account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from pipelines.money import Money, total
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals import guardrails, guardrails_adset
from pipelines.proposals.book import Book
from pipelines.proposals.effects import effect_of_spend
from pipelines.proposals.evidence import (
    JobEvidence,
    Response,
    allocations,
    last_run,
    responses,
)
from pipelines.proposals.funding import cut_obstacle, increase_obstacle
from pipelines.proposals.guardrails_adset import AdSetCase
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Obstacle, Stamp
from pipelines.proposals.market import Key, Market, money, query_text
from pipelines.proposals.operations import quoted, surface
from pipelines.proposals.proposal import Change, Proposal, StoredEvidence, Target
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse

_DAYS = 7
_OF = "its account on this day"


@dataclass(frozen=True)
class AdSet:
    """An ad set as the rules decided on it. ``budget`` is what they started from, ``proposed``
    where they ended, ``present`` what landing last saw; None where it saw none."""

    key: Key
    adgroup_id: str
    name: str | None
    status: str | None
    budget: Money
    proposed: Money
    present: Money | None
    reason: str

    @property
    def account(self) -> tuple[str, str]:
        return self.key[:2]


@dataclass(frozen=True)
class Inputs:
    rules: JobEvidence | None
    ad_sets: tuple[AdSet, ...]
    mmm: JobEvidence | None
    responses: Mapping[str, Response]
    order_values: Mapping[str, Money]


class Evidence(StoredEvidence):
    """What a change keeps of its evidence; ``reason`` is what the rules say."""

    as_of: date
    rules_run_id: str
    adgroup_id: str
    adgroup_name: str | None
    reason: str


class AdSetBudget(Kind[Inputs, AdSetCase]):
    """One for each ad set that holds a budget and that the rules would raise or cut.

    The step is the policy's, where the rules' is longer. Raises are scaled down to what the cuts
    of the account release, and cuts to what the raises need, so that no account spends more.
    """

    name = "adset_budget"
    field = "daily_budget_micros"
    guardrails = (
        guardrails.kill_switch,
        guardrails.job_may_propose,
        guardrails.blackout,
        guardrails.evidence_fresh,
        guardrails.account_fresh,
        guardrails.baseline_known,
        guardrails.one_currency,
        guardrails_adset.max_change,
        guardrails.max_daily_change,
        guardrails.cac_ceiling,
        guardrails.roas_floor,
        guardrails_adset.account_neutral,
    )

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        rules, mmm = last_run(warehouse, "rules", as_of), last_run(warehouse, "mmm", as_of)
        return Inputs(
            rules=rules,
            ad_sets=tuple(_ad_sets(warehouse, rules)),
            mmm=mmm,
            responses=responses(warehouse, mmm),
            order_values={a.channel: a.order_value for a in allocations(warehouse, mmm)},
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        rules = inputs.rules
        if rules is None:
            why = f"rules has no run up to {market.as_of}: no ad set's budget is proposed."
            return Drafted((), (why,))
        if rules.verdict != "PASS":
            return Drafted((), (f"rules is {rules.verdict}: {rules.reason}",))
        proposals: list[Proposal] = []
        refused: list[str] = []
        for account, own in groupby(inputs.ad_sets, key=lambda a: a.account):
            ad_sets, left_out = _changeable(market, list(own))
            refused += left_out
            deltas = _deltas(ad_sets, caps)
            if ad_sets and not any(d.micros for d in deltas.values()):
                refused.append(
                    f"{account[0]} account {account[1]}: what would be cut and what would be "
                    "raised don't meet, so no ad set's budget is proposed."
                )
            for ad_set in ad_sets:
                if abs(deltas[ad_set.adgroup_id]) / ad_set.budget * 100 >= caps.min_change_percent:
                    case = _case(market, inputs, caps, ad_set, deltas)
                    proposals.append(self._propose(rules, ad_set, stamp, case))
        return Drafted(tuple(proposals), tuple(refused))

    def _propose(
        self, rules: JobEvidence, ad_set: AdSet, stamp: Stamp, case: AdSetCase
    ) -> Proposal:
        after = ad_set.budget + case.delta
        return self.proposal(
            case,
            stamp,
            Change(self.field, str(ad_set.budget.micros), str(after.micros)),
            delta_percent=round(case.delta / ad_set.budget * 100, 4),
            finding={"as_of": rules.as_of, "direction": "up" if case.delta.micros > 0 else "down"},
            evidence=Evidence(
                as_of=rules.as_of,
                rules_run_id=rules.run_id,
                adgroup_id=ad_set.adgroup_id,
                adgroup_name=ad_set.name,
                reason=ad_set.reason,
            ),
            part=f"ad_group:{ad_set.adgroup_id}",
        )

    def steps(
        self, target: Target, change: Change, currency: str, evidence: StoredEvidence
    ) -> tuple[str, ...]:
        """The ad set within its campaign, and its own budget."""
        assert isinstance(evidence, Evidence)
        now, then = (Money(int(v), currency) for v in (change.from_value, change.to_value))
        kind = surface(target.platform).ad_group
        return (
            f"Open its {kind} {quoted(evidence.adgroup_name, evidence.adgroup_id)}.",
            f"Set its daily budget from {now} to {then}.",
        )

    def describe(self, stored: StoredProposal) -> Description:
        evidence, back = stored.evidence(Evidence), stored.rollback()
        name = quoted(evidence.adgroup_name, evidence.adgroup_id)
        return Description(
            change=f"ad set {name}: {stored.money(stored.current_value)} → "
            f"{stored.money(stored.proposed_value)} a day ({stored.delta_percent:+.1f}%)",
            evidence=(
                evidence.reason,
                f"rules run {evidence.rules_run_id}: `adcanary rules explain --ad-set "
                f"{evidence.adgroup_id} --as-of {evidence.as_of}` shows every rule",
            ),
            rollback=f"set the ad set's daily budget from {stored.money(back.from_value)} back to "
            f"{stored.money(back.to_value)}",
        )

    def obstacle(self, stored: StoredProposal, book: Book, currency: str) -> Obstacle | None:
        """A raise needs cuts of its account to be recorded first."""
        return increase_obstacle(stored, self._account(stored, book), currency, _OF)

    def revocation_obstacle(
        self, stored: StoredProposal, book: Book, currency: str
    ) -> Obstacle | None:
        """A cut stays while recorded raises of its account need it."""
        return cut_obstacle(stored, self._account(stored, book), currency, _OF)

    def _account(self, stored: StoredProposal, book: Book) -> list[StoredProposal]:
        as_of = stored.evidence(Evidence).as_of
        return [
            p
            for p in book.proposals
            if p.kind == self.name
            and p.target.key[:2] == stored.target.key[:2]
            and p.evidence(Evidence).as_of == as_of
        ]


def _ad_sets(warehouse: Warehouse, rules: JobEvidence | None) -> Iterator[AdSet]:
    if rules is None:
        return
    rows = warehouse.query(query_text("rules_allocations"), {"run_id": rules.run_id}).to_pylist()
    for row in rows:
        currency = row["currency_code"]
        yield AdSet(
            key=(row["platform"], row["account_id"], row["campaign_id"]),
            adgroup_id=row["adgroup_id"],
            name=row["adgroup_name"],
            status=row["adgroup_status"],
            budget=Money(row["budget_micros"], currency),
            proposed=Money(row["proposed_micros"], currency),
            present=money(row["present_micros"], row["present_currency_code"]),
            reason=row["reason"],
        )


def _changeable(market: Market, ad_sets: list[AdSet]) -> tuple[list[AdSet], list[str]]:
    """The ad sets of an account whose budget is what the rules knew, and why others aren't."""
    kept, refused = [], []
    for ad_set in ad_sets:
        named = f"{ad_set.key[0]} ad set {ad_set.adgroup_id}"
        campaign = market.campaign(ad_set.key)
        if campaign is None or campaign.status != "ENABLED" or ad_set.status != "ENABLED":
            refused.append(f"{named} doesn't run: no change of its budget is proposed.")
        elif ad_set.present != ad_set.budget:
            refused.append(
                f"The budget of {named} was {ad_set.budget} when the rules ran and is "
                f"{ad_set.present}: run the job again."
            )
        else:
            kept.append(ad_set)
    return kept, refused


def _deltas(ad_sets: list[AdSet], caps: GuardrailSettings) -> dict[str, Money]:
    """Changes by ad set, within the cap on one change, whose raises cost what the cuts release."""
    wanted = {}
    for ad_set in ad_sets:
        least, most = caps.change_bounds(ad_set.budget.micros)
        after = min(max(ad_set.proposed.micros, least), most)
        wanted[ad_set.adgroup_id] = after - ad_set.budget.micros
    added = sum(d for d in wanted.values() if d > 0)
    cut = -sum(d for d in wanted.values() if d < 0)
    moved = min(added, cut)
    # towards zero for a raise, away from it for a cut: rounding must not make the total grow
    deltas = {}
    for ad_set in ad_sets:
        delta, currency = wanted[ad_set.adgroup_id], ad_set.budget.currency
        scaled = delta * moved / (added if delta > 0 else cut) if delta else 0.0
        deltas[ad_set.adgroup_id] = Money(int(scaled), currency).payable()
    return _neutral(deltas)


def _neutral(deltas: dict[str, Money]) -> dict[str, Money]:
    """What rounding left over is taken from the largest raise."""
    if not deltas:
        return deltas
    currency = next(iter(deltas.values())).currency
    over = total(deltas.values(), currency)
    if over.micros > 0:
        largest = max(deltas, key=lambda name: (deltas[name].micros, name))
        deltas = {**deltas, largest: deltas[largest] - over}
    return deltas


def _case(
    market: Market,
    inputs: Inputs,
    caps: GuardrailSettings,
    ad_set: AdSet,
    deltas: Mapping[str, Money],
) -> AdSetCase:
    campaign = market.campaign(ad_set.key)
    assert campaign is not None
    delta = deltas[ad_set.adgroup_id]
    return AdSetCase(
        market=market,
        caps=caps,
        campaign=campaign,
        evidence=inputs.rules,
        delta=delta,
        effect=effect_of_spend(
            market,
            inputs.mmm,
            inputs.responses.get(campaign.channel),
            inputs.order_values.get(campaign.channel),
            delta * _DAYS,
            marginal=True,
        ),
        currencies=frozenset({campaign.currency}),
        budget=ad_set.budget,
        sum_of_deltas=total(deltas.values(), delta.currency),
    )


KIND = AdSetBudget()
