"""``adcanary propose``, ``proposals …`` and ``audit …``: from evidence to a person's decision."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli import report
from pipelines.cli.console import Format, out, print_plainly, print_rows
from pipelines.cli.options import AsOfOption, ConfigOption, FormatOption, day, open_settings, person
from pipelines.proposals.events import Actor
from pipelines.proposals.states import OPEN, Action, State

proposals_app = typer.Typer(
    no_args_is_help=True, help="List and show proposals, and decide on them."
)
audit_app = typer.Typer(no_args_is_help=True, help="Verify the record of decisions.")

IdArgument = Annotated[str, typer.Argument(help="Proposal id, or its first characters.")]
ActorOption = Annotated[
    str | None,
    typer.Option("--as", help="Who decides (default: you). A name is what one types: no proof."),
]
CommentOption = Annotated[
    str | None, typer.Option("--comment", help="Reason for the decision, for the record.")
]


def propose(as_of: AsOfOption = None, config: ConfigOption = None) -> None:
    """Draft proposals from the jobs' latest results."""
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
    for change in done.policy_changes:
        print_plainly(f"Policy: {change}")
    for reason in done.refused:
        print_plainly(f"Refused: {reason}")
    shown = [p for p in ledger.read().proposals if p.state in OPEN]
    if shown:
        report.print_proposals(shown)


@proposals_app.command("list")
def list_proposals(format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """List every proposal, with its latest revision and its state."""
    from pipelines.proposals.ledger import open_ledger

    settings, warehouse = open_settings(config, create=False)
    proposals = open_ledger(warehouse, settings).read().proposals
    if format_ is Format.TABLE:
        report.print_proposals(proposals)
    else:
        print_rows([report.listed(p) for p in proposals], format_)


@proposals_app.command("show")
def show_proposal(
    proposal_id: IdArgument, format_: FormatOption = Format.TABLE, config: ConfigOption = None
) -> None:
    """Show one proposal: effect, evidence, guardrails, rollback and history."""
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
    proposal_id: IdArgument,
    actor: ActorOption = None,
    comment: CommentOption = None,
    seen_hash: Annotated[
        str | None,
        typer.Option(
            "--hash",
            help="Refuse any content but this: the hash that `show` printed, or its start.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Approve a proposal.

    It is recorded in the shadow feed, and never applied to a platform.
    """
    from pipelines.proposals import decide
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config)
    decision = decide.approve(
        open_ledger(warehouse, settings),
        Terms.of(settings),
        proposal_id,
        Actor(person(actor), "person"),
        comment=comment,
        seen_hash=seen_hash,
    )
    more = ": approved; a second person must approve it too"
    if decision.state != State.PENDING_REVIEW:
        more = f": {decision.why}. Run `adcanary propose`." if decision.why else ""
    print_plainly(f"{proposal_id}: {decision.state}{more}")


def _decision(name: str, action: Action, doc: str) -> None:
    """Add the command for a decision that only moves a proposal to another state."""

    def command(
        proposal_id: IdArgument,
        actor: ActorOption = None,
        comment: CommentOption = None,
        config: ConfigOption = None,
    ) -> None:
        from pipelines.proposals import decide
        from pipelines.proposals.ledger import open_ledger
        from pipelines.proposals.terms import Terms

        settings, warehouse = open_settings(config)
        state = decide.decide(
            open_ledger(warehouse, settings),
            Terms.of(settings),
            proposal_id,
            action,
            Actor(person(actor), "person"),
            comment=comment,
        )
        print_plainly(f"{proposal_id}: {state}")

    proposals_app.command(name, help=doc)(command)


_decision("reject", Action.REJECT, "Reject a proposal.")
_decision(
    "request-changes",
    Action.REQUEST_CHANGES,
    "Ask for changes to a proposal, which blocks its approval.",
)
_decision("withdraw", Action.WITHDRAW, "Withdraw a proposal.")


@audit_app.command("verify")
def verify(config: ConfigOption = None) -> None:
    """Prove that no event, proposal or change was altered after the fact.

    Prints every change of the policy, too.
    """
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.verify import verify as verify_ledger

    settings, warehouse = open_settings(config, create=False)
    print_plainly(verify_ledger(open_ledger(warehouse, settings), settings.clock()))


@audit_app.command("anchor")
def anchor(
    accept: Annotated[
        bool, typer.Option("--accept", help="Begin a new anchor from the ledger as it is.")
    ] = False,
    actor: ActorOption = None,
    comment: CommentOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the anchor that the ledger is held to; begin a new one with --accept.

    Look first at why it is missing or differs: what was put back or rewritten before is not found
    afterwards. Who accepted it is recorded as an event. With --comment, it also sets the ledger's
    clock back to now, where the newest event's clock was ahead.
    """
    from pipelines.proposals import decide
    from pipelines.proposals.anchor import Anchor
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config, create=accept)
    path = Anchor.beside(settings).path
    if accept:
        count = decide.accept_anchor(
            open_ledger(warehouse, settings),
            Terms.of(settings),
            Actor(person(actor), "person"),
            comment=comment,
        )
        print_plainly(f"{path}: a new anchor, from event {count} on.")
        return
    anchored = Anchor.beside(settings).read()
    if anchored is None:
        print_plainly(f"{path}: not there.")
        return
    last = anchored.lines[-1].sequence if anchored.lines else 0
    print_plainly(f"{path}: {len(anchored.lines)} line(s), the last of event {last}.")
