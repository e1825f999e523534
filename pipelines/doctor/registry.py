"""The checks there are, in the order in which they are told, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from pipelines.doctor import api_versions, data, keeping, machine, platforms, tables
from pipelines.doctor.case import Case
from pipelines.finding import Finding, looked, skip


@dataclass(frozen=True)
class Check:
    """One question.

    Args:
        name: of its findings, before the colon.
        look: gives its findings.
        asks: whether platforms have to be asked.
    """

    name: str
    look: Callable[[Case], Iterable[Finding]]
    asks: bool = False


CHECKS = (
    Check("credentials", platforms.credentials, asks=True),
    Check("reach", platforms.reach, asks=True),
    Check("scopes", platforms.scopes, asks=True),
    Check("account", platforms.accounts, asks=True),
    Check("time_zone", platforms.time_zones, asks=True),
    Check("quota", platforms.quota, asks=True),
    Check("clock", platforms.clock, asks=True),
    Check("api_version", api_versions.api_versions),
    Check("freshness", data.freshness),
    Check("schema_drift", data.schema_drift),
    Check("permission", tables.permissions),
    Check("contract", tables.contracts),
    Check("salt", keeping.salt),
    Check("backup", keeping.backup),
    Check("disk", machine.disk),
    Check("version", machine.versions),
    Check("version_server", machine.prefect_server),
    Check("limits_server", machine.server_limits),
)


def examine(case: Case, only: Collection[str] = ()) -> Iterator[Finding]:
    """Run the checks; one that itself fails is a finding, and the others go on.

    Args:
        only: names of checks; empty for all.
    """
    for check in CHECKS:
        if only and check.name not in only:
            continue
        if check.asks and case.offline:
            yield skip(check.name, "Platforms are not asked (--offline).")
            continue
        yield from looked("check", check.name, partial(check.look, case))
