"""Of what is landed: how fresh it is, and whether a source changed its columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.contracts import EXTRA_COLUMN, RUN_ID_COLUMN, load_contracts
from pipelines.doctor.case import Case
from pipelines.errors import MissingTableError
from pipelines.finding import Finding, ok, skip, warn
from pipelines.landing.freshness import freshness as landed
from pipelines.landing.freshness import late
from pipelines.sources.base import Account

_SHOWN = 8


def freshness(case: Case) -> Iterator[Finding]:
    """How many days each account's newest published day is behind yesterday."""
    published = landed(case.warehouse) if case.has_warehouse else {}
    for source, account_id, zone in _accounts(case, sorted(published)):
        known = published.get((source, account_id))
        yield late(source, account_id, known, case.settings.today(zone))


def _accounts(
    case: Case, published: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str, str | None]]:
    """Every configured account, with its time zone where its platform said it. Of a source that
    isn't opened, those of which anything is published. Files have spans of their own, and aren't
    late."""
    for name in (name for name in case.source_names if not name.startswith("files:")):
        asked = None if case.offline else case.asked[name]
        if asked is None or asked.source is None:
            yield from ((name, account, None) for source, account in published if source == name)
            continue
        for account_id in asked.source.account_ids:
            answer = asked.accounts.get(account_id)
            yield name, account_id, answer.time_zone if isinstance(answer, Account) else None


def schema_drift(case: Case) -> Iterator[Finding]:
    """Whether a source's last batch of a table had other columns than the one before, and which
    the contract doesn't know."""
    rows = _ledger(case, "last_loads")
    if not rows:
        yield skip("schema_drift", "Nothing was published yet.")
        return
    drifted = False
    batches: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        key = (row["source"], row["account_id"], row["table_name"])
        batches.setdefault(key, []).append(row)
    for (source, account_id, table), (latest, *earlier) in sorted(batches.items()):
        name = f"schema_drift:{source}/{account_id}/{table}"
        unknown = _unknown_columns(case, table, latest["run_id"])
        changed = bool(earlier) and earlier[0]["schema_hash"] != latest["schema_hash"]
        if not unknown and not changed:
            continue
        drifted = True
        when = f"{latest['pulled_at']:%Y-%m-%d %H:%M} UTC"
        what = "has other columns than the one before" if changed else "has unknown columns"
        named = f": {', '.join(unknown[:_SHOWN])}, kept in {EXTRA_COLUMN}" if unknown else ""
        yield warn(
            name,
            f"The batch of {when} {what}{named}.",
            "See whether the platform renamed something; add to the contract what is wanted.",
        )
    if not drifted:
        yield ok("schema_drift", f"The last batches of {len(batches)} tables have known columns.")


def _unknown_columns(case: Case, table: str, run_id: str) -> list[str]:
    """The columns of a batch that its contract doesn't know."""
    if EXTRA_COLUMN not in load_contracts()[table].column_names:
        return []
    rows = case.warehouse.query(
        f"SELECT DISTINCT {EXTRA_COLUMN} FROM {table} "
        f"WHERE {RUN_ID_COLUMN} = @run_id AND {EXTRA_COLUMN} IS NOT NULL LIMIT 100",
        {"run_id": run_id},
    ).to_pylist()
    return sorted({key for row in rows for key in json.loads(row[EXTRA_COLUMN])})


def _ledger(case: Case, query: str) -> list[dict[str, Any]]:
    """Rows of the ledger; none before the first batch."""
    if not case.has_warehouse:
        return []
    sql = Path(__file__).with_name(f"{query}.sql").read_text()
    try:
        return case.warehouse.query(sql).to_pylist()
    except MissingTableError:
        return []
