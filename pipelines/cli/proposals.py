"""``adcanary propose``, ``proposals …`` and ``audit …``: from evidence to a person's decision."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import Format, out, print_plainly, print_rows
from pipelines.cli.options import AsOfOption, ConfigOption, FormatOption, day, open_settings, person
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
    from pipelines.cli import report
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.propose import propose as append_new
    from pipelines.proposals.terms import Terms, unlike_file

    settings, warehouse = open_settings(config)
    ledger = open_ledger(warehouse, settings)
    terms = Terms.of(settings, ledger.policy(), day(as_of))
    done = append_new(ledger, terms, created_by=person(None))
    out.print(
        f"{len(done.created)} new, {len(done.existing)} known, {len(done.superseded)} superseded, "
        f"{len(done.expired)} expired"
    )
    if note := unlike_file(terms.policy, settings):
        print_plainly(note)
    for reason in done.refused:
        print_plainly(f"Refused: {reason}")
    shown = [p for p in ledger.read().proposals if p.state in OPEN]
    if shown:
        report.print_proposals(shown)


@proposals_app.command("list")
def list_proposals(format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """List every proposal, with its latest revision and its state."""
    from pipelines.cli import report
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
    from pipelines.cli import report
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
    *,
    actor: ActorOption = None,
    comment: CommentOption = None,
    seen_hash: Annotated[
        str | None,
        typer.Option(
            "--hash",
            help="Refuse any content but this: the hash that `show` printed, or its start.",
        ),
    ] = None,
    break_glass: Annotated[
        bool,
        typer.Option(
            "--break-glass",
            help="As an admin, with --comment: in place of all who must approve, and even while "
            "everything is stopped. The guardrails hold all the same.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Approve a proposal.

    It is recorded in the shadow feed, and never applied to a platform.
    """
    from pipelines.proposals import decide
    from pipelines.proposals.events import Actor
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config)
    ledger = open_ledger(warehouse, settings)
    decision = decide.approve(
        ledger,
        Terms.of(settings, ledger.policy()),
        proposal_id,
        Actor(person(actor), "person"),
        comment=comment,
        seen_hash=seen_hash,
        break_glass=break_glass,
    )
    more = f": approved; {decision.why}"
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
        from pipelines.proposals.events import Actor
        from pipelines.proposals.ledger import open_ledger
        from pipelines.proposals.terms import Terms

        settings, warehouse = open_settings(config)
        ledger = open_ledger(warehouse, settings)
        state = decide.decide(
            ledger,
            Terms.of(settings, ledger.policy()),
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
_decision(
    "revoke",
    Action.REVOKE,
    "Take a recorded change back before somebody carries it out; the feed keeps the record.",
)


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
    from pipelines.proposals.bucket_anchor import open_anchor
    from pipelines.proposals.events import Actor
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms, file_policy

    settings, warehouse = open_settings(config, create=accept)
    at = open_anchor(settings)
    if accept:
        count = decide.accept_anchor(
            open_ledger(warehouse, settings),
            Terms.of(settings, file_policy(settings)),
            Actor(person(actor), "person"),
            comment=comment,
        )
        print_plainly(f"{at.place}: a new anchor, from event {count} on.")
        return
    anchored = at.read()
    if anchored is None:
        print_plainly(f"{at.place}: not there.")
        return
    last = anchored.lines[-1].sequence if anchored.lines else 0
    print_plainly(f"{at.place}: {len(anchored.lines)} line(s), the last of event {last}.")
