"""The rules job: each account's budgets after its rules, and the month's money that bounds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from pipelines.canonical import canonical_json
from pipelines.config import Settings
from pipelines.jobs.base import Outcome, Progress, Row, significant
from pipelines.jobs.rules.allocate import Allocator, Trace
from pipelines.jobs.rules.budget_state import BudgetState, budget_state
from pipelines.jobs.rules.features import COLUMNS, KEYS, comparable
from pipelines.jobs.rules.rulebook import RuleBook, book_for, load_rulebooks
from pipelines.jobs.rules.units import Account, accounts_of
from pipelines.money import MICROS, minor_unit
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

ALLOCATIONS = "contracts.rules_allocations"
BUDGETS = "contracts.budget_state_monthly"
DIRECTIONS = ("RAISED", "CUT", "KEPT", "FROZEN")
_LEAST_CHANGE = 0.005


class RulesJobSettings(Section):
    monthly_budgets: dict[str, int]
    books: dict[str, RuleBook]


class RulesJob:
    """Budgets by rules (see :class:`pipelines.jobs.base.Job`)."""

    name = "rules"
    model_version = "layers-2"
    tables = (ALLOCATIONS, BUDGETS)
    plots = ()

    def settings(self, settings: Settings) -> RulesJobSettings:
        own = settings.jobs.rules
        return RulesJobSettings(
            monthly_budgets=own.monthly_budgets, books=load_rulebooks(own.folder)
        )

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        sql = (Path(__file__).parent / "units.sql").read_text()
        rows = warehouse.query(sql, {"as_of": as_of})
        return {"features": comparable(rows.select([*KEYS, *COLUMNS]))}

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: RulesJobSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        accounts = accounts_of(inputs["features"].to_pylist())
        if not any(account.units for account in accounts):
            return Outcome(
                "NO_DATA",
                "marts.ad_features_daily has no ad set or campaign with a budget in the three days "
                f"to {as_of}. Ingest a platform's ads and budgets, and build.",
            )
        allocated = [(account, *allocated_of(account, settings)) for account in accounts]
        progress(f"rules: {sum(len(traces) for *_, traces in allocated)} budgets")
        rows = {
            ALLOCATIONS: [row for *_, state, traces in allocated for row in _rows(state, traces)],
            BUDGETS: [_state_row(account, state) for account, _, state, _ in allocated],
        }
        directions = [row["direction"] for row in rows[ALLOCATIONS]]
        figures: dict[str, float | int | str | None] = {
            "accounts": len(accounts),
            "budgets": len(directions),
            **{
                name.lower(): directions.count(name) for name in ("RAISED", "CUT", "KEPT", "FROZEN")
            },
            "parameters": sum(len(book.tunable) for book in settings.books.values()),
        }
        moved = figures["raised"] or figures["cut"]
        summary = (
            f"Of {len(directions)} budgets {figures['raised']} would be raised, {figures['cut']} "
            f"cut, {figures['kept']} kept; {figures['frozen']} are frozen."
        )
        return Outcome("PASS" if moved else "INCONCLUSIVE", summary, figures, rows)


def allocated_of(
    account: Account, settings: RulesJobSettings
) -> tuple[str, BudgetState, list[Trace]]:
    """An account's rulebook by name, the state of its month, and its budgets with their traces."""
    name, book = book_for(settings.books, *account.key)
    state = budget_state(account, settings.monthly_budgets)
    left = None if state.planned_by == "daily_budgets" else state.left / MICROS
    return name, state, Allocator(book).allocate(account.units, left, state.days_left)


def direction(trace: Trace) -> str:
    """RAISED, CUT or KEPT; FROZEN where safety forbids a change."""
    change = trace.budget / trace.unit.budget - 1
    if abs(change) >= _LEAST_CHANGE:
        return "RAISED" if change > 0 else "CUT"
    return "FROZEN" if trace.frozen else "KEPT"


def _rows(state: BudgetState, traces: list[Trace]) -> Iterator[Row]:
    currency = state.currency_code
    for trace in traces:
        platform, account_id, campaign_id, adgroup_id = trace.unit.key
        yield {
            "date": state.day,
            "platform": platform,
            "account_id": account_id,
            "campaign_id": campaign_id,
            "adgroup_id": adgroup_id,
            "direction": direction(trace),
            "budget_micros": _micros(trace.unit.budget, currency),
            "after_safety_micros": _micros(trace.after["safety"], currency),
            "after_decision_micros": _micros(trace.after["decision"], currency),
            "proposed_micros": _micros(trace.budget, currency),
            "currency_code": currency,
            "rules": canonical_json(
                [{"rule": a.rule, "layer": a.layer, "reason": a.reason} for a in trace.counted]
            ),
            "reason": " ".join(a.reason for a in trace.counted) or "No rule asks for a change.",
            "order_roas_index_28d": _rounded(trace.unit.values["order_roas_index_28d"]),
            "conversions_28d": _rounded(trace.unit.values["conversions_28d"]),
        }


def _state_row(account: Account, state: BudgetState) -> Row:
    return {
        "platform": account.platform,
        "account_id": account.account_id,
        "month": state.month,
        "effective_from": state.day,
        "days_left": state.days_left,
        "planned_micros": state.planned,
        "planned_by": state.planned_by,
        "spent_micros": state.spent,
        "committed_micros": state.committed,
        "left_micros": state.left,
        "currency_code": state.currency_code,
        "note": state.note,
    }


def _micros(budget: float, currency: str) -> int:
    """The nearest that can be paid: whole yen, hundredths of a dollar."""
    unit = minor_unit(currency)
    return round(budget * MICROS / unit) * unit


def _rounded(value: float | str | bool | None) -> float | None:
    return significant(value) if isinstance(value, float) else None
