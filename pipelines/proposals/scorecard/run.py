"""Evaluates every proposal, and writes what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from pipelines.contracts import load_contract
from pipelines.proposals.book import Book
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.scorecard.read import first_day, own_query, read_known
from pipelines.proposals.scorecard.score import Subject, score
from pipelines.proposals.states import Action
from pipelines.warehouse import Statement, Warehouse

TABLE = "canary.canary_scorecard"
Row = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """What a run did: the lines it wrote, and how many proposals it left as they were evaluated for
    the last time before."""

    rows: tuple[Row, ...]
    finished: int


def score_all(ledger: Ledger, as_of: date, now: datetime, currency: str) -> Scored:
    """Evaluate every proposal whose evaluation isn't final, and replace the lines of that day.

    A line is final once what came can't change any more: it is evaluated once, and counts once.

    Args:
        now: what the lines say of when they were made, UTC.
        currency: the reporting currency.

    Raises:
        StatementError: the marts are not built yet.
    """
    warehouse = ledger.warehouse
    finished = {
        row["proposal_id"]
        for row in warehouse.query(own_query("finished"), {"as_of": as_of}).to_pylist()
    }
    subjects = list(_subjects(ledger.read(), as_of))
    open_ = [s for s in subjects if s.stored.proposal_id not in finished]
    rows: list[Row] = []
    if open_:
        back_to = first_day(min(s.drafted_at for s in open_).date())
        known = read_known(warehouse, as_of, back_to, currency)
        rows = [{**score(subject, known), "evaluated_at": now} for subject in open_]
    _write(warehouse, as_of, rows)
    return Scored(tuple(rows), len(subjects) - len(open_))


def latest_rows(warehouse: Warehouse, as_of: date) -> list[Row]:
    """The newest line of every proposal, up to a day."""
    return warehouse.query(own_query("scorecard"), {"as_of": as_of}).to_pylist()


def by_month(warehouse: Warehouse, as_of: date) -> list[Row]:
    """Coverage, bias and hit rate of each job's predictions by month, up to a day."""
    return warehouse.query(own_query("by_month"), {"as_of": as_of}).to_pylist()


def _subjects(book: Book, as_of: date) -> Iterator[Subject]:
    at = {(e.proposal_id, e.revision, e.action): e.occurred_at for e in book.events}
    for stored in book.proposals:
        key = (stored.proposal_id, stored.revision)
        drafted = at.get((*key, Action.DRAFT))
        if drafted is not None and stored.as_of <= as_of:
            yield Subject(stored, drafted, at.get((*key, Action.RECORD)))


def _write(warehouse: Warehouse, as_of: date, rows: list[Row]) -> None:
    contract = load_contract(TABLE)
    statements = [Statement(f"DELETE FROM {TABLE} WHERE as_of = @as_of", {"as_of": as_of})]
    stages = []
    if rows:
        table = pa.Table.from_pylist(rows, schema=contract.arrow_schema)
        stages.append(warehouse.stage(contract, f"scored_{as_of:%Y%m%d}", table))
        columns = ", ".join(contract.column_names)
        statements.append(
            Statement(
                f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {stages[0]}",
                expect_rows=len(rows),
            )
        )
    warehouse.transaction(statements, label="scorecard")
    warehouse.drop_stages(stages)
