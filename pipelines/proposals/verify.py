"""Verifies the ledger: nothing was changed, removed or added after the fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, TypeVar

from pipelines.contracts import load_contract
from pipelines.errors import MissingTableError, StatementError
from pipelines.proposals.anchor import broken
from pipelines.proposals.clock import of_the_future
from pipelines.proposals.events import GENESIS, LoggedEvent
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.ledger import CHAIN, Ledger, Records, change_row
from pipelines.proposals.proposal import as_written, hash_row
from pipelines.proposals.replay import Key, Replay, checked
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal

T = TypeVar("T")


def verify(ledger: Ledger, now: datetime | None = None) -> str:
    """Verify every column of every table of the ledger, the order of events, and the anchor.

    Args:
        now: name the events that are later than this.

    Returns:
        What was verified, as a sentence; then a line for each change of the policy and each new
        anchor.

    Raises:
        IntegrityError: something is broken; names the row.
    """
    records = _read(ledger, anchored=True)
    notes = hold_rows(records).notes
    _hold_to_anchor(ledger, records)
    return "\n".join(
        [
            f"{len(records.events)} events form one chain, {len(records.proposals)} proposal "
            f"revisions match their hashes, {len(records.changes)} recorded changes match their "
            f"proposals, {_anchors(records)}.",
            *notes,
            *(of_the_future(records.events, now) if now else ()),
        ]
    )


def verified(ledger: Ledger, *, anchored: bool = True) -> Records:
    """The ledger's rows, verified: what anything that is appended rests on.

    Args:
        anchored: also hold them to the anchor.

    Raises:
        IntegrityError: something is broken; names the row.
    """
    return verified_with_state(ledger, anchored=anchored)[0]


def verified_with_state(ledger: Ledger, *, anchored: bool = True) -> tuple[Records, Replay]:
    """The same, with the state after the last event."""
    records = _read(ledger, anchored=anchored)
    replay = hold_rows(records)
    if anchored:
        _hold_to_anchor(ledger, records)
    return records, replay


def _read(ledger: Ledger, *, anchored: bool) -> Records:
    def read() -> Records:
        records = ledger.records(anchored=anchored)
        _require_columns("canary_head", records.heads)
        _require_columns("canary_proposals", records.proposals)
        _require_columns("canary_budgets_snapshot", records.baselines)
        _require_columns("canary_changes", records.changes)
        return records

    return read_or_broken(read)


def read_or_broken(read: Callable[[], T]) -> T:
    """What ``read`` gives of the ledger's tables.

    Raises:
        IntegrityError: one is missing, or has other columns or types than its contract.
    """
    try:
        return read()
    except StatementError as error:
        # otherwise it is the file that can't be read, not the table
        if error.fix and not isinstance(error, MissingTableError):
            raise
        reason = error.message.splitlines()[0]
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise broken(
        "a table of the record of decisions (canary_events, canary_head, canary_proposals, "
        "canary_budgets_snapshot, canary_changes) is missing, or has other columns or types than "
        f"its contract; {reason}"
    )


def _require_columns(table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rows without a column that every version has written."""
    required = {c.name for c in load_contract(f"canary.{table}").columns if not c.nullable}
    if rows and (missing := sorted(required - rows[0].keys())):
        raise ValueError(f"{table} has no {', '.join(missing)}")


def hold_rows(records: Records) -> Replay:
    """Hold every row to every other; what :func:`verify` does but for the anchor.

    Returns:
        The state after the last event.

    Raises:
        IntegrityError: a row isn't as it was written; names it.
    """
    return hold_later_rows(records, Replay({}), 0, GENESIS)


def hold_later_rows(records: Records, before: Replay, sequence: int, head: str) -> Replay:
    """Hold every row of the events after a head to every other.

    Args:
        before: the state at that event; it stays as it is.
        sequence: of that event.

    Raises:
        IntegrityError: a row isn't as it was written; names it.
    """
    _verify_head(records, sequence, _verify_links(records.events, sequence, head))
    proposals = _verify_proposals(records)
    replay = before.continued(proposals)
    replay.run(records.events)
    _verify_baselines(records, proposals)
    _verify_changes(records, replay.proposals)
    return replay


def _verify_links(events: Sequence[LoggedEvent], sequence: int, head: str) -> str:
    previous = head
    for position, event in enumerate(events, start=sequence + 1):
        where = f"canary_events, row with sequence {event.sequence} (event {event.event_id[:12]})"
        if event.sequence != position:
            raise broken(f"{where}: expected sequence {position}; a row is missing or duplicated")
        if event.previous_hash != previous:
            raise broken(f"{where}: previous_hash doesn't link to the event before it")
        if not event.content_holds():
            raise broken(f"{where}: its content doesn't match its event_id; a value was changed")
        previous = event.event_id
    return previous


def _verify_head(records: Records, before: int, last: str) -> None:
    count, rows = before + len(records.events), records.heads
    if len(rows) > 1 or any(row["chain"] != CHAIN for row in rows):
        raise broken(f"canary_head must have one row, of {CHAIN}; it has {len(rows)}")
    sequence, head = (rows[0]["sequence"], rows[0]["event_id"]) if rows else (0, GENESIS)
    if (sequence, head) != (count, last):
        raise broken(
            f"canary_head says {sequence} events ending in {head[:12]}; canary_events has {count} "
            f"ending in {last[:12]}: row {min(sequence, count) + 1} is missing or was added"
        )


def _hold_to_anchor(ledger: Ledger, records: Records) -> None:
    if ledger.anchor is None:
        return
    if records.anchored:
        records.anchored.hold(records.events)
    elif records.events:
        raise ledger.anchor.missing()


def _anchors(records: Records) -> str:
    anchored = records.anchored
    if anchored is None:
        return "and there is no anchor to compare them with"
    count = len(anchored.lines)
    anchors = "anchor" if count == 1 else "anchors"
    return f"and the chain agrees with {count} {anchors} in {anchored.place}"


def _verify_proposals(records: Records) -> dict[Key, StoredProposal]:
    """Every revision matches its hash, agrees with itself, and was drafted by an event."""
    drafted = {e.key for e in records.events if e.action == Action.DRAFT}
    proposals: dict[Key, StoredProposal] = {}
    for row in records.proposals:
        proposal = StoredProposal.of(row, State.NONE, ())
        key = (proposal.proposal_id, proposal.revision)
        where = f"canary_proposals, {key[0]} revision {key[1]}"
        if key in proposals:
            raise broken(f"{where}: it is there twice")
        if not proposal.content_holds():
            raise broken(
                f"{where}: its content doesn't match its content_hash; a value was changed"
            )
        if key not in drafted:
            raise broken(f"{where}: no event drafted it; it was added by hand")
        proposals[key] = checked(proposal)
    return proposals


def _verify_baselines(records: Records, proposals: Mapping[Key, StoredProposal]) -> None:
    """Every revision has the baseline that it was made against."""
    rows = _by_revision("canary_budgets_snapshot", records.baselines)
    _same_revisions("canary_budgets_snapshot", "canary_proposals", rows.keys(), proposals.keys())
    for event in records.events:
        if event.action != Action.DRAFT:
            continue
        row, stored = rows[event.key], proposals[event.key]
        derived = {
            "platform": stored.target.platform,
            "account_id": stored.target.account_id,
            "campaign_id": stored.target.campaign_id,
            "currency_code": stored.currency,
            "as_of": stored.as_of,
        }
        changed = [column for column, value in derived.items() if row[column] != value]
        hashed = event.baseline_hash or event.clock  # an earlier version hashed none
        if changed or (hashed and hash_row(row) != event.baseline_hash):
            raise broken(
                f"canary_budgets_snapshot, {event.key[0]} revision {event.key[1]}: it isn't the "
                "baseline of the proposal; a value was changed"
            )


def _verify_changes(records: Records, proposals: Mapping[Key, StoredProposal]) -> None:
    """Every recorded change has its event, and is the change that its proposal states."""
    rows = _by_revision("canary_changes", records.changes)
    recorded = {e.key: e for e in records.events if e.action == Action.RECORD}
    _same_revisions("canary_changes", "the events that record", rows.keys(), recorded.keys())
    for key, row in rows.items():
        stored = proposals[key]
        change = kind_of(stored.kind).change(stored)
        written = change_row(stored, change, recorded[key].occurred_at)
        if as_written(row) != as_written(written):
            raise broken(
                f"canary_changes, {key[0]} revision {key[1]}: it isn't the change that was "
                "approved; a value was changed"
            )


def _by_revision(table: str, rows: Sequence[Mapping[str, Any]]) -> dict[Key, Mapping[str, Any]]:
    by_revision: dict[Key, Mapping[str, Any]] = {}
    for row in rows:
        key = (row["proposal_id"], row["revision"])
        if key in by_revision:
            raise broken(f"{table}, {key[0]} revision {key[1]}: it is there twice")
        by_revision[key] = row
    return by_revision


def _same_revisions(table: str, other: str, here: Set[Key], there: Set[Key]) -> None:
    for key in sorted(here ^ there):
        which = "was added" if key in here else "is missing"
        raise broken(f"{table}, {key[0]} revision {key[1]}: the row {which}; {other} differ")
