"""Of this machine: the versions that are installed, and the room that is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from pipelines.doctor.case import Case
from pipelines.finding import Finding, Status, fail, ok, skip, warn

_PINNED = ("dbt-core", "dbt-duckdb", "dbt-bigquery", "prefect")
_SPARE_BYTES = 16 << 20
_MB = 1 << 20
_SECONDS = 5.0
# A checkpoint and a backup each copy the file: one copy must fit, and a few more should.
_COPIES = 3


def versions(_: Case) -> Iterator[Finding]:
    """Whether dbt and Prefect are those that this release was tested with."""
    from packaging.requirements import Requirement

    wanted = {r.name: r.specifier for r in map(Requirement, metadata.requires("adcanary") or ())}
    for package in _PINNED:
        name = f"version:{package}"
        try:
            installed = metadata.version(package)
        except metadata.PackageNotFoundError:
            yield fail(name, f"{package} is not installed.", "Install adcanary again.")
            continue
        if wanted[package].contains(installed, prereleases=True):
            yield ok(name, f"{installed}, as {package}{wanted[package]} asks.")
        else:
            yield fail(
                name,
                f"{installed} is installed; this release was tested with "
                f"{package}{wanted[package]}.",
                "Install from requirements.lock (`make setup`), or adcanary's wheel anew.",
            )


def prefect_server(_: Case) -> Iterator[Finding]:
    """Whether the Prefect server, where one is named, has the client's version."""
    name = "version_server"
    server = _asked_server(name, "version")
    if isinstance(server, Finding):
        yield server
        return
    client = metadata.version("prefect")
    if server == client:
        yield ok(name, f"{server}, as this process has.")
    else:
        fix = "Run the server and the workers with the same version."
        yield warn(name, f"The server has {server}, this process {client}.", fix)


def server_limits(_: Case) -> Iterator[Finding]:
    """Whether the Prefect server remembers, after a restart, what it lent.

    In memory, which is its default (3.9.1), it forgets who holds a limit, and not that it is held:
    a deployment that ran meanwhile would wait for ever.
    """
    name = "limits_server"
    settings = _asked_server(name, "settings")
    if isinstance(settings, Finding):
        yield settings
        return
    storage = str(settings["server"]["concurrency"]["lease_storage"])
    if storage.endswith(".memory"):
        yield warn(
            name,
            "The server keeps in memory who holds a limit: after a restart, a deployment that was "
            "running would wait for itself.",
            "Start it with PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE="
            "prefect.server.concurrency.lease_storage.filesystem.",
        )
    else:
        yield ok(name, f"Who holds a limit is kept ({storage.rpartition('.')[2]}).")


def _asked_server(name: str, what: str) -> Any:
    """What the server of PREFECT_API_URL says of itself; a finding, if it doesn't."""
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return skip(name, "PREFECT_API_URL is not set: Prefect runs without a server of its own.")
    import httpx

    try:
        return (
            httpx.get(f"{url.rstrip('/')}/admin/{what}", timeout=_SECONDS).raise_for_status().json()
        )
    except (httpx.HTTPError, ValueError) as error:
        fix = "Start the server, or correct PREFECT_API_URL."
        message = f"{httpx.URL(url).host} does not answer as it should ({type(error).__name__})."
        return Finding(name, Status.FAIL, message, fix, unavailable=True)


def disk(case: Case) -> Iterator[Finding]:
    """Whether the disk has room for a copy of the DuckDB file, which a checkpoint takes."""
    target = case.settings.warehouse
    if target.kind == "bigquery":
        yield skip("disk", "The warehouse is on BigQuery.")
        return
    from pipelines.warehouse.duckdb_file import log_bytes

    folder = target.path.parent
    while not folder.exists():
        folder = folder.parent
    size = target.path.stat().st_size if target.path.exists() else 0
    need = size + 2 * log_bytes(target.path) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    message = (
        f"{free / _MB:,.0f} MB are free at {folder}; a copy of the file, as a checkpoint, a build "
        f"and a backup make, takes {need / _MB:,.0f} MB."
    )
    fix = "Make room, delete old backups, or move the file to a larger disk (warehouse.path)."
    if free < need:
        yield fail("disk", message, fix)
    elif free < _COPIES * need:
        yield warn("disk", message, fix)
    else:
        yield ok("disk", message)
