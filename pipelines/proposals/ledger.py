"""The append-only ledger: proposals, the hash chain of their events, and the chain's head."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from pipelines.config import Settings
from pipelines.contracts import load_contract
from pipelines.errors import DecisionRefused, IntegrityError
from pipelines.money import Money
from pipelines.proposals.anchor import Anchored, AnyAnchor, Line
from pipelines.proposals.book import Book, no_policy
from pipelines.proposals.bucket_anchor import open_anchor
from pipelines.proposals.clock import check_kind
from pipelines.proposals.events import GENESIS, Event, LoggedEvent, event_row
from pipelines.proposals.market import query_text
from pipelines.proposals.policy import Policy
from pipelines.proposals.proposal import Baseline, Change, Proposal
from pipelines.proposals.states import Action
from pipelines.proposals.stored import StoredProposal
from pipelines.telemetry import work
from pipelines.warehouse import RowCountConflict, Statement, Warehouse
from pipelines.warehouse.base import Value, insert_row
from pipelines.warehouse.results import rows_of

if TYPE_CHECKING:  # it verifies ledgers
    from pipelines.proposals.checkpoint import Memory

T = TypeVar("T")
CHAIN = "canary_events"
Rows = Mapping[str, Sequence[Mapping[str, Value]]]
"""Rows to insert, by table."""
_EVENTS = "SELECT * FROM canary.canary_events ORDER BY sequence, event_id"
_REVISIONS = query_text("latest_revisions")
LISTED = (_EVENTS, _REVISIONS)
"""What a list of proposals asks; it ships transpiled (``make statements``)."""
_EVERYTHING = (
    _EVENTS,
    "SELECT * FROM canary.canary_proposals ORDER BY revision",
    "SELECT * FROM canary.canary_budgets_snapshot",
    "SELECT * FROM canary.canary_changes",
)
_READS = 20
_PAUSE_SECONDS = 0.1
_ONE_BY_ONE = 20
"""So many rows have an INSERT each. DuckDB keeps what each has written in a block of its own until
the transaction ends, and has 256 MB; more rows come from a stage."""


class Outpaced(DecisionRefused):
    """The ledger grew between reading it and appending to it."""

    @classmethod
    def of(cls) -> Outpaced:
        return cls(
            "Somebody else decided at the same moment.",
            kept="their decision was recorded; yours was not.",
            fix="Look at `adcanary proposals list`, then decide again if you still want to.",
        )


@dataclass(frozen=True)
class Records:
    """Every row of the canary tables at one moment, and what the anchor says."""

    events: tuple[LoggedEvent, ...]
    heads: tuple[Mapping[str, Any], ...]
    proposals: tuple[Mapping[str, Any], ...]
    baselines: tuple[Mapping[str, Any], ...]
    changes: tuple[Mapping[str, Any], ...]
    anchored: Anchored | None

    def baseline(self, stored: StoredProposal) -> Baseline:
        """The campaign's budget and status when the revision was proposed."""
        key = (stored.proposal_id, stored.revision)
        row = next(r for r in self.baselines if (r["proposal_id"], r["revision"]) == key)
        return Baseline(Money(row["daily_budget_micros"], row["currency_code"]), row["status"])

    def book(self) -> Book:
        latest: dict[str, Mapping[str, Any]] = {}
        for row in self.proposals:
            latest[row["proposal_id"]] = row
        return Book.of(self.events, tuple(latest.values()))


def open_ledger(warehouse: Warehouse, settings: Settings, memory: Memory | None = None) -> Ledger:
    """A warehouse's ledger, with its heads anchored where the settings say."""
    return Ledger(warehouse, open_anchor(settings), memory)


class Ledger:
    """Reads and appends. Every append compares the head that was read, and sets the next.

    Args:
        anchor: what records each head outside the warehouse; None records none.
        memory: what this process has verified; without it, every decision verifies everything.
    """

    def __init__(
        self, warehouse: Warehouse, anchor: AnyAnchor | None, memory: Memory | None = None
    ) -> None:
        self.warehouse = warehouse
        self.anchor = anchor
        self.memory = memory

    def events(self) -> list[LoggedEvent]:
        """Every event, in chain order."""
        return [LoggedEvent.of(row) for row in rows_of(self.warehouse.query(_EVENTS))]

    def policy(self) -> Policy:
        """The policy in force; nothing is verified.

        Raises:
            DecisionRefused: there is none yet.
        """
        rows = self.warehouse.query(query_text("policy_in_force")).to_pylist()
        if not rows:
            raise no_policy()
        return Policy(rows[0]["policy"])

    def read(self) -> Book:
        """Every proposal with its state, and the events so far; nothing is verified."""
        with self.warehouse.unit(read_only=True):
            rows = rows_of(self.warehouse.query(_REVISIONS))
            return Book.of(self.events(), rows)

    def records(self, *, anchored: bool = True) -> Records:
        """Every row of the ledger, with no append in between.

        Args:
            anchored: also read the anchor.

        Raises:
            IntegrityError: the anchor can't be read.
            Outpaced: others append all the time.
        """

        def read() -> list[pa.Table]:
            return [self.warehouse.query(sql) for sql in _EVERYTHING]

        tables, heads, anchor = self.steady(read, anchored=anchored)
        tables.reverse()  # made rows of one by one, when writers have the file again
        return Records(
            events=tuple(LoggedEvent.of(row) for row in tables.pop().to_pylist()),
            heads=heads,
            proposals=tuple(tables.pop().to_pylist()),
            baselines=tuple(tables.pop().to_pylist()),
            changes=tuple(tables.pop().to_pylist()),
            anchored=anchor,
        )

    def steady(
        self, read: Callable[[], T], *, anchored: bool = True
    ) -> tuple[T, tuple[Mapping[str, Any], ...], Anchored | None]:
        """What ``read`` gives, the head and the anchor, with no append in between.

        Raises:
            IntegrityError: the anchor can't be read.
            Outpaced: others append all the time.
        """
        for attempt in range(_READS):
            time.sleep(_PAUSE_SECONDS if attempt else 0)
            with self.warehouse.unit(read_only=True):
                before = self._state(anchored)
                rows = read()
                anchor, error = self._read_anchor() if anchored else (None, None)
                after = self._state(anchored)
            if after == before:
                if error:  # and not a line that was just being written
                    raise error
                return rows, before[0], anchor
        raise Outpaced.of()

    def append(
        self, book: Book, events: Sequence[Event], *, also: Rows | None = None, label: str
    ) -> None:
        """Link events to the chain, in one transaction with further rows.

        The next line of the anchor is announced first, so that what a process leaves that is
        killed at any instant is either recorded or not, and the next append knows which.

        Args:
            book: what the decision was based on; it must still be current.
            also: further rows, by table.

        Raises:
            Outpaced: somebody else appended in the meantime; nothing was written.
            DecisionRefused: the clock runs backwards, or the anchor can't be written.
            IntegrityError: the anchor is missing, can't be read, or doesn't agree with the book.
        """
        for event in events:
            if events[0].action == Action.ANCHOR and events[0].comment:  # may set the clock back
                check_kind(book.events, event.at)
            else:
                book.check_clock(event.at)
        actions = ", ".join(dict.fromkeys(event.action for event in events))
        named: dict[str, str | int] = {
            "sequence": book.sequence + 1,
            "events": len(events),
            "actions": actions,
        }
        with work("append", **named), self.warehouse.unit():
            self._append(book, events, also or {}, label)

    def _append(self, book: Book, events: Sequence[Event], also: Rows, label: str) -> None:
        self._ensure_head()
        if self.anchor is None:
            self._commit(book, _linked(book, events, None), also, label)
            return
        with self.anchor.lock():
            if self._head() != (book.sequence, book.head):
                raise Outpaced.of()
            anchor_id = self._open_anchor(self.anchor, book, events[0])
            rows = _linked(book, events, anchor_id)
            line = Line(
                first=book.sequence + 1,
                sequence=book.sequence + len(rows),
                event_id=str(rows[-1]["event_id"]),
            )
            self.anchor.announce(line)
            try:
                self._commit(book, rows, also, label)
            except Outpaced:
                self.anchor.withdraw()
                raise
            self.anchor.confirm(line)

    def _open_anchor(self, anchor: AnyAnchor, book: Book, first: Event) -> str:
        """The id of the anchor that the events are made with, once it agrees with the book."""
        if first.action == Action.ANCHOR:
            return anchor.begin()
        anchored = anchor.read()
        if book.basis:  # it was held to the anchor when it was read, and has the present head
            if anchored is None or anchored != book.basis.anchored:
                raise Outpaced.of()
            return anchored.anchor_id
        if anchored is None and not book.events:
            return anchor.begin()
        if anchored is None:
            raise anchor.missing()
        anchored.hold(book.events)
        anchor.settle(anchored, book.events)
        return anchored.anchor_id

    def _commit(self, book: Book, rows: list[dict[str, Value]], also: Rows, label: str) -> None:
        head = str(rows[-1]["event_id"])
        set_head = _set_head(book, len(rows), head)
        with self._inserts({**also, "canary.canary_events": rows}, head) as inserts:
            try:
                self.warehouse.transaction([set_head, *inserts], label=label)
            except RowCountConflict as error:
                raise Outpaced.of() from error

    @contextmanager
    def _inserts(self, rows: Rows, head: str) -> Iterator[list[Statement]]:
        """The statements that insert rows: one for each if they are few, else one a table."""
        if sum(len(many) for many in rows.values()) <= _ONE_BY_ONE:
            yield [insert_row(load_contract(t), row) for t, many in rows.items() for row in many]
            return
        stages: dict[str, str] = {}
        try:
            for table, many in rows.items():
                contract = load_contract(table)
                given = pa.Table.from_pylist([*many], schema=contract.arrow_schema)
                # named after what is appended: nobody else's rows can be in it
                stages[table] = self.warehouse.stage(contract, f"append_{head[:16]}", given)
            yield [_from_stage(table, stage, len(rows[table])) for table, stage in stages.items()]
        finally:
            self.warehouse.drop_stages(stages.values())

    def _ensure_head(self) -> None:
        self.warehouse.transaction(
            [
                Statement(
                    "INSERT INTO canary.canary_head (chain, sequence, event_id) "
                    "SELECT @chain, 0, @genesis FROM (SELECT 1) AS one WHERE NOT EXISTS "
                    "(SELECT 1 FROM canary.canary_head WHERE chain = @chain)",
                    {"chain": CHAIN, "genesis": GENESIS},
                )
            ],
            label="ledger_head",
        )

    def _state(
        self, anchored: bool
    ) -> tuple[tuple[Mapping[str, Any], ...], Sequence[bytes | None]]:
        """What every append changes."""
        heads = self._rows("SELECT * FROM canary.canary_head")
        return heads, self.anchor.state() if self.anchor and anchored else []

    def _head(self) -> tuple[int, str]:
        row = next(iter(self._rows("SELECT * FROM canary.canary_head")))
        return row["sequence"], row["event_id"]

    def _read_anchor(self) -> tuple[Anchored | None, IntegrityError | None]:
        try:
            return (self.anchor.read() if self.anchor else None), None
        except IntegrityError as error:
            return None, error

    def _rows(self, sql: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.warehouse.query(sql).to_pylist())


def proposal_rows(proposals: Sequence[Proposal]) -> Rows:
    """What stores new revisions, and the baselines that they were made against."""
    if not proposals:
        return {}
    return {
        "canary.canary_proposals": [proposal.row() for proposal in proposals],
        "canary.canary_budgets_snapshot": [baseline_row(proposal) for proposal in proposals],
    }


def baseline_row(proposal: Proposal) -> dict[str, Value]:
    """What a proposal is made against, as a row of canary_budgets_snapshot."""
    return {
        "proposal_id": proposal.proposal_id,
        "revision": proposal.revision,
        "platform": proposal.target.platform,
        "account_id": proposal.target.account_id,
        "campaign_id": proposal.target.campaign_id,
        "daily_budget_micros": proposal.baseline.daily_budget.micros,
        "status": proposal.baseline.status,
        "currency_code": proposal.currency,
        "as_of": proposal.as_of,
    }


def change_row(stored: StoredProposal, change: Change, now: datetime) -> dict[str, Value]:
    """An approved change as a row of the shadow feed."""
    return {
        "proposal_id": stored.proposal_id,
        "revision": stored.revision,
        "content_hash": stored.content_hash,
        "platform": stored.target.platform,
        "account_id": stored.target.account_id,
        "campaign_id": stored.target.campaign_id,
        "target_part": stored.target.part,
        "field": change.field,
        "from_value": change.from_value,
        "to_value": change.to_value,
        "operation": stored.operation,
        "rollback_operation": stored.rollback_operation,
        "recorded_at": now,
    }


def _linked(book: Book, events: Sequence[Event], anchor: str | None) -> list[dict[str, Value]]:
    rows: list[dict[str, Value]] = []
    for sequence, event in enumerate(events, start=book.sequence + 1):
        previous = str(rows[-1]["event_id"]) if rows else book.head
        rows.append(event_row(event, sequence, previous, anchor))
    return rows


def _from_stage(table: str, stage: str, count: int) -> Statement:
    columns = ", ".join(f"`{name}`" for name in load_contract(table).column_names)
    return Statement(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage}", expect_rows=count
    )


def _set_head(book: Book, count: int, head: str) -> Statement:
    """Compare-and-set: moves the head only from where the book was read."""
    return Statement(
        "UPDATE canary.canary_head SET sequence = @sequence, event_id = @event_id "
        "WHERE chain = @chain AND sequence = @read_sequence AND event_id = @read_head",
        {
            "chain": CHAIN,
            "sequence": book.sequence + count,
            "event_id": head,
            "read_sequence": book.sequence,
            "read_head": book.head,
        },
        expect_rows=1,
    )
