"""Of this machine: the versions that are installed, and the room that is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import metadata

from pipelines.doctor.case import Case
from pipelines.doctor.finding import Finding, Status, fail, ok, skip, warn

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
    name, url = "version_server", os.environ.get("PREFECT_API_URL")
    if not url:
        yield skip(name, "PREFECT_API_URL is not set: Prefect runs without a server of its own.")
        return
    import httpx

    client = metadata.version("prefect")
    try:
        reply = httpx.get(f"{url.rstrip('/')}/admin/version", timeout=_SECONDS)
        server = str(reply.raise_for_status().json())
    except (httpx.HTTPError, ValueError) as error:
        fix = "Start the server, or correct PREFECT_API_URL."
        message = f"{httpx.URL(url).host} does not answer as it should ({type(error).__name__})."
        yield Finding(name, Status.FAIL, message, fix, unavailable=True)
        return
    if server == client:
        yield ok(name, f"{server}, as this process has.")
    else:
        fix = "Run the server and the workers with the same version."
        yield warn(name, f"The server has {server}, this process {client}.", fix)


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
