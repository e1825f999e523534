"""The review page, read in a real browser: by keyboard, on a phone, without JavaScript; names from
platforms stay text, and axe-core has nothing to say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.review_server import Server

pytestmark = pytest.mark.xdist_group("review")
Visit = Callable[..., Page]
ANN = "ann@example.com"
PHONE = {"width": 360, "height": 740}


def paths(server: Server) -> list[str]:
    ids = server.ids().values()
    return [
        *("/", "/inbox", "/inbox?state=ANY&order=expiry", "/scorecard", "/audit", "/kill-switch"),
        *(f"/proposals/{identifier}" for identifier in ids),
        *(f"/proposals/{identifier}/revisions" for identifier in ids),
        *("/runs/r1", "/runs/none"),
    ]


@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_the_screen(
    server: Server, visit: Visit, size: dict[str, int]
) -> None:
    page = visit(ANN, viewport=size)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    for path in paths(server):
        page.goto(path)
        violations = Axe().run(page).response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in violations] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
    # such as of the content-security-policy; a page that isn't there is one
    assert [c for c in complaints if "404" not in c] == []


def test_a_name_from_a_platform_is_text_and_cannot_turn_the_line(
    server: Server, visit: Visit
) -> None:
    page = visit(ANN, f"/proposals/{server.ids()['m2']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        r"Pause US Prospecting <b>new</b> \u202egnp"
    )
    assert page.locator("h1 b").count() == 0


def test_a_proposal_is_approved_with_the_keyboard_alone(server: Server, visit: Visit) -> None:
    page = visit(ANN, "/inbox")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("j")
    focused = page.locator(":focus")
    expect(focused).to_contain_text("DE Retargeting")
    width = focused.evaluate("e => getComputedStyle(e).outlineWidth")
    assert width == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cut DE Retargeting")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == "Approve":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".outcome")).to_contain_text("Approved and recorded.")
    assert server.states()["m1"] == "SHADOW_RECORDED"


def test_filters_change_the_list_in_place_and_the_address(server: Server, visit: Visit) -> None:
    page = visit(ANN, "/inbox")
    expect(page.locator("#list tbody tr")).to_have_count(3)
    page.get_by_label("Platform").select_option("meta_ads")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    assert "platform=meta_ads" in page.url
    page.get_by_label("Kind").select_option("pause")
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_without_javascript_filters_and_decisions_work(server: Server, visit: Visit) -> None:
    page = visit(ANN, "/inbox", java_script_enabled=False)
    page.get_by_label("Kind").select_option("budget_shift")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#list tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Cut DE Retargeting").click()
    page.get_by_label("Reason").fill("not now")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator(".outcome")).to_contain_text("Rejected.")
    assert server.states()["m1"] == "REJECTED"


def test_on_a_phone_the_decision_comes_before_the_evidence(server: Server, visit: Visit) -> None:
    page = visit(ANN, f"/proposals/{server.ids()['g1']}", viewport=PHONE)
    button, effect = (
        page.get_by_role("button", name="Approve").bounding_box(),
        page.get_by_role("heading", name="What a week brings").bounding_box(),
    )
    assert button is not None
    assert effect is not None
    assert button["y"] < effect["y"]
    assert button["height"] >= 42


def test_a_proposal_says_what_nothing_half_and_all_of_it_bring(
    server: Server, visit: Visit
) -> None:
    page = visit(ANN, f"/proposals/{server.ids()['g1']}")
    rows = page.get_by_role("region").filter(has_text="What if I do nothing").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("0 USD")
    expect(rows.nth(1)).to_contain_text("+140 USD")
    expect(rows.nth(2)).to_contain_text("+280 USD")
    drawn = page.get_by_role("img", name="Change in weekly orders by change in weekly spend")
    expect(drawn).to_be_visible()
    page.goto(f"/proposals/{server.ids()['m2']}")
    expect(page.locator("main")).to_contain_text("rests on no response curve")


def test_the_scorecard_tells_predictions_from_what_came(server: Server, visit: Visit) -> None:
    page = visit(ANN, "/scorecard")
    expect(
        page.get_by_role("region", name="Predictions that came").locator("tbody")
    ).to_contain_text("1 (100.0%)")
    rows = page.get_by_role("region", name="Each proposal").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="not carried out: an estimate")).to_have_count(1)
