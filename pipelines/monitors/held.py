"""What the monitors look at: the settings, and the warehouse, opened once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.config import Settings
from pipelines.errors import (
    MissingTableError,
    WarehouseError,
    WarehouseLocked,
    WarehouseUnavailable,
)
from pipelines.finding import Finding
from pipelines.landing.freshness import Freshness, freshness
from pipelines.warehouse import Warehouse, open_warehouse
from pipelines.warehouse.base import Value

Kept = tuple[Any, list[Finding]]


class Held:
    """One installation's warehouse, of which nothing is created or changed.

    Args:
        kept: findings of earlier looks, for :meth:`once`; takes those of this one.
    """

    def __init__(self, settings: Settings, kept: dict[str, Kept] | None = None) -> None:
        self.settings = settings
        self._kept = {} if kept is None else kept
        self._unavailable: WarehouseError | None = None

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse; one that doesn't answer is waited for once.

        Raises:
            WarehouseLocked, WarehouseUnavailable: try again later.
        """
        if self._unavailable is not None:
            raise self._unavailable
        return self._opened

    @cached_property
    def _opened(self) -> Warehouse:
        warehouse = open_warehouse(self.settings, create=False)
        try:
            warehouse.datasets()
        except (WarehouseLocked, WarehouseUnavailable) as error:
            self._unavailable = error
            raise
        return warehouse

    @property
    def exists(self) -> bool:
        """Whether there is one yet: DuckDB's file comes with the first command that writes."""
        target = self.settings.warehouse
        return target.kind == "bigquery" or target.path.exists()

    @property
    def now(self) -> datetime:
        return self.settings.clock()

    @property
    def yesterday(self) -> date:
        return self.settings.yesterday()

    def days_ago(self, days: int) -> date:
        """So many days before yesterday."""
        return self.yesterday - timedelta(days=days)

    @cached_property
    def published(self) -> Mapping[tuple[str, str], Freshness]:
        """How far each account is published, by source and id."""
        return freshness(self.warehouse) if self.exists else {}

    def once(self, name: str, of: Any, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
        """What a costly look finds; again, only where what it is ``of`` has changed."""
        if name not in self._kept or self._kept[name][0] != of:
            self._kept[name] = of, [*look()]
        return self._kept[name][1]

    def rows(self, query: str, **params: Value) -> list[dict[str, Any]]:
        """The rows of a query of this room, by its file; none before its tables are there."""
        if not self.exists:
            return []
        sql = Path(__file__).with_name(f"{query}.sql").read_text()
        try:
            return self.warehouse.query(sql, params).to_pylist()
        except MissingTableError:
            return []
