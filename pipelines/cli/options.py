"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import getpass
import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format
from pipelines.config import Settings, load_settings
from pipelines.warehouse import Warehouse, open_warehouse

ConfigOption = Annotated[Path | None, typer.Option("--config", help="adcanary.yaml to use")]
FormatOption = Annotated[Format, typer.Option("--format", help="table, json or csv")]
DayOption = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def open_settings(config: Path | None, *, create: bool = True) -> tuple[Settings, Warehouse]:
    """The settings and their warehouse; ``create`` makes a DuckDB file that isn't there yet."""
    settings = load_settings(config)
    return settings, open_warehouse(settings, create=create)


def day(value: datetime | None) -> date | None:
    """The day of an option, which Typer reads as midnight."""
    return value.date() if value else None


def person(name: str | None) -> str:
    """The name of who acts: as given, else $ADCANARY_USER, else the login name.

    One person has one name, however it is typed: two approvals need two people.
    """
    chosen = name or os.environ.get("ADCANARY_USER") or getpass.getuser()
    return " ".join(chosen.casefold().split())
