"""What the review page keeps in memory, so that no page waits for the warehouse or sums anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config import Settings
from pipelines.money import total
from pipelines.proposals.events import SERVICE, Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.policy import Policy
from pipelines.proposals.proposal import as_written, hash_row
from pipelines.proposals.propose import propose
from pipelines.proposals.review import inbox
from pipelines.proposals.review.decisions import Decisions, Seen
from pipelines.proposals.review.earlier import KEPT, Earlier
from pipelines.proposals.review.identity import Visitor
from pipelines.proposals.review.shelf import Shelf
from pipelines.proposals.review.standing import Standing
from pipelines.proposals.states import Action, State
from pipelines.proposals.terms import Terms, file_policy
from pipelines.warehouse import Statement, open_warehouse
from tests.e2e.review_world import ANN, ZOE, two_campaigns

pytestmark = pytest.mark.slow

IDS = [f"p-{n:012x}" for n in range(130)]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return two_campaigns(tmp_path_factory.mktemp("world"))


def revised(settings: Settings, times: int) -> None:
    """Propose everything again, each time under another policy."""
    ledger = open_ledger(open_warehouse(settings), settings)
    terms = Terms.of(settings, file_policy(settings))
    for _ in range(times):
        file = ledger.policy().settings
        most = file.max_open_proposals + 1
        policy = Policy.of(
            file.model_copy(update={"max_open_proposals": most}), terms.currency, "UTC"
        )
        changed = replace(terms, policy=policy)
        set_policy(ledger, policy, changed.moment, Actor(ZOE, "person"), comment=None)
        propose(ledger, changed, created_by=SERVICE.name)


def test_a_list_of_the_inbox_is_made_once_for_a_standing(settings: Settings) -> None:
    standing = Standing("USD").next(open_warehouse(settings))
    listing = inbox.waiting(standing)
    assert len(listing.rows) == 3
    assert inbox.waiting(standing) is listing
    assert inbox.waiting(standing.next(open_warehouse(settings))) is listing
    stakes = [standing.stakes[p.proposal_id] for p in listing.rows]
    assert listing.stake == total([stake for stake in stakes if stake], "USD")
    assert listing.urgent == sum(p.urgency == "URGENT" for p in listing.rows) == 1
    last = max(p.expires_at for p in listing.rows)
    assert listing.expired_by(last) == 3
    assert listing.expired_by(min(p.expires_at for p in listing.rows) - timedelta(seconds=1)) == 0


def test_the_latest_revisions_are_read_from_memory(tmp_path: Path) -> None:
    settings = two_campaigns(tmp_path)
    warehouse = open_warehouse(settings)
    begun = Standing("USD").next(warehouse)
    revised(settings, KEPT + 2)
    for standing in (begun.next(warehouse), Standing("USD").next(warehouse)):
        for proposal_id, latest in standing.proposals.items():
            assert latest.revision == KEPT + 3
            stored = warehouse.query(
                "SELECT * FROM canary.canary_proposals WHERE proposal_id = @id ORDER BY revision",
                {"id": proposal_id},
            ).to_pylist()
            last = latest.revision
            revisions = standing.revisions(proposal_id, last - KEPT, last)
            assert revisions is not None
            assert [r.row for r in revisions] == stored[-KEPT - 1 :]
            assert {r.state for r in revisions} == {State.NONE}
            assert standing.revisions(proposal_id, 1, KEPT) is None  # those are the warehouse's


@given(
    st.lists(
        st.dictionaries(st.sampled_from(IDS), st.integers(1, KEPT), max_size=len(IDS)), max_size=3
    )
)
def test_what_is_packed_is_what_is_read(readings: list[dict[str, int]]) -> None:
    earlier, expected = Earlier(), {}
    for reading in readings:
        rows = [
            {"proposal_id": id_, "revision": n, "evidence": f"{id_} {n} of {count}"}
            for id_, count in sorted(reading.items())
            for n in range(1, count + 1)
        ]
        names = ("proposal_id", "revision", "evidence")
        columns = {name: [row[name] for row in rows] for name in names}
        earlier = earlier.replaced(pa.table(columns))
        expected |= {id_: [r for r in rows if r["proposal_id"] == id_] for id_ in reading}
    for id_ in IDS:
        assert list(earlier.of(id_)) == expected.get(id_, [])


@pytest.mark.parametrize("forged", [False, True])
def test_nobody_decides_on_figures_that_were_changed_under_the_page(
    tmp_path: Path, forged: bool
) -> None:
    """Neither where the hash that is stored with them is theirs, nor where it was left."""
    settings = two_campaigns(tmp_path)
    shelf = Shelf(settings)
    decisions, ann = Decisions(settings, shelf), Visitor(ANN, "test")

    def seen(campaign: str) -> Seen:
        proposals = shelf.refresh().standing.proposals.values()
        return Seen.of(next(p for p in proposals if p.target.campaign_id == campaign))

    assert decisions.move(ann, seen("m2"), Action.REJECT, "no").done  # all of it was verified
    warehouse = open_warehouse(settings)
    row = warehouse.query(
        "SELECT * FROM canary.canary_proposals WHERE campaign_id = 'g1'"
    ).to_pylist()[0]
    content = {k: v for k, v in row.items() if k != "content_hash"} | {"proposed_value": "1"}
    hashed = hash_row(as_written(content)) if forged else row["content_hash"]
    bend = (
        "UPDATE canary.canary_proposals SET proposed_value = '1', content_hash = @hash "
        "WHERE campaign_id = 'g1'"
    )
    warehouse.transaction([Statement(bend, {"hash": hashed})], label="test")
    # the page still has it as it was; an event about it has it read again
    assert decisions.move(ann, seen("g1"), Action.REQUEST_CHANGES, "less").done
    refused = decisions.move(ann, seen("g1"), Action.REJECT, "no")
    assert not refused.done
    assert ("its content hash is" if forged else "a value was changed") in refused.detail
    present = shelf.refresh().standing.proposals[seen("g1").proposal_id]
    assert present.state == State.CHANGES_REQUESTED
