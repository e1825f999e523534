"""``adcanary propose``, ``proposals …`` and ``audit …``: from evidence to a person's decision."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli import report
from pipelines.cli.console import Format, out, print_plainly, print_rows
from pipelines.cli.options import AsOfOption, ConfigOption, FormatOption, day, open_settings, person
from pipelines.proposals.ledger import Actor
from pipelines.proposals.states import OPEN, Action, State

proposals_app = typer.Typer(
    no_args_is_help=True, help="List and show proposals, and decide on them."
)
audit_app = typer.Typer(no_args_is_help=True, help="Verify the record of decisions.")

IdArgument = Annotated[str, typer.Argument(help="Proposal id, or its first characters.")]
ActorOption = Annotated[str | None, typer.Option("--as", help="Who decides (default: you).")]
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
    state = decide.approve(
        open_ledger(warehouse, settings),
        Terms.of(settings),
        proposal_id,
        Actor(person(actor), "person"),
        comment=comment,
        seen_hash=seen_hash,
    )
    more = (
        " (approved; a second person must approve it too)" if state == State.PENDING_REVIEW else ""
    )
    print_plainly(f"{proposal_id}: {state}{more}")


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

        settings, warehouse = open_settings(config)
        ledger = open_ledger(warehouse, settings)
        now = settings.clock()
        state = decide.decide(
            ledger, proposal_id, action, Actor(person(actor), "person"), now=now, comment=comment
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
    """Prove that no event or proposal was changed after the fact."""
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.verify import verify as verify_ledger

    settings, warehouse = open_settings(config, create=False)
    print_plainly(verify_ledger(open_ledger(warehouse, settings)))
