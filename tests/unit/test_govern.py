"""Who may do what: roles, groups of approvers, the kill switch, broken glass, revocations."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import DecisionRefused, UsageError
from pipelines.policy_settings import PolicySettings
from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE, Actor
from pipelines.proposals.govern import resume, set_policy, stop
from pipelines.proposals.ledger import Ledger
from pipelines.proposals.policy import Policy
from pipelines.proposals.propose import propose
from pipelines.proposals.roles import Role, role_of
from pipelines.proposals.states import Action, State
from pipelines.proposals.verify import verify
from tests.unit.ledgers import (
    ADA,
    ANN,
    BOB,
    EVE,
    execute,
    file,
    fresh,
    ids,
    in_force,
    policy,
    terms,
)

pytestmark = pytest.mark.slow

DAVE = Actor("dave", "person")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return fresh(tmp_path)


def proposed(ledger: Ledger, **settings: Any) -> dict[str, str]:
    """The id of each campaign's proposal under a policy with these settings."""
    propose(ledger, in_force(ledger, terms(**settings)), created_by=SERVICE.name)
    return ids(ledger)


def test_nothing_is_proposed_before_a_policy_is_in_force(ledger: Ledger) -> None:
    with pytest.raises(DecisionRefused, match="No policy is in force"):
        propose(ledger, terms(), created_by=SERVICE.name)
    with pytest.raises(DecisionRefused, match="No policy is in force"):
        ledger.policy()


def test_a_policy_that_names_no_admin_is_never_put_in_force(ledger: Ledger) -> None:
    nobody = Policy.of(PolicySettings(), "USD", "UTC")
    with pytest.raises(UsageError, match="names no admin"):
        set_policy(ledger, nobody, terms().moment, ADA, comment=None)


def test_an_approver_names_themselves_admin_in_vain(ledger: Ledger) -> None:
    in_force(ledger, terms())
    mine = policy(people={"admins": ["ann"]})
    with pytest.raises(DecisionRefused, match="ann is no admin: ada may"):
        set_policy(ledger, mine, terms(minutes=1).moment, ANN, comment=None)
    assert ledger.policy() == policy()


def test_the_same_policy_is_put_in_force_once(ledger: Ledger) -> None:
    in_force(ledger, terms())
    in_force(ledger, terms(minutes=1))
    assert len(ledger.events()) == 1


@pytest.mark.parametrize(
    ("name", "role"),
    [("ada", Role.ADMIN), ("eve", Role.APPROVER), ("dave", Role.VIEWER), ("Ada", Role.VIEWER)],
)
def test_a_role_is_given_to_exactly_the_names_of_the_policy(name: str, role: Role) -> None:
    assert role_of(policy(), name) == role
    assert role_of(None, name) == Role.VIEWER


def test_a_viewer_decides_nothing_but_may_withdraw_what_they_proposed(ledger: Ledger) -> None:
    propose(ledger, in_force(ledger, terms()), created_by="dave")
    m1 = ids(ledger)["m1"]
    with pytest.raises(DecisionRefused, match="dora is a viewer"):
        decide.approve(ledger, terms(), m1, Actor("dora", "person"))
    with pytest.raises(DecisionRefused, match="dave is a viewer"):
        decide.decide(ledger, terms(), m1, Action.REJECT, DAVE, comment="no")
    assert decide.decide(ledger, terms(), m1, Action.WITHDRAW, DAVE, comment=None) == "WITHDRAWN"
    assert "form one chain" in verify(ledger)


def test_much_money_needs_one_of_the_group_that_the_policy_names(ledger: Ledger) -> None:
    finance = [{"over_micros": 1_000_000, "people": 2, "group": "finance"}]
    m1 = proposed(ledger, approvals=finance)["m1"]
    held = terms(approvals=finance)
    decide.approve(ledger, held, m1, ANN)
    second = decide.approve(ledger, held, m1, BOB)
    assert second.state == State.PENDING_REVIEW
    assert second.why == "one of the group finance must approve it, too (eve)"
    assert decide.approve(ledger, held, m1, EVE).state == State.SHADOW_RECORDED
    assert "form one chain" in verify(ledger)


def test_a_stop_holds_at_once_and_only_an_admin_ends_it(ledger: Ledger) -> None:
    m1 = proposed(ledger)["m1"]
    with pytest.raises(DecisionRefused, match="dave is a viewer"):
        stop(ledger, terms().moment, DAVE, "no")
    stop(ledger, terms().moment, ANN, "spend looks wrong")
    with pytest.raises(DecisionRefused, match="kill switch is on"):
        decide.approve(ledger, terms(), m1, BOB)
    again = propose(ledger, terms(), created_by=SERVICE.name)
    assert (again.created, again.refused) == ((), ("The kill switch is on: nothing is proposed.",))
    with pytest.raises(DecisionRefused, match="on already"):
        stop(ledger, terms().moment, BOB, "me too")
    with pytest.raises(DecisionRefused, match="ann is no admin: ada may end a stop"):
        resume(ledger, terms().moment, ANN, "fine")
    resume(ledger, terms().moment, ADA, "it was the feed")
    assert decide.approve(ledger, terms(), m1, BOB).state == State.SHADOW_RECORDED
    assert "ann stopped everything: spend looks wrong." in verify(ledger)


def test_a_stop_needs_a_reason(ledger: Ledger) -> None:
    in_force(ledger, terms())
    with pytest.raises(UsageError, match="need a reason"):
        stop(ledger, terms().moment, ANN, " ")


def test_an_admin_breaks_the_glass_alone_with_a_reason_even_while_stopped(ledger: Ledger) -> None:
    two = [{"over_micros": 1_000_000, "people": 2}]
    m1, held = proposed(ledger, approvals=two)["m1"], terms(approvals=two)
    stop(ledger, held.moment, ANN, "to think")
    with pytest.raises(DecisionRefused, match="ann is no admin and may not break the glass"):
        decide.approve(ledger, held, m1, ANN, comment="now", break_glass=True)
    with pytest.raises(DecisionRefused, match="needs a reason"):
        decide.approve(ledger, held, m1, ADA, break_glass=True)
    done = decide.approve(ledger, held, m1, ADA, comment="runaway spend", break_glass=True)
    assert done.state == State.SHADOW_RECORDED
    assert f"ada broke the glass for {m1}: runaway spend." in verify(ledger)


def test_broken_glass_lifts_no_guardrail(ledger: Ledger) -> None:
    m1 = proposed(ledger)["m1"]
    execute(ledger, "UPDATE contracts.job_runs SET verdict = 'INCONCLUSIVE' WHERE job = 'mmm'")
    with pytest.raises(DecisionRefused, match="mmm is INCONCLUSIVE"):
        decide.approve(ledger, terms(), m1, ADA, comment="now", break_glass=True)


def test_a_recorded_change_is_revoked_but_not_a_cut_that_increases_rest_on(ledger: Ledger) -> None:
    by_campaign = proposed(ledger)
    for campaign in ("m1", "g1"):
        decide.approve(ledger, terms(), by_campaign[campaign], ANN)

    def revoke(campaign: str) -> State:
        return decide.decide(
            ledger, terms(), by_campaign[campaign], Action.REVOKE, BOB, comment="a mistake"
        )

    with pytest.raises(DecisionRefused, match=f"Revoke those first|{by_campaign['g1']}"):
        revoke("m1")
    assert (revoke("g1"), revoke("m1")) == (State.REVOKED, State.REVOKED)
    assert ledger.warehouse.query("SELECT * FROM canary.canary_changes").num_rows == 2
    again = propose(ledger, terms(minutes=1), created_by=SERVICE.name)
    assert by_campaign["m1"] in again.existing
    assert "form one chain" in verify(ledger)


def test_a_blackout_fails_routine_proposals_and_no_pause(ledger: Ledger) -> None:
    sale = [{"from": "2026-06-30", "to": "2026-07-02", "why": "the sale"}]
    by_campaign = proposed(ledger, blackouts=sale)
    stored = {c: ledger.read().proposal(i) for c, i in by_campaign.items()}
    assert {c: p.verdict for c, p in stored.items()} == {"g1": "FAIL", "m1": "FAIL", "m2": "PASS"}
    (held,) = (c for c in stored["m1"].certificate() if c.name == "blackout")
    assert held.message == "No routine change from 2026-06-30 to 2026-07-02: the sale."


def test_a_job_without_the_right_to_propose_leaves_drafts(ledger: Ledger) -> None:
    by_campaign = proposed(ledger, jobs={"mmm": False})
    verdicts = {c: ledger.read().proposal(i).verdict for c, i in by_campaign.items()}
    assert verdicts == {"g1": "FAIL", "m1": "FAIL", "m2": "PASS"}


def test_what_is_over_the_number_of_open_proposals_waits_and_is_said(ledger: Ledger) -> None:
    in_force(ledger, terms(max_open_proposals=1))
    done = propose(ledger, terms(max_open_proposals=1), created_by=SERVICE.name)
    assert [p.kind for p in ledger.read().proposals] == ["pause"]  # urgent ones first
    assert "2 proposals wait" in done.refused[-1]
    assert "at most 1 may be open, and 0 are" in done.refused[-1]


def test_all_that_is_open_or_recorded_on_a_day_shares_one_cap(ledger: Ledger) -> None:
    """m1 and g1 move 40 a day each, of 2,600 in all."""
    wide = file().guardrails.model_copy(update={"max_total_daily_change_percent": 3.0})
    in_force(ledger, terms(wide))
    propose(ledger, terms(wide), created_by=SERVICE.name)
    stored = ledger.read().proposal(ids(ledger)["m1"])
    (held,) = (c for c in stored.certificate() if c.name == "max_total_daily_change")
    assert held.value is not None
    assert (held.verdict, held.bound) == ("PASS" if held.value <= 3 else "FAIL", 3.0)
    assert held.message.startswith("What is open or was recorded today moves 80.00 USD a day")


def test_quiet_hours_go_over_midnight() -> None:
    quiet = file(quiet_hours={"from": "20:00", "to": "07:00"}).quiet_hours
    assert quiet
    hours = {hour: quiet.hold(quiet.first.replace(hour=hour)) for hour in (6, 7, 19, 20, 23)}
    assert hours == {6: True, 7: False, 19: False, 20: True, 23: True}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"approvals": [{"over_micros": 1, "people": 2, "group": "x"}]}, "name the group x"),
        ({"blackouts": [{"from": date(2026, 2, 2), "to": date(2026, 2, 1), "why": "x"}]}, "ends"),
        ({"people": {"approvers": {"finance": []}}}, "has nobody"),
        ({"jobs": {"mmn": True}}, "mmn"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PolicySettings.model_validate(settings)
