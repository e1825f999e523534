"""Bid target: what the next order costs in a channel, against the ceiling; refused while no
campaign's target is landed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.money import Money
from pipelines.policy_settings import GuardrailSettings
from pipelines.proposals.evidence import JobEvidence, last_run
from pipelines.proposals.guardrails import Case
from pipelines.proposals.kinds.base import Description, Drafted, Kind, Stamp
from pipelines.proposals.market import Market, query_text
from pipelines.proposals.stored import StoredProposal
from pipelines.warehouse import Warehouse


@dataclass(frozen=True)
class NextOrder:
    """What one more order costs in a channel at its present spend: 10th, 50th and 90th percentile;
    None where more money brings none."""

    channel: str
    p10: Money | None
    p50: Money | None
    p90: Money | None


@dataclass(frozen=True)
class Inputs:
    mmm: JobEvidence | None
    next_orders: tuple[NextOrder, ...]


class BidTarget(Kind[Inputs, Case]):
    """No source lands a campaign's bid strategy or its target CPA or ROAS, so there is nothing to
    change from, and every finding is refused, with what it is: a person may act on it by hand."""

    name = "bid_target"
    field = "target_cpa_micros"
    guardrails = ()

    def read(self, warehouse: Warehouse, as_of: date) -> Inputs:
        mmm = last_run(warehouse, "mmm", as_of)
        if mmm is None:
            return Inputs(None, ())
        rows = warehouse.query(query_text("marginal_costs"), {"run_id": mmm.run_id}).to_pylist()

        def cost(micros: int | None, currency: str) -> Money | None:
            return None if micros is None else Money(micros, currency)

        return Inputs(
            mmm,
            tuple(
                NextOrder(
                    row["channel"],
                    *(
                        cost(row[f"marginal_cac_micros_{end}"], row["currency_code"])
                        for end in ("p10", "p50", "p90")
                    ),
                )
                for row in rows
            ),
        )

    def draft(
        self, market: Market, inputs: Inputs, caps: GuardrailSettings, stamp: Stamp
    ) -> Drafted:
        """What the curves say of each channel whose next order surely costs too much."""
        del stamp
        ceiling = caps.cac_ceiling_micros
        if inputs.mmm is None or inputs.mmm.verdict != "PASS" or ceiling is None:
            return Drafted((), ())  # the budget shift says why
        most = Money(ceiling, market.rates.target)
        dear = [
            n
            for n in inputs.next_orders
            if n.p10 is None or (n.p10.currency == most.currency and n.p10 > most)
        ]
        return Drafted(
            (),
            tuple(
                f"{n.channel}: the next order costs {n.p50 or 'more than can be told'}, at least "
                f"{n.p10 or 'as much'}; the CAC ceiling is {most}. A lower target CPA would hold "
                "it, but no source lands a campaign's bid strategy or target, so there is nothing "
                "to propose a change from: look at the channel's targets by hand."
                for n in dear
            ),
        )

    def describe(self, stored: StoredProposal) -> Description:
        back = stored.rollback()
        return Description(
            change=f"target CPA {stored.money(stored.current_value)} → "
            f"{stored.money(stored.proposed_value)}",
            evidence=(),
            rollback=f"set the target CPA back to {stored.money(back.to_value)}",
        )


KIND = BidTarget()
