"""Answers Prometheus over HTTP with what the warehouse holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from pipelines.config import Settings
from pipelines.errors import UsageError
from pipelines.monitors.metrics import Fresh

# BigQuery bills ten MiB a table and reading, some 350 MiB in all.
_EVERY = {"duckdb": 60, "bigquery": 900}


@contextmanager
def serve_metrics(
    settings: Settings, host: str, port: int, every: float | None = None
) -> Iterator[str]:
    """Serve all metrics within ``with``; yields the address.

    Args:
        port: 0 for any that is free.
        every: seconds for which one reading is answered again.

    Raises:
        UsageError: the address can't be listened on.
    """
    shown = f"[{host}]" if ":" in host else host
    registry = CollectorRegistry()
    kind = settings.warehouse.kind
    registry.register(Fresh(settings, _EVERY[kind] if every is None else every))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise UsageError(
            f"{shown}:{port} can't be listened on: {error.strerror or error}.",
            kept="nothing was read.",
            fix="Choose an address of this machine and a port that is free.",
        ) from error
    try:
        yield f"{shown}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
