"""The review page without a browser: headers, odd addresses, forged forms, a file that is held."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipelines.config import load_settings
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.review.app import create_app
from pipelines.proposals.terms import Terms, file_policy
from pipelines.secret_settings import Secrets
from pipelines.warehouse import open_warehouse
from tests.e2e.review_server import copied
from tests.e2e.review_world import two_campaigns
from tests.unit.kind_rows import a_worn_ad_and_a_trait

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "pipelines/proposals/review/static"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    two_campaigns(folder)
    return folder


def client_of(folder: Path, host: str = "localhost") -> TestClient:
    app = create_app(load_settings(folder / "adcanary.yaml"), Secrets(), "ann")
    return TestClient(app, base_url=f"http://{host}", client=("127.0.0.1", 5))


@pytest.fixture
def client(world: Path, tmp_path: Path) -> Iterator[TestClient]:
    with client_of(copied(world, tmp_path / "w")) as made:
        yield made


def fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def an_id(client: TestClient) -> str:
    match = re.search(r"/proposals/(p-\w+)", client.get("/inbox").text)
    assert match
    return match[1]


def test_every_answer_forbids_what_is_not_the_pages_own(client: TestClient) -> None:
    for path in ("/", "/inbox", "/nowhere", "/static/review.css", f"/proposals/{an_id(client)}"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert client.get("/").headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_in_it(client: TestClient) -> None:
    for path in ("/", "/inbox", "/audit", f"/proposals/{an_id(client)}", "/runs/r1"):
        page = client.get(path).text
        assert not re.search(r"<style|\sstyle=|<script(?![^>]* src=)|\son\w+=|javascript:", page)


def test_a_proposal_that_moves_no_money_says_nothing_moves_and_not_that_a_rate_lacks(
    world: Path, tmp_path: Path
) -> None:
    folder = copied(world, tmp_path / "w")
    settings = load_settings(folder / "adcanary.yaml")
    ledger = open_ledger(open_warehouse(settings), settings)
    a_worn_ad_and_a_trait(ledger.warehouse)
    propose(ledger, Terms.of(settings, file_policy(settings)), created_by="adcanary")
    rotation = next(p for p in ledger.read().proposals if p.kind == "creative_rotate")
    with client_of(folder) as made:
        shown = [made.get(f"/proposals/{rotation.proposal_id}").text, made.get("/inbox").text]
    assert all("no rate" not in page for page in shown)
    assert '<dt>Moves a week</dt><dd class="num">0 USD</dd>' in shown[0]


def test_another_host_is_refused(world: Path, tmp_path: Path) -> None:
    with client_of(copied(world, tmp_path / "w"), "evil.example") as made:
        assert made.get("/").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/proposals/%00",
        "/proposals/..%2F..%2Fetc",
        "/proposals/<script>alert(1)</script>",
        "/proposals/" + "x" * 5000,
        "/proposals/p-%F0%9F%92%A9",
        "/proposals/%E2%80%AEx",
        "/proposals/'%20OR%201=1/revisions",
        "/runs/%22%3E%3Cb%3E",
    ],
)
def test_an_odd_address_is_a_page_that_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        *("page=0", "page=-1", "page=99999999999999999999", "page=x", "page=²"),
        *("state=%27", "kind=%3Cb%3E", "order=drop", "text=%00", "text=%F0%9F%92%A9"),
    ],
)
@pytest.mark.parametrize("path", ["/inbox", "/audit"])
def test_an_odd_query_is_answered(client: TestClient, path: str, query: str) -> None:
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 200
    assert "<b>" not in answer.text


def test_a_forged_form_changes_nothing(client: TestClient) -> None:
    identifier = an_id(client)
    good = fields(client.get(f"/proposals/{identifier}").text)
    address = f"/proposals/{identifier}/decide"
    for changed, status in (
        ({"token": "x"}, 403),
        ({"token": ""}, 422),
        ({"revision": "x"}, 422),
        ({"decision": "explode"}, 422),
        ({"content_hash": "0" * 12}, 409),
        ({"content_hash": ""}, 422),
        ({"revision": "2"}, 409),
    ):
        data = {**good, "decision": "approve", "comment": "", **changed}
        assert client.post(address, data=data).status_code == status, changed
    foreign = {"origin": "https://evil.example"}
    data = {**good, "decision": "approve"}
    assert client.post(address, data=data, headers=foreign).status_code == 403
    trail = client.get("/audit").text
    assert "Approve" not in re.sub(r"<option.*?</option>", "", trail)


def test_a_decision_is_not_made_by_an_address(client: TestClient) -> None:
    assert client.get(f"/proposals/{an_id(client)}/decide").status_code == 405


def test_pages_tell_of_when_they_are_while_another_process_holds_the_file(
    world: Path, tmp_path: Path
) -> None:
    folder = copied(
        world, tmp_path / "w", **{"path: w.duckdb": "path: w.duckdb, lock_timeout_seconds: 1"}
    )
    hold = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); c.execute('CREATE TABLE x (y INT)'); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with client_of(folder) as client:
        identifier = an_id(client)
        data = fields(client.get(f"/proposals/{identifier}").text)
        holder = subprocess.Popen(
            [sys.executable, "-c", hold, str(folder / "w.duckdb")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        client.app.state.review.shelf.refresh()  # type: ignore[attr-defined]
        page = client.get("/inbox")
        assert page.status_code == 200
        assert identifier in page.text
        assert "What is newer can’t be read yet" in page.text
        assert str(holder.pid) in page.text
        decided = client.post(
            f"/proposals/{identifier}/decide", data={**data, "decision": "withdraw"}
        )
        assert decided.status_code == 503
        assert "is still in use by" in decided.text
        holder.communicate()
        client.app.state.review.shelf.refresh()  # type: ignore[attr-defined]
        assert "can’t be read yet" not in client.get("/inbox").text


def test_the_scripts_are_the_ones_that_were_published() -> None:
    shell = (STATIC.parent / "templates/shell.html").read_text()
    assert "htmx-2.0.11.min.js" in shell
    published = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
    assert sha256((STATIC / "htmx-2.0.11.min.js").read_bytes()).hexdigest() == published
