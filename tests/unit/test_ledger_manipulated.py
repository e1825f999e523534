"""Whatever is changed, removed, added or reordered in the ledger's tables is found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts import load_contract
from pipelines.errors import IntegrityError
from pipelines.proposals import decide
from pipelines.proposals.events import (
    SERVICE,
    Actor,
    Event,
    LoggedEvent,
    anchor_event,
    event_row,
    hash_event,
    make_event,
    policy_event,
    switch_event,
)
from pipelines.proposals.kinds import kind_of
from pipelines.proposals.ledger import Records, change_row
from pipelines.proposals.policy import Moment, Policy
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal
from pipelines.proposals.verify import hold_rows, verify
from tests.unit.ledgers import (
    ADA,
    ANN,
    BOB,
    EVE,
    decided,
    execute,
    fresh,
    ids,
    in_force,
    policy,
    terms,
)

TABLES = {
    "events": "canary_events",
    "heads": "canary_head",
    "proposals": "canary_proposals",
    "baselines": "canary_budgets_snapshot",
    "changes": "canary_changes",
}
COLUMNS = [
    (part, c.name)
    for part, table in TABLES.items()
    for c in load_contract(f"canary.{table}").columns
]
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    return decided(tmp_path_factory.mktemp("ledger")).records()


def rows(records: Records, part: str) -> list[Row]:
    values = getattr(records, part)
    return [e.row for e in values] if part == "events" else list(values)


def with_rows(records: Records, part: str, changed: Iterable[Row]) -> Records:
    if part == "events":
        return replace(records, events=tuple(LoggedEvent.of(row) for row in changed))
    values: Any = tuple(changed)
    return replace(records, **{part: values})


def other(value: Any) -> Any:
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, date):
        return value + timedelta(days=1)
    if isinstance(value, bool) or value is None:
        return "x"
    return value + 1 if isinstance(value, int | float) else f"{value}x"


def test_the_ledger_as_it_was_written_verifies(records: Records) -> None:
    assert hold_rows(records).notes == []
    assert records.anchored
    records.anchored.hold(records.events)


@pytest.mark.parametrize(("part", "column"), COLUMNS)
def test_a_changed_value_of_any_column_of_any_row_is_found(
    records: Records, part: str, column: str
) -> None:
    whole = rows(records, part)
    for position, row in enumerate(whole):
        changed = [*whole]
        changed[position] = {**row, column: other(row[column])}
        with pytest.raises(IntegrityError, match="The audit log is broken"):
            hold_rows(with_rows(records, part, changed))


@pytest.mark.parametrize("part", TABLES)
def test_a_row_that_is_removed_or_doubled_is_found(records: Records, part: str) -> None:
    whole = rows(records, part)
    for position, row in enumerate(whole):
        for changed in (whole[:position] + whole[position + 1 :], [*whole, row]):
            with pytest.raises(IntegrityError, match="The audit log is broken"):
                hold_rows(with_rows(records, part, changed))


def test_events_in_another_order_are_found(records: Records) -> None:
    whole = rows(records, "events")
    for position in range(len(whole) - 1):
        one, two = whole[position], whole[position + 1]
        changed = [*whole]
        changed[position : position + 2] = [
            {**two, "sequence": one["sequence"]},
            {**one, "sequence": two["sequence"]},
        ]
        with pytest.raises(IntegrityError, match="The audit log is broken"):
            hold_rows(with_rows(records, "events", changed))


@dataclass(frozen=True)
class Forger:
    """Appends what nobody decided, with right hashes, as a program may that can write the file."""

    records: Records

    @property
    def at(self) -> Moment:
        return self.records.book().at(terms(minutes=3).moment)

    def stored(self, campaign: str) -> StoredProposal:
        book = self.records.book()
        return next(p for p in book.proposals if p.target.campaign_id == campaign)

    def make(self, action: Action, actor: Actor = ANN, campaign: str = "g1", **more: Any) -> Event:
        stored = replace(self.stored(campaign), **more.pop("proposal", {}))
        to_state = more.pop("to_state", None)
        event = make_event(stored, action, actor, more.pop("at", self.at), to_state=to_state)
        return replace(event, **more)

    def approval(self, actor: Actor = ANN, campaign: str = "g1", **more: Any) -> Event:
        state = {"state": State.PENDING_REVIEW}
        return self.make(Action.APPROVE, actor, campaign, proposal=state, **more)

    def recording(self, campaign: str = "g1") -> Event:
        return self.make(Action.RECORD, SERVICE, campaign, proposal={"state": State.APPROVED})

    def append(self, *events: Event, row: Row | None = None) -> Records:
        records = self.records
        appended, previous = [*records.events], records.events[-1]
        for event in events:
            linked = event_row(event, len(appended) + 1, appended[-1].event_id, previous.anchor)
            if row:
                linked = {**linked, **row}
                linked["event_id"] = hash_event(linked)
            appended.append(LoggedEvent.of(linked))
        last = appended[-1]
        head = {"chain": "canary_events", "sequence": last.sequence, "event_id": last.event_id}
        changes = list(records.changes)
        for event in events:
            if event.action == Action.RECORD:
                stored = self.stored("g1" if changes else "m1")
                change = kind_of(stored.kind).change(stored)
                changes.append(change_row(stored, change, event.at.now))
        return replace(records, events=tuple(appended), heads=(head,), changes=tuple(changes))


def forgeries(f: Forger) -> Iterator[tuple[str, Records]]:
    """By what verifying has to say of each."""
    approve, record, add = f.approval, f.recording, f.append
    reject = f.make(Action.REJECT, BOB)

    def under(new: Policy, *, now: timedelta = timedelta()) -> Moment:
        return replace(f.at, policy=new, now=f.at.now + now)

    yield "does not allow 'record'", add(replace(record(), from_state=State.PENDING_REVIEW))
    yield "the proposal was PENDING_REVIEW", add(record())
    yield "an approval without", add(approve())
    yield "stands between", add(approve(), reject)
    yield "the proposal was REJECTED", add(approve(campaign="m2"), record("m2"))
    yield "the proposal was SHADOW_RECORDED", add(approve(campaign="m1"), record("m1"))
    yield "only a person does that", add(replace(reject, actor=SERVICE))
    yield "may not do that", add(f.make(Action.SUPERSEDE, ANN))
    yield "isn't how a person's name", add(reject, row={"actor": "Bob"})
    yield "there is no such action", add(reject, row={"action": "bless"})
    yield "it leads to APPROVED", add(approve(to_state=State.PENDING_REVIEW))
    yield "earlier than the event before", add(replace(reject, at=replace(f.at, now=terms().now)))
    yield "its clock was set", add(replace(reject, at=replace(f.at, clock="fixed")))
    yield "by which clock", add(reject, row={"clock": None})
    lifted = policy(approvals=[{"over_micros": 9_000_000_000, "people": 2}])
    yield "isn't the one that was in force", add(replace(reject, at=under(lifted)))
    yield "isn't the one that was in force", add(reject, row={"policy_hash": "0" * 64})
    yield "isn't the one that was in force", add(reject, row={"policy": None, "policy_hash": None})
    yield "it says it needed 5", add(reject, row={"approvals_needed": 5})
    yield "ann is no admin", add(policy_event(lifted, ANN, under(lifted)))
    yield "service:adcanary is no admin", add(policy_event(lifted, SERVICE, under(lifted)))
    set_lifted = policy_event(lifted, ADA, under(lifted))
    yield "made under another policy", add(set_lifted, approve(at=under(lifted)), record())
    stop = switch_event(Action.STOP, f.records.book().head, ANN, f.at, "to think")
    yield "kill switch was on", add(stop, approve(), record())
    yield "kill switch was on already", add(stop, stop)
    yield "kill switch was off already", add(replace(stop, action=Action.RESUME, actor=ADA))
    yield "ann may not do that", add(stop, replace(stop, action=Action.RESUME))
    yield "no reason", add(replace(stop, comment=None))
    yield "carol was a viewer", add(approve(Actor("carol", "person")), record())
    glass = f.make(Action.BREAK_GLASS, ANN, proposal={"state": State.PENDING_REVIEW})
    yield "no admin, or without a reason", add(replace(glass, comment="now"), record())
    yield "no admin, or without a reason", add(replace(glass, actor=ADA), record())
    empty = Policy("[]")
    nothing = {"policy": empty.text, "policy_hash": empty.hash, "content_hash": empty.hash}
    yield "can't be read", add(set_lifted, row=nothing)
    yield "wasn't made with an anchor", add(reject, row={"anchor": "ffff"})
    yield "ann is no admin", add(anchor_event(f.records.book().head, ANN, f.at, None))
    yield "accepts another head", add(anchor_event("0" * 64, ADA, f.at, None))
    yield "hadn't expired", add(f.make(Action.EXPIRE, SERVICE))
    late = under(policy(), now=timedelta(days=30))
    yield "the proposal had expired", add(approve(at=late), record())
    yield "isn't the next revision", add(replace(reject, action=Action.DRAFT, actor=SERVICE))


def test_an_event_with_a_right_hash_that_nobody_could_have_made_is_found(records: Records) -> None:
    for said, forged in forgeries(Forger(records)):
        with pytest.raises(IntegrityError, match=said):
            hold_rows(forged)


def test_a_person_who_approves_twice_or_approves_their_own_is_found(tmp_path: Path) -> None:
    ledger = fresh(tmp_path)
    two = in_force(ledger, terms(approvals=[{"over_micros": 1_000_000, "people": 2}]))
    propose(ledger, two, created_by="bob")
    decide.approve(ledger, two, ids(ledger)["m1"], ANN)
    forger = Forger(ledger.records())
    for actor, said in ((ANN, "ann had approved it already"), (BOB, "bob had proposed it")):
        forged = forger.append(forger.approval(actor, "m1"), forger.recording("m1"))
        with pytest.raises(IntegrityError, match=said):
            hold_rows(forged)
    eve = forger.approval(EVE, "m1")
    hold_rows(forger.append(eve, forger.recording("m1")))  # by hand, but as it may be ...
    anchored = forger.records.anchored
    assert anchored
    with pytest.raises(IntegrityError, match="the row was added by other means"):
        anchored.hold(forger.append(eve).events)  # ... and the anchor doesn't have it


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM canary.canary_budgets_snapshot WHERE TRUE", "canary_budgets_snapshot, p-"),
        ("INSERT INTO canary.canary_head SELECT * FROM canary.canary_head", "must have one row"),
        ("UPDATE canary.canary_changes SET account_id = 'z' WHERE TRUE", "canary_changes, p-"),
    ],
)
def test_nothing_is_decided_on_a_ledger_that_was_changed(
    tmp_path: Path, statement: str, said: str
) -> None:
    ledger = decided(tmp_path)
    open_one = ids(ledger)["g1"]
    execute(ledger, statement)
    for attempt in (
        lambda: verify(ledger),
        lambda: decide.approve(ledger, terms(minutes=3), open_one, BOB),
        lambda: decide.accept_anchor(ledger, terms(minutes=3), BOB, comment=None),
    ):
        with pytest.raises(IntegrityError, match=said):
            attempt()
