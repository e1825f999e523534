"""Verifies the ledger: nothing was changed, removed or added after the fact."""

from __future__ import annotations

import json

from pipelines.errors import IntegrityError
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.ledger import CHAIN, GENESIS, Ledger, LoggedEvent
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal

_Key = tuple[str, int]


def verify(ledger: Ledger) -> str:
    """Verify every link of the chain, its head and anchor, each proposal and recorded change.

    Returns:
        What was verified, as a sentence.

    Raises:
        IntegrityError: something is broken; names the row.
    """
    events = ledger.events()
    last = _verify_links(events)
    _verify_head(ledger, len(events), last)
    anchored = _verify_anchor(ledger, events, last)
    proposals = _verify_proposals(ledger, events)
    changes = _verify_changes(ledger, events, proposals)
    return (
        f"{len(events)} events form one chain, {len(proposals)} proposal revisions match their "
        f"hashes, {changes} recorded changes match their proposals, {anchored}."
    )


def _verify_links(events: list[LoggedEvent]) -> str:
    previous = GENESIS
    for position, event in enumerate(events, start=1):
        where = f"canary_events, row with sequence {event.sequence} (event {event.event_id[:12]})"
        if event.sequence != position:
            raise _broken(f"{where}: expected sequence {position}; a row is missing or duplicated")
        if event.previous_hash != previous:
            raise _broken(f"{where}: previous_hash doesn't link to the event before it")
        if not event.content_holds():
            raise _broken(f"{where}: its content doesn't match its event_id; a value was changed")
        previous = event.event_id
    return previous


def _verify_head(ledger: Ledger, count: int, last: str) -> None:
    rows = ledger.warehouse.query(
        "SELECT sequence, event_id FROM canary.canary_head WHERE chain = @chain", {"chain": CHAIN}
    ).to_pylist()
    sequence, head = (rows[0]["sequence"], rows[0]["event_id"]) if rows else (0, GENESIS)
    if (sequence, head) != (count, last):
        raise _broken(
            f"canary_head says {sequence} events ending in {head[:12]}; canary_events has {count} "
            f"ending in {last[:12]}: row {min(sequence, count) + 1} is missing or was added"
        )


def _verify_anchor(ledger: Ledger, events: list[LoggedEvent], last: str) -> str:
    if ledger.anchor is None or not ledger.anchor.exists():
        return "and there is no anchor on this machine to compare them with"
    links = [GENESIS, *(e.previous_hash for e in events[1:]), last]
    lines = ledger.anchor.read_text().splitlines()
    for line in lines:
        kept = json.loads(line)
        sequence = kept["sequence"]
        if sequence >= len(links) or links[sequence] != kept["event_id"]:
            raise _broken(
                f"canary_events, row with sequence {sequence}: {ledger.anchor} records "
                f"{kept['event_id'][:12]} for it; the chain was rewritten or cut"
            )
    anchors = "1 anchor" if len(lines) == 1 else f"{len(lines)} anchors"
    return f"and the chain agrees with {anchors} in {ledger.anchor}"


def _verify_proposals(ledger: Ledger, events: list[LoggedEvent]) -> dict[_Key, StoredProposal]:
    """Every revision matches its hash, was drafted by an event, and is what its events refer to."""
    rows = ledger.warehouse.query("SELECT * FROM canary.canary_proposals").to_pylist()
    stored = [StoredProposal.of(row, State.NONE, ()) for row in rows]
    proposals = {(p.proposal_id, p.revision): p for p in stored}
    if len(proposals) < len(rows):
        raise _broken("canary_proposals has the same revision of a proposal twice")
    drafted = {(e.proposal_id, e.revision) for e in events if e.action == Action.DRAFT}
    for key, proposal in proposals.items():
        where = f"canary_proposals, {key[0]} revision {key[1]}"
        if not proposal.content_holds():
            raise _broken(
                f"{where}: its content doesn't match its content_hash; a value was changed"
            )
        if key not in drafted:
            raise _broken(f"{where}: no event drafted it; it was added by hand")
    for event in events:
        key = (event.proposal_id, event.revision)
        if key not in proposals or proposals[key].content_hash != event.content_hash:
            raise _broken(
                f"canary_events, row with sequence {event.sequence}: it refers to content "
                f"that {key[0]} revision {key[1]} doesn't have"
            )
    return proposals


def _verify_changes(
    ledger: Ledger, events: list[LoggedEvent], proposals: dict[_Key, StoredProposal]
) -> int:
    """Every recorded change has its event, and is the change that its proposal states."""
    recorded = {(e.proposal_id, e.revision) for e in events if e.action == Action.RECORD}
    rows = ledger.warehouse.query("SELECT * FROM canary.canary_changes").to_pylist()
    changed = {(r["proposal_id"], r["revision"]) for r in rows}
    if changed != recorded or len(changed) < len(rows):
        odd = sorted(changed ^ recorded) or "a proposal twice"
        raise _broken(f"canary_changes and the events that record changes differ: {odd}")
    for row in rows:
        key = (row["proposal_id"], row["revision"])
        proposal = proposals[key]
        change = kind_of(proposal.kind).change(proposal)
        stands = {**row, "recorded_at": None}
        approved = {
            "proposal_id": proposal.proposal_id,
            "revision": proposal.revision,
            "content_hash": proposal.content_hash,
            "platform": proposal.target.platform,
            "account_id": proposal.target.account_id,
            "campaign_id": proposal.target.campaign_id,
            "field": change.field,
            "from_value": change.from_value,
            "to_value": change.to_value,
            "recorded_at": None,
        }
        if stands != approved:
            raise _broken(
                f"canary_changes, {key[0]} revision {key[1]}: it isn't the change that was "
                "approved; a value was changed"
            )
    return len(rows)


def _broken(what: str) -> IntegrityError:
    return IntegrityError(
        f"The audit log is broken: {what}.",
        kept="verifying changed nothing.",
        fix="Compare the row with a backup and with the anchor file, and make no decisions until "
        "this is explained.",
    )
