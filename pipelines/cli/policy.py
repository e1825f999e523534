"""``adcanary policy …``, ``stop`` and ``resume``: what holds for all proposals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import ConfigOption, FormatOption, open_settings, person

if TYPE_CHECKING:
    from pipelines.config import Settings
    from pipelines.proposals.events import Actor

policy_app = typer.Typer(
    no_args_is_help=True, help="What proposals are held to, and who decides on them."
)

ActorOption = Annotated[
    str | None,
    typer.Option("--as", help="Who acts (default: you). A name is what one types: no proof."),
]
WhyOption = Annotated[str, typer.Option("--why", help="Reason, for the record.")]


@policy_app.command("show")
def show(format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Show the policy in force, who put it there, and whether everything is stopped."""
    from pipelines.proposals.book import no_policy
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import unlike_file

    settings, warehouse = open_settings(config)
    book = open_ledger(warehouse, settings).read()
    if book.policy is None or book.policy_event is None:
        raise no_policy()
    values = json.loads(book.policy.text)
    rows = [{"setting": name, "value": json.dumps(value)} for name, value in values.items()]
    print_rows(rows, format_)
    if format_ is not Format.TABLE:
        return
    event = book.policy_event
    print_plainly(
        f"In force since event {event.sequence}, {event.occurred_at:%Y-%m-%d %H:%M} UTC "
        f"({event.actor})."
    )
    if book.stop:
        print_plainly(
            f"Stopped since event {book.stop.sequence}, {book.stop.occurred_at:%Y-%m-%d %H:%M} UTC "
            f"({book.stop.actor}): {book.stop.comment}"
        )
    if note := unlike_file(book.policy, settings):
        print_plainly(note)


@policy_app.command("check")
def check(config: ConfigOption = None) -> None:
    """Check the policy file, and say what `policy set` would change. Changes nothing."""
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import file_policy

    settings, warehouse = open_settings(config)
    asked = file_policy(settings)
    in_force = open_ledger(warehouse, settings).read().policy
    if in_force is None:
        print_plainly("The policy file is valid; no policy is in force yet.")
        return
    changes = asked.changes(in_force)
    print_plainly("\n".join(changes) or "The policy file is valid, and in force as it is.")


@policy_app.command("set")
def set_policy(
    actor: ActorOption = None,
    why: Annotated[str | None, typer.Option("--why", help="Reason, for the record.")] = None,
    config: ConfigOption = None,
) -> None:
    """Put the policy file in force, as an admin.

    What was proposed before can't be approved any more: run `adcanary propose` afterwards.
    """
    from pipelines.proposals import govern
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms, file_policy

    settings, warehouse = open_settings(config)
    policy, ledger = file_policy(settings), open_ledger(warehouse, settings)
    before = ledger.read().policy
    moment = Terms.of(settings, policy).moment
    changes = govern.set_policy(ledger, policy, moment, _actor(actor), comment=why)
    if before == policy:
        print_plainly("The policy file is in force already; nothing was recorded.")
        return
    print_plainly("\n".join(changes) if before else f"In force: {_named(settings)}.")


def stop(why: WhyOption, actor: ActorOption = None, config: ConfigOption = None) -> None:
    """Stop everything at once: nothing is proposed or approved until an admin resumes."""
    from pipelines.proposals import govern
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config)
    ledger = open_ledger(warehouse, settings)
    govern.stop(ledger, Terms.of(settings, ledger.policy()).moment, _actor(actor), why)
    print_plainly("Stopped: nothing is proposed or approved until `adcanary resume`.")


def resume(why: WhyOption, actor: ActorOption = None, config: ConfigOption = None) -> None:
    """End a stop, as an admin."""
    from pipelines.proposals import govern
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.terms import Terms

    settings, warehouse = open_settings(config)
    ledger = open_ledger(warehouse, settings)
    govern.resume(ledger, Terms.of(settings, ledger.policy()).moment, _actor(actor), why)
    print_plainly("Resumed.")


def _actor(name: str | None) -> Actor:
    from pipelines.proposals.events import Actor

    return Actor(person(name), "person")


def _named(settings: Settings) -> str:
    people = settings.policy.people
    groups = "; ".join(f"{group}: {', '.join(names)}" for group, names in people.approvers.items())
    return f"admins: {', '.join(people.admins)}" + (f"; {groups}" if groups else "")
