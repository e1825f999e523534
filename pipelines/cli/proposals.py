"""``adcanary propose``, ``proposals …`` and ``audit …``: from evidence to a person's decision."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli import report
from pipelines.cli.console import Format, out, print_plainly, print_rows
from pipelines.cli.options import ConfigOption, DayOption, FormatOption, day, open_settings, person
from pipelines.proposals.ledger import Actor
from pipelines.proposals.states import OPEN, Action, State

proposals_app = typer.Typer(no_args_is_help=True, help="List, show and decide proposals.")
audit_app = typer.Typer(no_args_is_help=True, help="Prove the event log.")

ActorOption = Annotated[str | None, typer.Option("--as", help="who decides (default: you)")]
CommentOption = Annotated[str | None, typer.Option("--comment", help="why")]


def propose(as_of: DayOption = None, config: ConfigOption = None) -> None:
    """Propose from the jobs' last results."""
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.propose import propose as append_new
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config)
    ledger = open_ledger(warehouse, settings)
    done = append_new(ledger, Terms.of(settings, day(as_of)), created_by=person(None))
    out.print(
        f"{len(done.created)} new, {len(done.existing)} known, {len(done.superseded)} superseded, "
        f"{len(done.expired)} expired"
    )
    for words in done.refused:
        print_plainly(f"Refused: {words}")
    shown = [p for p in ledger.read().proposals if p.state in OPEN]
    if shown:
        report.print_proposals(shown)


@proposals_app.command("list")
def list_proposals(format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Every proposal's last revision and its state."""
    from pipelines.proposals.ledger import open_ledger

    settings, warehouse = open_settings(config, create=False)
    proposals = open_ledger(warehouse, settings).read().proposals
    if format_ is Format.TABLE:
        report.print_proposals(proposals)
    else:
        print_rows([report.listed(p) for p in proposals], format_)


@proposals_app.command("show")
def show_proposal(
    proposal_id: str, format_: FormatOption = Format.TABLE, config: ConfigOption = None
) -> None:
    """One proposal: certificate, evidence, rollback, history."""
    from pipelines.proposals.ledger import open_ledger

    settings, warehouse = open_settings(config, create=False)
    ledger = open_ledger(warehouse, settings)
    proposal = ledger.read().proposal(proposal_id)
    if format_ is Format.TABLE:
        events = [e for e in ledger.events() if e.proposal_id == proposal.proposal_id]
        report.print_proposal(proposal, events)
    else:
        print_rows([report.listed(proposal)], format_)


@proposals_app.command()
def approve(
    proposal_id: str,
    actor: ActorOption = None,
    comment: CommentOption = None,
    seen_hash: Annotated[
        str | None, typer.Option("--hash", help="content hash that `show` printed, or its start")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Approve a proposal; it is recorded in the shadow feed, never applied."""
    from pipelines.proposals import decide
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config)
    state = decide.approve(
        open_ledger(warehouse, settings),
        Terms.of(settings),
        proposal_id,
        Actor(person(actor), "person"),
        comment=comment,
        seen_hash=seen_hash,
    )
    more = " (approved; it needs another person too)" if state == State.PENDING_REVIEW else ""
    out.print(f"{proposal_id}: {state}{more}")


def _decision(name: str, action: Action, doc: str) -> None:
    """The three decisions that only move a proposal differ in nothing but their action."""

    def command(
        proposal_id: str,
        actor: ActorOption = None,
        comment: CommentOption = None,
        config: ConfigOption = None,
    ) -> None:
        from pipelines.proposals import decide
        from pipelines.proposals.ledger import open_ledger

        settings, warehouse = open_settings(config)
        ledger = open_ledger(warehouse, settings)
        now = settings.clock()
        state = decide.decide(
            ledger, proposal_id, action, Actor(person(actor), "person"), now=now, comment=comment
        )
        out.print(f"{proposal_id}: {state}")

    proposals_app.command(name, help=doc)(command)


_decision("reject", Action.REJECT, "Reject a proposal.")
_decision("request-changes", Action.REQUEST_CHANGES, "Ask for changes; blocks approval.")
_decision("withdraw", Action.WITHDRAW, "Take a proposal back.")


@audit_app.command("verify")
def verify(config: ConfigOption = None) -> None:
    """Prove that no event and no proposal was changed after the fact."""
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.verify import verify as verify_ledger

    settings, warehouse = open_settings(config, create=False)
    print_plainly(verify_ledger(open_ledger(warehouse, settings)))
