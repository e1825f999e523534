"""``adcanary privacy …``: what people may ask about their data, and what expires by itself.

A person is given as ``--person VALUE``; ``-`` reads it from standard input, which leaves no trace
in the shell's history or the list of processes. The value is hashed at once and never shown.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import Format, of_rows, print_plainly, print_rows
from pipelines.cli.options import ConfigOption, FormatOption, RowsOption, open_settings
from pipelines.cli.options import person as actor_name
from pipelines.errors import UsageError
from pipelines.privacy.subject_kind import SubjectKind

if TYPE_CHECKING:
    from pipelines.config import Settings
    from pipelines.privacy.declared import Id
    from pipelines.privacy.erasure import Reached
    from pipelines.privacy.linkage import Person
    from pipelines.warehouse import Warehouse

privacy_app = typer.Typer(no_args_is_help=True, help="Export, erase and expire people's data.")

_SHOWN = 8  # characters of a stored id: enough to tell it from others

PersonOption = Annotated[
    str,
    typer.Option("--person", help="E-mail, phone (+49 …) or user id; - to read standard input."),
]
KindOption = Annotated[
    SubjectKind | None, typer.Option("--kind", help="What --person is, if the guess is wrong.")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", help="Reason for the record, such as a ticket; no names.")
]
AsOption = Annotated[str | None, typer.Option("--as", help="Who runs this (default: you).")]


@privacy_app.command("export")
def export_person(
    *,
    person: PersonOption,
    kind: KindOption = None,
    reason: ReasonOption = "requested by the person",
    actor: AsOption = None,
    file: Annotated[Path | None, typer.Option("--out", help="Write to this new file.")] = None,
    config: ConfigOption = None,
) -> None:
    """Export everything stored about a person, as JSON."""
    from pipelines.privacy.export import as_json, export, write
    from pipelines.privacy.requests import Request

    settings, warehouse = open_settings(config)
    subject = _find(settings, warehouse, person, kind)
    request = Request("export", actor_name(actor), reason, settings.clock())
    document = export(warehouse, subject, request)
    if file is None:
        sys.stdout.write(as_json(document).decode())
        return
    write(document, file)
    rows = [{"table": table, "rows": len(held)} for table, held in document["tables"].items()]
    print_rows(rows, Format.TABLE)
    print_plainly(f"Wrote {file}; only you can read it.")


@privacy_app.command()
def erase(
    *,
    person: PersonOption,
    kind: KindOption = None,
    reason: ReasonOption = "requested by the person",
    actor: AsOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Erase a person everywhere, and prove it.

    Shows what would be erased, and asks first. A DuckDB file is then written anew, so that no
    deleted byte stays in it (`adcanary privacy compact`).
    """
    from pipelines.privacy import erasure
    from pipelines.privacy.requests import Request
    from pipelines.warehouse.compaction import compact

    settings, warehouse = open_settings(config)
    if not yes and format_ is not Format.TABLE:
        raise UsageError(
            "--format other than table can't ask for confirmation.",
            kept="nothing was erased.",
            fix="Add --yes, or leave out --format to be asked.",
        )
    subject = _find(settings, warehouse, person, kind)
    if not yes:
        _show(subject, erasure.preview(warehouse, subject))
        if person == "-" or not sys.stdin.isatty() or not typer.confirm("Erase this for good?"):
            raise UsageError(
                "The erasure was not confirmed.",
                kept="nothing was erased.",
                fix="Confirm it, or add --yes.",
            )
    request = Request("erase", actor_name(actor), reason, settings.clock())
    done = erasure.erase(warehouse, subject, request)
    compact(warehouse)
    if format_ is Format.TABLE:
        if yes:
            _show(subject, done.reached)
        print_plainly(
            f"Erased: none of the {done.scanned} tables holds any of the ids. "
            f"Request {done.request_id}. Run `adcanary build` to bring the models up to date."
        )
        return
    tables = [_row(reached) for reached in done.reached]
    if format_ is Format.CSV:
        print_rows(tables, format_)
        return
    summary = {
        "request_id": done.request_id,
        "tables": tables,
        "shared": [_shown(id_) for id_ in sorted(subject.shared)],
        "scanned_tables": done.scanned,
    }
    print_rows([summary], format_)


@privacy_app.command("compact")
def compact_file(config: ConfigOption = None) -> None:
    """Write the DuckDB file anew, without the bytes of rows that were deleted.

    `adcanary privacy erase` does so by itself. After rows have expired, or consent was withdrawn,
    their bytes stay in the file until then. BigQuery has nothing to compact.
    """
    from pipelines.warehouse.compaction import compact

    _, warehouse = open_settings(config)
    size = compact(warehouse)
    if size is None:
        print_plainly("BigQuery keeps no file that could be compacted. Nothing was done.")
    else:
        print_plainly(f"Compacted: the file has {size / 1e6:,.1f} MB, and nothing of deleted rows.")


@privacy_app.command("expire")
def expire_events(
    days: Annotated[int | None, typer.Option(help="Days to keep (default: as configured).")] = None,
    format_: RowsOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete event-level rows older than the retention period."""
    from pipelines.privacy.retention import expire

    settings, warehouse = open_settings(config)
    kept = settings.privacy.event_retention_days if days is None else days
    rows = expire(warehouse, settings.today(), kept)
    print_rows([{"table": table, "rows": n} for table, n in rows.items()], of_rows(format_))


@privacy_app.command("requests")
def list_requests(format_: RowsOption = None, config: ConfigOption = None) -> None:
    """List the exports and erasures: who ran them, why, when, and the proof."""
    _, warehouse = open_settings(config)
    rows = warehouse.query("SELECT * FROM raw.privacy_requests ORDER BY requested_at")
    print_rows(rows.to_pylist(), of_rows(format_), columns=rows.column_names)


def _find(settings: Settings, warehouse: Warehouse, value: str, kind: SubjectKind | None) -> Person:
    from pipelines.placeholders import placeholders
    from pipelines.privacy.linkage import find_person
    from pipelines.privacy.nobodys import forget_placeholders
    from pipelines.privacy.salt import check_salt
    from pipelines.privacy.subject import detect, identify
    from pipelines.secret_settings import Secrets

    given = sys.stdin.readline().strip() if value == "-" else value
    salt = Secrets().require("hash_salt")
    check_salt(warehouse, salt)
    typer.echo(f"Read as: {kind or detect(given)}", err=True)
    nobodys = placeholders(settings.identity.placeholders)
    seeds = identify(given, salt, kind, nobodys)
    for table, rows in forget_placeholders(warehouse, salt, nobodys).items():
        typer.echo(
            f"{table}: {rows} ids that are nobody's, such as undefined, set to NULL", err=True
        )
    return find_person(warehouse, seeds)


def _show(person: Person, reached: tuple[Reached, ...]) -> None:
    print_rows([_row(each) for each in reached], Format.TABLE)
    for id_ in sorted(person.shared):
        print_plainly(
            f"Kept: {_shown(id_)}, which other people have too; rows that name the person still go."
        )


def _row(reached: Reached) -> dict[str, str | int]:
    return {"table": reached.table, "action": reached.action, "rows": reached.rows}


def _shown(id_: Id) -> str:
    return f"{id_.kind} {id_.value[:_SHOWN]}…"
