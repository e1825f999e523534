"""Every rule as it was asked of one ad set, and its budget after each layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pipelines.errors import UsageError
from pipelines.jobs.rules.allocate import Asked, Trace
from pipelines.jobs.rules.budget_state import BudgetState
from pipelines.jobs.rules.job import RulesJob, RulesJobSettings, allocated_of
from pipelines.jobs.rules.rulebook import LAYERS
from pipelines.jobs.rules.units import accounts_of
from pipelines.money import MICROS, Money
from pipelines.warehouse import Warehouse


@dataclass(frozen=True)
class Explanation:
    """What the rules made of one unit's budget. ``book`` names the rulebook: default, a platform or
    a platform and account."""

    trace: Trace
    state: BudgetState
    book: str

    @property
    def budgets(self) -> Iterator[tuple[str, Money]]:
        """The budget now, and after each layer."""
        yield "now", self._money(self.trace.unit.budget)
        for layer in LAYERS:
            yield f"after {layer}", self._money(self.trace.after[layer])

    @property
    def rows(self) -> Iterator[dict[str, str | float | None]]:
        """A row a rule, in the order in which they are asked."""
        for asked in self.trace.asked:
            yield {
                "layer": asked.layer,
                "rule": asked.rule,
                "outcome": _outcome(asked),
                "amount": None if asked.amount is None else round(asked.amount, 4),
                "reason": asked.reason,
            }

    def _money(self, budget: float) -> Money:
        return Money(round(budget * MICROS), self.state.currency_code)


def explain(
    warehouse: Warehouse, settings: RulesJobSettings, unit_id: str, as_of: date
) -> Explanation:
    """The budget of an ad set, or of a campaign that holds its own, from what was known on a day.

    Args:
        unit_id: the platform's id of the ad set or campaign.

    Raises:
        UsageError: nothing with this id held a budget on that day.
    """
    accounts = accounts_of(RulesJob().read(warehouse, as_of)["features"].to_pylist())
    for account in accounts:
        units = {u.adgroup_id: u for u in account.units} | {u.campaign_id: u for u in account.units}
        if unit_id in units:
            book, state, traces = allocated_of(account, settings)
            trace = next(t for t in traces if unit_id in t.unit.key[2:])
            return Explanation(trace, state, book)
    known = [
        u.adgroup_id if u.adgroup_id != "(all)" else u.campaign_id
        for a in accounts
        for u in a.units
    ]
    raise UsageError(
        f"Nothing with the id {unit_id} held a daily budget as of {as_of}.",
        kept="nothing was computed.",
        fix=f"Use one of {', '.join(known)}."
        if known
        else "Ingest budgets and build, or use another day.",
    )


def _outcome(asked: Asked) -> str:
    if asked.held is None:
        return "unknown"
    if not asked.held:
        return "no"
    return "counts" if asked.counted else "holds"
