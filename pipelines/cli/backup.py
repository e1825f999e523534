"""``adcanary backup`` and ``adcanary restore``: the DuckDB file as one verified file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import err, print_plainly
from pipelines.cli.options import ConfigOption
from pipelines.errors import IntegrityError

if TYPE_CHECKING:
    from pipelines.config import Settings
    from pipelines.warehouse.backup import Saved


def backup(
    destination: Annotated[
        Path | None,
        typer.Argument(help="File to write, or a folder for it (default: backups/ beside it)."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write the DuckDB file, with its log, as one file that is verified; others may go on."""
    from pipelines.backups import save
    from pipelines.config import load_settings

    _print(save(load_settings(config), destination))
    print_plainly(
        "Not in it: adcanary.yaml, the salt, and the anchor of decisions in .adcanary/ beside "
        "adcanary.yaml. Keep those elsewhere, too. It holds what the warehouse holds of people, "
        "out of reach of erasure and retention: delete it in time."
    )


def restore(
    backup_file: Annotated[Path, typer.Argument(metavar="BACKUP", help="File to put back.")],
    config: ConfigOption = None,
) -> None:
    """Put a backup where the DuckDB file was, verified; nothing is overwritten."""
    from pipelines.backups import duckdb_file_of, verify_copy
    from pipelines.config import load_settings
    from pipelines.warehouse.backup import put_back

    settings = load_settings(config)
    path = duckdb_file_of(settings)
    _print(put_back(backup_file, path, lambda copy: verify_copy(settings, copy)))
    print_plainly(
        "What came after it is not in it. Run `adcanary ingest --all`, repeat every erasure and "
        "withdrawal of consent since then, and run `adcanary build`."
    )
    _compare_with_anchor(settings)


def _compare_with_anchor(settings: Settings) -> None:
    """Say where the restored decisions differ from the anchor, which a restore leaves alone."""
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.verify import verify
    from pipelines.warehouse import open_warehouse

    warehouse = open_warehouse(settings)
    try:
        verify(open_ledger(warehouse, settings))
    except IntegrityError as error:
        err.print(
            f"The anchor of decisions knows more than this backup: {error.message}\nDecisions "
            "were made after it that are lost with the old file. `adcanary audit verify` says so "
            "until a person has accounted for them; the anchor was not changed.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _print(saved: Saved) -> None:
    print_plainly(
        f"Wrote {saved.path}: {saved.size / 1e6:,.1f} MB, {saved.tables} tables, "
        f"{saved.rows:,} rows, in {saved.seconds:.1f} s."
    )
    print_plainly(f"Verified: it opens, every row reads the same, and {saved.verified}.")
