"""One build of the hand-made rows, which several modules read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.build import PROJECT, build
from pipelines.build_results import BuildResult
from pipelines.config import Settings, WarehouseSettings
from pipelines.warehouse import open_warehouse
from tests.wire.raw_rows import fill


@dataclass(frozen=True)
class Built:
    """One build of the hand-made rows; ``project_before`` is what dbt/ held before it."""

    settings: Settings
    result: BuildResult
    progress: list[str]
    project_before: set[Path]


def settings_in(folder: Path, lock_timeout_seconds: float = 20.0) -> Settings:
    """A DuckDB warehouse in a folder."""
    return Settings(
        warehouse=WarehouseSettings(
            path=folder / "w.duckdb", lock_timeout_seconds=lock_timeout_seconds
        )
    )


def build_rows(folder: Path) -> Built:
    """Fill a warehouse and build it."""
    settings = settings_in(folder)
    fill(open_warehouse(settings))
    before, progress = set(PROJECT.rglob("*")), list[str]()
    return Built(settings, build(settings, on_progress=progress.append), progress, before)
