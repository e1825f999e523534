"""What a piece of work costs on BigQuery, summed by the process that does it, query by query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Meter:
    """What the queries came to that ended while it was open; None where none was billed, as on
    DuckDB. Loads are free. A query that failed isn't in it.

    Args:
        labels: of every job that BigQuery runs for it from now on; more may be added.
    """

    labels: dict[str, str] = field(default_factory=dict)
    bytes_billed: int | None = None
    slot_seconds: float | None = None

    def add(self, bytes_billed: int | None, slot_millis: int | None) -> None:
        if bytes_billed is not None:
            self.bytes_billed = (self.bytes_billed or 0) + bytes_billed
        if slot_millis is not None:
            self.slot_seconds = (self.slot_seconds or 0.0) + slot_millis / 1000


_open: ContextVar[tuple[Meter, ...]] = ContextVar("open meters", default=())


@contextmanager
def metered(**labels: str) -> Iterator[Meter]:
    """Count what BigQuery bills for the work within ``with``, in this thread."""
    meter = Meter(labels)
    token = _open.set((*_open.get(), meter))
    try:
        yield meter
    finally:
        _open.reset(token)


def bill(bytes_billed: int | None, slot_millis: int | None) -> None:
    """Add a query that ended to every open meter."""
    for meter in _open.get():
        meter.add(bytes_billed, slot_millis)


def labels() -> dict[str, str]:
    """The labels of all open meters."""
    return {name: value for meter in _open.get() for name, value in meter.labels.items()}
