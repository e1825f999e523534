"""A world for the doctor to look at: every platform, and a warehouse with rates."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.config import load_settings
from pipelines.landing.ingest import ingest_account
from pipelines.privacy.salt import check_salt
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import World
from pipelines.secret_settings import Secrets
from pipelines.sources.registry import open_source
from pipelines.warehouse import open_warehouse
from pipelines.warehouse.duckdb_file import fold, log_of

TODAY = date(2026, 7, 1)
Report = dict[str, dict[str, Any]]


@contextmanager
def served(folder: Path) -> Iterator[World]:
    """Every platform, and a warehouse in which the exchange rates are."""
    # gRPC trusts what this process named first: the world is to use the same certificate
    shutil.copy(os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"], folder)
    with World(folder, Market(scale=0.05), TODAY, sources=None) as made:
        settings = load_settings(made.config)
        warehouse = open_warehouse(settings)
        check_salt(warehouse, made.secrets["ADCANARY_HASH_SALT"])
        source = open_source(settings, Secrets(), "fx_rates")
        ingest_account(warehouse, source, "ecb", now=settings.clock())
        assert fold(settings.warehouse.path)  # one file, that a test may copy
        yield made


@contextmanager
def undone(world: World, kept: Path) -> Iterator[None]:
    """Undoes at its end what was changed of the platforms, the warehouse and adcanary.yaml.

    Args:
        kept: where a copy of the warehouse is kept.
    """
    file = world.folder / "adcanary.duckdb"
    shutil.copy(file, kept)
    servers = {n: dict(vars(p.server)) for n, p in world.platforms.items() if p.server}
    google: Any = world.platforms["google_ads"].server
    users, scopes = dict(google.users), google.oauth.scopes
    yield
    for name, attributes in servers.items():
        server: Any = world.platforms[name].server
        vars(server).update(attributes)
        world.platforms[name].faults.switch_off()
        if hasattr(server, "ahead"):
            server.ahead = timedelta(0)
    google.users.clear()
    google.users.update(users)
    google.oauth.scopes = scopes
    assert world.mutations == []
    log_of(file).unlink(missing_ok=True)
    shutil.copy(kept, file)
    shutil.rmtree(world.folder / "backups", ignore_errors=True)
    world.write()


def examine(world: World, *checks: str, code: int | None = None) -> Report:
    """The findings by name, none of which holds a secret."""
    result = CliRunner().invoke(
        app, ["doctor", *checks, "--format", "json", "--config", str(world.config)]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    rows = json.loads(result.stdout)
    for secret in {*world.secrets.values()} - {"sandbox-salt"}:
        assert secret.startswith("/") or secret not in result.output
    for row in rows:
        assert set(row) == {"name", "status", "message", "fix"}
        assert row["status"] in {"ok", "warn", "fail", "skip"}
        assert (row["fix"] is not None) == (row["status"] in {"warn", "fail"})
    failing = any(row["status"] == "fail" for row in rows)
    assert result.exit_code == (code if code is not None else int(failing))
    assert len({row["name"] for row in rows}) == len(rows)
    return {row["name"]: row for row in rows}


def statuses(report: Report, status: str) -> set[str]:
    return {name for name, row in report.items() if row["status"] == status}


def change(world: World, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change adcanary.yaml."""
    settings = yaml.safe_load(world.config.read_text())
    edit(settings)
    world.config.write_text(yaml.safe_dump(settings))


def migrate(world: World, *options: str, code: int) -> set[tuple[str, str | None, bool]]:
    """Table and column of each change, and whether it was carried out."""
    result = CliRunner().invoke(
        app, ["migrate", *options, "--format", "json", "--config", str(world.config)]
    )
    assert result.exit_code == code, result.output
    return {(row["table"], row["column"], row["done"]) for row in json.loads(result.stdout)}
