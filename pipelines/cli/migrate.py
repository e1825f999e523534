"""``adcanary migrate``: brings deployed tables to their contracts, as far as that is additive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import ConfigOption, FormatOption, open_settings

if TYPE_CHECKING:
    from pipelines.contracts import Contract
    from pipelines.warehouse import Warehouse
    from pipelines.warehouse.drift import Change


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and change nothing.")
    ] = False,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Bring the tables of the warehouse to their contracts (sql/contracts).

    Carried out is what is additive: a missing table, a new column that may be NULL, NULL allowed,
    a description. Anything else is refused: it is shown with what to do, and the exit code is 1.
    """
    from pipelines.contracts import load_contracts
    from pipelines.warehouse.drift import plan

    _, warehouse = open_settings(config, create=False)
    contracts = load_contracts()
    changes = plan(contracts.values(), warehouse.deployed(contracts.values()))
    if not dry_run:
        _carry_out(warehouse, contracts, [change for change in changes if change.additive])
    refused = [change for change in changes if not change.additive]
    if format_ is not Format.TABLE:
        print_rows([_row(c, dry_run) for c in changes], format_, columns=_COLUMNS)
    else:
        _print(changes, refused, dry_run)
    if refused:
        raise SystemExit(1)


_COLUMNS = ("table", "action", "column", "difference", "done", "fix")


def _carry_out(
    warehouse: Warehouse, contracts: Mapping[str, Contract], changes: Sequence[Change]
) -> None:
    if not changes:
        return
    with warehouse.unit():
        for table, of_table in groupby(changes, key=lambda change: change.table):
            warehouse.carry_out(contracts[table], list(of_table))


def _row(change: Change, dry_run: bool) -> dict[str, Any]:
    done = change.additive and not dry_run
    values = (change.table, change.action, change.column, change.text, done, change.fix)
    return dict(zip(_COLUMNS, values, strict=True))


def _print(changes: Sequence[Change], refused: Sequence[Change], dry_run: bool) -> None:
    rows = [{k: row[k] for k in _COLUMNS[:-1]} for row in (_row(c, dry_run) for c in changes)]
    if rows:
        print_rows(
            [{**row, "column": row["column"] or "", "done": _said(row["done"])} for row in rows],
            Format.TABLE,
        )
    for change in refused:
        print_plainly(f"Refused: {change.table}: {change.text}.")
        print_plainly(f"  {change.fix}")
    additive = len(changes) - len(refused)
    outcome = "would be carried out" if dry_run else "carried out"
    if changes:
        print_plainly(f"{additive} {outcome}, {len(refused)} refused; no row was changed.")
    else:
        print_plainly("Every table is as its contract says.")


def _said(done: bool) -> str:
    return "yes" if done else "no"
