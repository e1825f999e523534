"""One simulated market, and the daily flow run on it once for each warehouse."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.sandbox.market.market import Market
from pipelines.sandbox.world import ADMIN, World
from tests.e2e.review_fixtures import browser, review_world, server, signer, visit

__all__ = ["browser", "review_world", "server", "signer", "visit"]

START = "2025-01-01"
TODAY = date(2026, 7, 1)
SCALE = 0.05  # fewer visits than in the demo: the same code, in less time


@dataclass
class Platform:
    """The platform as a data engineer has it: a world to pull from and commands to run."""

    world: World

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``python -m …`` in the world's environment, not waited for."""
        environment = {
            **self.world.environment,
            "PREFECT_HOME": str(self.world.folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            # a busy machine takes longer than the default of 20 s
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        }
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """``python -m …`` to its end, which has to be 0; what it printed."""
        process = self.start(*arguments)
        out, err = process.communicate()
        assert process.returncode == 0, f"{arguments} ended with {process.returncode}\n{out}\n{err}"
        return out

    def adcanary(self, *arguments: str) -> str:
        return self.run("pipelines.cli", *arguments)

    def query(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.adcanary("query", sql, "--format", "json"))
        return rows

    def daily(self) -> None:
        self.run("flows.daily", "--config", str(self.world.config))


def run_once(world: World) -> Platform:
    platform = Platform(world)
    platform.adcanary("ingest", "--all", "--backfill", "--start", START, "--why", "first load")
    platform.adcanary("policy", "set", "--as", ADMIN)
    platform.daily()
    return platform


@pytest.fixture(scope="session")
def market() -> Market:
    return Market(scale=SCALE)


@pytest.fixture(scope="session")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory, market: Market) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("duckdb")
    with World(folder, market, TODAY) as world:
        yield run_once(world)


@pytest.fixture
def patience() -> float:
    """The instant at which 30 seconds have passed."""
    return time.monotonic() + 30


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the real data is not part of the project")
    return folder
