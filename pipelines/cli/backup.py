"""``adcanary backup`` and ``adcanary restore``: the DuckDB file as one verified file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import err, print_plainly
from pipelines.cli.options import ConfigOption
from pipelines.errors import IntegrityError, UsageError

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
    from pipelines.warehouse.backup import back_up

    settings = _duckdb_settings(config)
    path = settings.warehouse.path
    if not path.exists():
        raise UsageError(
            f"There is no warehouse at {path} yet.",
            kept="nothing was written.",
            fix="Check warehouse.path in adcanary.yaml.",
        )
    name = f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{path.suffix}"
    if destination is None:
        destination = path.parent / "backups" / name
        destination.parent.mkdir(exist_ok=True)
    elif destination.is_dir():
        destination = destination / name
    patience = settings.warehouse.lock_timeout_seconds
    _print(back_up(path, destination, patience, lambda copy: _verify(settings, copy)))
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
    from pipelines.warehouse.backup import put_back

    settings = _duckdb_settings(config)
    path = settings.warehouse.path
    _print(put_back(backup_file, path, lambda copy: _verify(settings, copy)))
    print_plainly(
        "What came after it is not in it. Run `adcanary ingest --all`, repeat every erasure and "
        "withdrawal of consent since then, and run `adcanary build`."
    )
    _compare_with_anchor(settings)


def _duckdb_settings(config: Path | None) -> Settings:
    from pipelines.config import load_settings

    settings = load_settings(config)
    if settings.warehouse.kind == "duckdb":
        return settings
    raise UsageError(
        "backup and restore are for the DuckDB file; this warehouse is on BigQuery.",
        kept="nothing was written.",
        fix="BigQuery keeps seven days of every table by itself: SELECT … FOR SYSTEM_TIME AS OF. "
        "For longer, take snapshots: CREATE SNAPSHOT TABLE … CLONE …, and restore with "
        "CREATE TABLE … CLONE ….",
    )


def _verify(settings: Settings, copy: Path) -> str:
    """Verify the record of decisions in a copy; its anchor stays with the original."""
    from pipelines.proposals.ledger import Ledger
    from pipelines.proposals.verify import verify
    from pipelines.warehouse import open_warehouse

    at_copy = settings.warehouse.model_copy(update={"path": copy})
    warehouse = open_warehouse(settings.model_copy(update={"warehouse": at_copy}), create=False)
    if "canary" not in warehouse.datasets():
        return "it holds no decisions"
    return verify(Ledger(warehouse, None)).partition(", and there is no anchor")[0]


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
