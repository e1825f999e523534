"""Of the warehouse: whether its tables are as their contracts say, and what this process may do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pipelines.contracts import load_contracts
from pipelines.doctor.case import Case
from pipelines.errors import AdcanaryError
from pipelines.finding import Finding, fail, failed, ok, skip, warn
from pipelines.warehouse.drift import plan

_NONE_YET = "There is no warehouse yet: the first `adcanary ingest` creates it."


def contracts(case: Case) -> Iterator[Finding]:
    """Each table against its DDL; what is additive, `adcanary migrate` carries out."""
    if not case.has_warehouse:
        yield skip("contract", _NONE_YET)
        return
    declared = load_contracts()
    changes = plan(declared.values(), case.warehouse.deployed(declared.values()))
    drifted = [change for change in changes if not change.unwritten]
    for table, of_table in groupby(drifted, key=lambda change: change.table):
        listed = list(of_table)
        text = "; ".join(change.text for change in listed)
        refused = [change.fix for change in listed if change.fix]
        if refused:
            yield fail(f"contract:{table}", f"{text}.", " ".join(dict.fromkeys(refused)))
        else:
            yield warn(f"contract:{table}", f"{text}.", "Run `adcanary migrate`.")
    if not drifted:
        unwritten = len(changes)
        note = (
            f" {unwritten} have no descriptions in the file; `adcanary migrate` writes them."
            if unwritten
            else ""
        )
        yield ok("contract", f"{len(declared)} tables are as their contracts say.{note}")


def _query(case: Case) -> Finding:
    """Whether a query runs: on BigQuery that is a job, and takes a permission of the project."""
    name = "permission:query"
    try:
        case.warehouse.query("SELECT 1 AS one")
    except AdcanaryError as error:
        return failed(name, error)
    return ok(name, "A query runs.")


def permissions(case: Case) -> Iterator[Finding]:
    """What this process may do with each dataset, or with the DuckDB file."""
    if not case.has_warehouse:
        yield skip("permission", _NONE_YET)
        return
    query = _query(case)
    yield query
    if query.unavailable:
        return
    for dataset, lacking in case.warehouse.lacking(load_contracts().values()).items():
        name = f"permission:{dataset}"
        if lacking is None:
            yield skip(name, "Not known: there is no table in it that could be asked about.")
        elif lacking:
            yield fail(
                name,
                f"This process lacks {', '.join(lacking)} there.",
                "Grant this account BigQuery Data Editor on the dataset and Job User on the "
                "project; for a file, let this user read and write it and its folder.",
            )
        else:
            yield ok(name, "It may read and write there.")
