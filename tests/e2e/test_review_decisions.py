"""Decisions on the review page, in a real browser: what is recorded, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from pipelines.proposals import decide
from pipelines.proposals.events import SERVICE, Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.propose import propose
from pipelines.proposals.states import Action
from pipelines.proposals.terms import Terms, file_policy
from pipelines.proposals.verify import verify
from tests.e2e.review_server import Server, Signer, copied, serving
from tests.e2e.review_world import ANN, BOB, VIC, ZOE, two_campaigns

pytestmark = pytest.mark.xdist_group("review")
Visit = Callable[..., Page]


def open_proposal(visit: Visit, server: Server, campaign: str, person: str = ANN) -> Page:
    return visit(person, f"/proposals/{server.ids()[campaign]}")


def said(page: Page, text: str) -> None:
    expect(page.locator(".outcome")).to_contain_text(text)


def test_an_approval_is_recorded_under_the_name_that_iap_signed(
    server: Server, visit: Visit
) -> None:
    page = open_proposal(visit, server, "m1")
    page.get_by_label("Reason").fill("the curve is flat there")
    page.get_by_role("button", name="Approve").click()
    said(page, "Approved and recorded.")
    expect(page.locator(".head")).to_contain_text("Shadow recorded")
    events = server.ledger().events()
    approved = next(e for e in events if e.action == Action.APPROVE)
    assert (approved.actor, approved.actor_kind, approved.comment) == (
        ANN,
        "person",
        "the curve is flat there",
    )
    assert "form one chain" in verify(server.ledger(), server.settings.clock())


def test_a_double_click_makes_one_decision_and_shows_it(server: Server, visit: Visit) -> None:
    page = open_proposal(visit, server, "m1")
    page.get_by_role("button", name="Approve").dblclick()
    said(page, "Approved and recorded.")
    assert [e.action for e in server.ledger().events()].count(Action.APPROVE) == 1


def test_without_javascript_a_double_click_makes_one_decision_too(
    server: Server, visit: Visit
) -> None:
    page = visit(ANN, f"/proposals/{server.ids()['m1']}", java_script_enabled=False)
    page.get_by_role("button", name="Approve").dblclick()
    said(page, "Approved and recorded.")
    assert [e.action for e in server.ledger().events()].count(Action.APPROVE) == 1


def test_rejecting_and_requesting_changes_need_a_reason(server: Server, visit: Visit) -> None:
    page = open_proposal(visit, server, "m2")
    page.get_by_role("button", name="Request changes").click()
    said(page, "Give a reason.")
    assert server.states()["m2"] == "PENDING_REVIEW"
    page.get_by_label("Reason").fill("from Monday on")
    page.get_by_role("button", name="Request changes").click()
    said(page, "Changes requested.")
    assert server.states()["m2"] == "CHANGES_REQUESTED"
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    page.get_by_label("Reason").fill("no")
    page.get_by_role("button", name="Reject").click()
    said(page, "Rejected.")
    assert server.states()["m2"] == "REJECTED"


def test_a_proposal_is_withdrawn(server: Server, visit: Visit) -> None:
    page = open_proposal(visit, server, "g1")
    page.get_by_role("button", name="Withdraw").click()
    said(page, "Withdrawn.")
    assert server.states()["g1"] == "WITHDRAWN"


def test_whoever_proposed_it_cannot_approve_it(
    signer: Signer, tmp_path: Path, browser: Browser
) -> None:
    two_campaigns(tmp_path, created_by=ANN, more=signer.section())
    with serving(tmp_path, signer) as running:
        page = browser.new_page(extra_http_headers=signer.headers(ANN))
        page.goto(f"{running.url}/proposals/{running.ids()['m1']}")
        button = page.get_by_role("button", name="Approve")
        expect(button).to_be_disabled()
        expect(page.locator("#hint")).to_contain_text("You proposed it")
        # what the page disables, the ledger refuses
        button.evaluate("button => { button.disabled = false }")
        button.click()
        said(page, "proposed it and may not approve it")
        assert running.states()["m1"] == "PENDING_REVIEW"
        page.close()


def test_what_changed_since_it_was_seen_is_not_decided_on(server: Server, visit: Visit) -> None:
    pages = [open_proposal(visit, server, "g1") for _ in range(2)]
    guardrails = server.settings.policy.guardrails.model_copy(update={"max_change_percent": 4.0})
    changed = server.settings.policy.model_copy(update={"guardrails": guardrails})
    terms = Terms.of(
        server.settings, file_policy(server.settings.model_copy(update={"policy": changed}))
    )
    zoe = Actor(ZOE, "person")
    set_policy(server.ledger(), terms.policy, terms.moment, zoe, comment="less at a time")
    propose(server.ledger(), terms, created_by=SERVICE.name)
    for page, decision in zip(pages, ("Approve", "Withdraw"), strict=True):
        with page.expect_response(lambda r: r.request.method == "POST") as answer:
            page.get_by_role("button", name=decision).click()
        assert answer.value.status == 409
        said(page, "It has changed since you saw it.")
        expect(page.locator(".head")).to_contain_text("revision 2")
    assert server.states()["g1"] == "PENDING_REVIEW"


def test_a_second_decision_by_somebody_else_is_refused(server: Server, visit: Visit) -> None:
    page = open_proposal(visit, server, "m1")
    actor = Actor(BOB, "person")
    terms = server.terms()
    identifier = server.ids()["m1"]
    decide.decide(server.ledger(), terms, identifier, Action.REJECT, actor, comment="no")
    page.get_by_role("button", name="Approve").click()
    said(page, "it is REJECTED")
    expect(page.locator(".decide")).to_contain_text("there is nothing to decide")


@pytest.fixture
def expired(review_world: Path, signer: Signer, tmp_path: Path) -> Iterator[Server]:
    later = {"2026-07-01T09:00:00Z": "2026-07-12T09:00:00Z"}
    with serving(copied(review_world, tmp_path / "late", **later), signer) as running:
        yield running


def test_an_expired_proposal_says_so_and_cannot_be_approved(
    expired: Server, browser: Browser
) -> None:
    page = browser.new_page(extra_http_headers=expired.signer.headers(ANN))
    page.goto(f"{expired.url}/proposals/{expired.ids()['m1']}")
    expect(page.locator("#hint")).to_contain_text("It expired at 2026-07-09")
    page.get_by_role("button", name="Approve").evaluate("button => { button.disabled = false }")
    page.get_by_role("button", name="Approve").click()
    said(page, "it expired at 2026-07-09")
    assert expired.states()["m1"] == "PENDING_REVIEW"
    page.close()


def test_much_money_needs_a_second_person(signer: Signer, tmp_path: Path, browser: Browser) -> None:
    thresholds = [{"over_micros": 1_000_000, "people": 2}]
    two_campaigns(tmp_path, more=signer.section(), approvals=thresholds)
    with serving(tmp_path, signer) as running:
        address = f"{running.url}/proposals/{running.ids()['m1']}"
        for person, text in (
            (ANN, "1 more must approve it before it is recorded."),
            (BOB, "Approved and recorded."),
        ):
            page = browser.new_page(extra_http_headers=signer.headers(person))
            page.goto(address)
            expect(page.locator(".decide")).to_contain_text("of 2")
            page.get_by_role("button", name="Approve").click()
            said(page, text)
            if person == ANN:
                expect(page.get_by_role("button", name="Approve")).to_be_disabled()
            page.close()
        assert running.states()["m1"] == "SHADOW_RECORDED"
        verify(running.ledger(), running.settings.clock())


def test_several_are_rejected_for_one_reason_in_one_append(server: Server, visit: Visit) -> None:
    page = visit(ANN, "/inbox")
    boxes = page.get_by_role("checkbox", name="Choose")
    expect(boxes).to_have_count(3)
    boxes.nth(0).check()
    boxes.nth(2).check()
    page.get_by_label("Reason").fill("budget freeze")
    page.get_by_role("button", name="Reject").click()
    said(page, "2 rejected.")
    expect(page.get_by_role("checkbox", name="Choose")).to_have_count(1)
    assert sorted(server.states().values()) == ["PENDING_REVIEW", "REJECTED", "REJECTED"]
    verify(server.ledger(), server.settings.clock())


def test_all_that_match_are_rejected_but_what_was_touched_meanwhile(
    server: Server, visit: Visit
) -> None:
    page = visit(ANN, "/inbox?platform=meta_ads")
    actor, terms = Actor(BOB, "person"), server.terms()
    decide.decide(
        *(server.ledger(), terms, server.ids()["m1"], Action.REQUEST_CHANGES, actor), comment="?"
    )
    page.get_by_role("checkbox", name="All 2 that match").check()
    page.get_by_label("Reason").fill("budget freeze")
    page.get_by_role("button", name="Reject").click()
    said(page, "1 rejected.")
    assert server.states() == {
        "g1": "PENDING_REVIEW",
        "m1": "CHANGES_REQUESTED",
        "m2": "REJECTED",
    }


def test_two_people_who_click_at_once_make_one_decision_and_one_clear_refusal(
    server: Server, visit: Visit
) -> None:
    pages = [open_proposal(visit, server, "m1", person) for person in (ANN, BOB)]
    tokens = [page.locator("input[name=token]").first.get_attribute("value") for page in pages]
    fields = {
        name: pages[0].locator(f"input[name={name}]").get_attribute("value") or ""
        for name in ("revision", "content_hash")
    }
    answers: list[int] = []

    def send(person: str, token: str | None) -> None:
        answer = httpx.post(
            f"{server.url}/proposals/{server.ids()['m1']}/decide",
            headers=server.signer.headers(person),
            data={**fields, "token": token or "", "decision": "approve"},
            timeout=60,
        )
        answers.append(answer.status_code)

    threads = [
        threading.Thread(target=send, args=pair) for pair in zip((ANN, BOB), tokens, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
    assert [e.action for e in server.ledger().events()].count(Action.RECORD) == 1


def test_the_record_is_verified_from_the_page(server: Server, visit: Visit) -> None:
    page = visit(ANN, "/audit")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verification")).to_contain_text(
        "The record holds.", timeout=timedelta(seconds=60).total_seconds() * 1000
    )


def test_the_kill_switch_stops_approvals_at_once_and_an_admin_ends_it(
    server: Server, visit: Visit
) -> None:
    waiting = open_proposal(visit, server, "m1")
    page = visit(BOB, "/kill-switch")
    page.get_by_label("Reason").fill("tracking is broken")
    page.get_by_role("button", name="Stop everything").click()
    said(page, "Stopped.")
    expect(page.locator(".notice.stop")).to_be_visible()
    expect(page.get_by_role("button", name="Turn it off")).to_have_count(0)
    waiting.get_by_role("button", name="Approve").click()
    said(waiting, "the kill switch is on")
    expect(waiting.get_by_role("button", name="Approve")).to_be_disabled()
    admin = visit(ZOE, "/kill-switch")
    admin.get_by_label("Reason").fill("tracking works")
    admin.get_by_role("button", name="Turn it off").click()
    said(admin, "Resumed.")
    waiting.goto(f"/proposals/{server.ids()['m1']}")
    waiting.get_by_role("button", name="Approve").click()
    said(waiting, "Approved and recorded.")
    verify(server.ledger(), server.settings.clock())


def test_a_viewer_sees_no_form_and_a_forged_one_is_refused(server: Server, visit: Visit) -> None:
    page = open_proposal(visit, server, "m1", VIC)
    expect(page.locator(".decide")).to_contain_text("An approver decides.")
    assert page.locator("button").count() == 0
    visit(VIC, "/inbox")
    approver = open_proposal(visit, server, "m1")
    form = {
        name: approver.locator(f"input[name={name}]").first.get_attribute("value") or ""
        for name in ("revision", "content_hash")
    }
    token = visit(VIC, "/audit").locator("input[name=token]").get_attribute("value") or ""
    for decision in ("approve", "reject", "withdraw", "break-glass"):
        answer = httpx.post(
            f"{server.url}/proposals/{server.ids()['m1']}/decide",
            headers=server.signer.headers(VIC),
            data={**form, "token": token, "decision": decision, "comment": "mine"},
            timeout=60,
        )
        assert answer.status_code == 409
    answer = httpx.post(
        f"{server.url}/inbox/reject",
        headers=server.signer.headers(VIC),
        data={"token": token, "every": "yes", "sequence": "99", "comment": "mine"},
        timeout=60,
    )
    assert answer.status_code == 403
    assert set(server.states().values()) == {"PENDING_REVIEW"}


def test_an_admin_breaks_the_glass_alone_with_a_reason(server: Server, visit: Visit) -> None:
    page = open_proposal(visit, server, "m1", ZOE)
    page.get_by_text("Break the glass", exact=True).click()
    page.get_by_label("Reason to break the glass").fill("nobody else is awake")
    page.get_by_role("button", name="Record it alone").click()
    said(page, "Approved and recorded.")
    assert Action.BREAK_GLASS in [e.action for e in server.ledger().events()]
    page.get_by_label("Reason").fill("they woke up")
    page.get_by_role("button", name="Revoke").click()
    said(page, "Revoked.")
    verify(server.ledger(), server.settings.clock())
