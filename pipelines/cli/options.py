"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.console import Format
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.config import Settings
    from pipelines.warehouse import Warehouse


def day_option(help_: str) -> Any:
    """A Typer option that takes a day."""
    return typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help=help_)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Configuration file (default: $ADCANARY_CONFIG, then ./adcanary.yaml)."
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]
RowsOption = Annotated[
    Format | None,
    typer.Option("--format", help="Output format (default: table; tsv where it is piped)."),
]
SeedOption = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the random numbers.")]
AsOfOption = Annotated[
    datetime | None, day_option("Last day of evidence to use (default: yesterday).")
]


def refuse_given(ctx: typer.Context, names: Sequence[str], because: str, fix: str) -> None:
    """Refuse options that a person gave and the command would not use.

    Raises:
        UsageError: one of them was given.
    """
    given = [
        f"--{name.replace('_', '-')}"
        for name in names
        if (source := ctx.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        raise UsageError(
            f"{', '.join(given)} can't be used {because}.", kept="nothing was read.", fix=fix
        )


def open_settings(config: Path | None, *, create: bool = True) -> tuple[Settings, Warehouse]:
    """The settings and their warehouse; ``create`` also creates its missing tables."""
    from pipelines.config import load_settings
    from pipelines.warehouse import open_warehouse

    settings = load_settings(config)
    return settings, open_warehouse(settings, create=create)


def day(value: datetime | None) -> date | None:
    """The day that an option holds, which Typer reads as midnight."""
    return value.date() if value else None


def person(name: str | None) -> str:
    """The name of the person acting: as given, else $ADCANARY_USER, else the login name.

    Raises:
        UsageError, DecisionRefused: it isn't a person's name (``proposals.people``).
    """
    from pipelines.proposals.people import person_name

    return person_name(name or os.environ.get("ADCANARY_USER") or getpass.getuser())
