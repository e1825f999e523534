"""Of the ledger of decisions: its head and anchor, the kill switch, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pipelines.errors import MissingTableError
from pipelines.finding import Finding, fail, ok, skip, warn
from pipelines.monitors.held import Held
from pipelines.proposals.events import GENESIS
from pipelines.proposals.ledger import open_ledger

_SOON = timedelta(days=1)
_VERIFY = "Run `adcanary audit verify`: it reads every row. Make no decisions until it holds."
WAITING = ("PENDING_REVIEW", "CHANGES_REQUESTED")
"""States in which a person is to say something."""


def ledger(held: Held) -> Iterator[Finding]:
    """Whether the chain's head, its last event and the anchor agree; no row is verified."""
    opened = open_ledger(held.warehouse, held.settings)
    try:
        rows, _, anchored = opened.steady(lambda: held.rows("chain"))
    except MissingTableError:
        rows, anchored = [], None
    if not rows or not rows[0]["events"]:
        yield skip("ledger", "Nothing was decided yet.")
        return
    (row,) = rows
    head = row["head_sequence"], row["head_event"]
    if head != (row["events"], row["last_event"] or GENESIS):
        count = row["events"]
        message = f"canary_head says {head[0]} events; canary_events has {count}, or another last."
        yield fail("ledger", message, _VERIFY)
    elif anchored is None:
        message = f"There are {row['events']} events, and no anchor that holds their heads."
        yield fail("ledger", message, _VERIFY)
    elif (line := next(iter(reversed(anchored.lines)), None)) is None or (
        (line.sequence, line.event_id) != head
        and all((p.sequence, p.event_id) != head for p in anchored.pending)
    ):
        at = line.sequence if line else 0
        message = f"The chain has {head[0]} events; its anchor, {anchored.place}, is at {at}."
        yield fail("ledger", message, _VERIFY)
    else:
        yield ok("ledger", f"{head[0]} events; their head is the anchor's last.")


def kill_switch(held: Held) -> Iterator[Finding]:
    """Whether somebody stopped proposing and approving."""
    rows = held.rows("switch")
    if rows and rows[0]["action"] == "stop":
        yield warn(
            "kill_switch",
            f"It is on since {rows[0]['occurred_at']:%Y-%m-%d %H:%M} UTC: nothing is proposed or "
            "approved.",
            "The review page's audit trail says why; `adcanary resume` turns it off.",
        )
    else:
        yield ok("kill_switch", "It is off.")


def proposals(held: Held) -> Iterator[Finding]:
    """What expires within a day, and nobody has decided on."""
    rows = held.rows("open_proposals", now=held.now, soon=held.now + _SOON)
    waiting = [row for row in rows if row["state"] in WAITING]
    soon = sum(row["expiring"] for row in waiting)
    total = sum(row["proposals"] for row in waiting)
    if soon:
        yield warn(
            "proposals",
            f"{soon} of {total} proposals that wait for a person expire within a day.",
            "Tell the approvers: `adcanary proposals list`, or the review page.",
        )
    else:
        yield ok("proposals", f"{total} wait for a person, and none expires within a day.")
