"""Slack: a message for what is new, once; and buttons that count for a known person, signed now."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from pipelines.config import load_settings
from pipelines.proposals.events import Actor
from pipelines.proposals.govern import set_policy
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.propose import propose
from pipelines.proposals.review.app import create_app
from pipelines.proposals.review.messages import Messenger
from pipelines.proposals.review.shelf import Shelf
from pipelines.proposals.terms import Terms, file_policy
from pipelines.secret_settings import Secrets
from pipelines.warehouse import open_warehouse
from tests.e2e.review_server import copied
from tests.e2e.review_world import ANN, ZOE, two_campaigns

pytestmark = pytest.mark.slow

SECRET = "a signing secret of the tests"
PEOPLE = f"review: {{url: 'http://localhost', slack: {{people: {{U1: {ANN}, U3: 'service:x'}}}}}}\n"


class Receiver:
    """Takes what is posted, as Slack's webhook does."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.status == 200:
                    receiver.posted.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/T/B/X"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, count: int = 1) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 60
        while len(self.posted) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.posted


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    two_campaigns(folder, more=PEOPLE)
    return folder


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    return copied(world, tmp_path / "w")


def messenger(folder: Path, receiver: Receiver) -> tuple[Messenger, Shelf]:
    settings = load_settings(folder / "adcanary.yaml")
    shelf = Shelf(settings)
    shelf.refresh()
    return Messenger(settings, shelf, receiver.url, buttons=True), shelf


def propose_anew(folder: Path, **policy: Any) -> None:
    """New revisions of all proposals, under another policy."""
    settings = load_settings(folder / "adcanary.yaml")
    changed = settings.policy.model_copy(update={"max_open_proposals": 49, **policy})
    ledger = open_ledger(open_warehouse(settings), settings)
    terms = Terms.of(settings, file_policy(settings.model_copy(update={"policy": changed})))
    set_policy(ledger, terms.policy, terms.moment, Actor(ZOE, "person"), comment="test")
    propose(ledger, terms, created_by="service:adcanary")


def test_what_is_new_is_sent_once_and_urgent_ones_apart(folder: Path, receiver: Receiver) -> None:
    sender, shelf = messenger(folder, receiver)
    assert sender.send_new() == 0  # of the past
    propose_anew(folder)
    shelf.refresh()
    assert (sender.send_new(), sender.send_new()) == (2, 0)
    urgent, routine = receiver.posted
    assert urgent["text"] == "1 proposal waits (urgent), moving 1,400 USD a week"
    assert routine["text"] == "2 proposals wait (new), moving 560 USD a week"
    again, _ = messenger(folder, receiver)
    assert again.send_new() == 0


def test_a_name_from_a_platform_mentions_nobody(folder: Path, receiver: Receiver) -> None:
    sender, shelf = messenger(folder, receiver)
    sender.send_new()
    propose_anew(folder)
    shelf.refresh()
    sender.send_new()
    shown = json.dumps(receiver.posted[0]["blocks"])
    assert "&lt;b&gt;new&lt;/b&gt;" in shown
    assert "http://localhost/proposals/p-" in shown


def test_a_message_that_slack_refuses_is_sent_again(folder: Path, receiver: Receiver) -> None:
    import httpx

    sender, shelf = messenger(folder, receiver)
    sender.send_new()
    propose_anew(folder)
    shelf.refresh()
    receiver.status = 500
    with pytest.raises(httpx.HTTPError):
        sender.send_new()
    receiver.status = 200
    assert sender.send_new() == 2


def test_in_quiet_hours_only_what_is_urgent_is_sent_and_the_rest_afterwards(
    folder: Path, receiver: Receiver
) -> None:
    from pipelines.policy_settings import QuietHours

    sender, shelf = messenger(folder, receiver)
    sender.send_new()
    quiet = QuietHours.model_validate({"from": "08:00", "to": "10:00"})
    propose_anew(folder, quiet_hours=quiet)
    shelf.refresh()
    assert sender.send_new() == 1
    config = folder / "adcanary.yaml"
    config.write_text(config.read_text().replace("T09:00:00Z", "T10:30:00Z"))
    later, _ = messenger(folder, receiver)
    assert later.send_new() == 1
    assert [m["text"].split(" (")[1][:3] for m in receiver.posted] == ["urg", "new"]


@pytest.fixture
def client(folder: Path, receiver: Receiver) -> Iterator[TestClient]:
    secrets = Secrets(slack_webhook=SecretStr(receiver.url), slack_signing_secret=SecretStr(SECRET))
    app = create_app(load_settings(folder / "adcanary.yaml"), secrets, "nobody")
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5)) as made:
        yield made


def click(
    client: TestClient,
    receiver: Receiver,
    *,
    member: str = "U1",
    action: str = "reject",
    reason: str | None = "no",
    at: int | None = None,
    secret: str = SECRET,
    value: str | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    """Click the button of m2's pause in Slack."""
    standing = client.app.state.review.shelf.current().standing  # type: ignore[attr-defined]
    pause = next(p for p in standing.proposals.values() if p.kind == "pause")
    value = value or f"{pause.proposal_id} {pause.revision} {pause.content_hash[:12]}"
    payload = {
        "type": "block_actions",
        "user": {"id": member},
        "actions": [{"action_id": action, "value": value}],
        "response_url": receiver.url,
        "state": {"values": {f"reason {value}": {"reason": {"value": reason}}}},
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256)
    headers = {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest.hexdigest()}",
        "content-type": "application/x-www-form-urlencoded",
    }
    status = client.post("/slack/actions", content=body, headers=headers).status_code
    return status, body, headers


def decided(folder: Path) -> list[tuple[str, str, str | None]]:
    settings = load_settings(folder / "adcanary.yaml")
    events = open_ledger(open_warehouse(settings), settings).events()
    by_people = [e for e in events if e.actor_kind == "person" and e.action != "set_policy"]
    return [(e.action, e.actor, e.comment) for e in by_people]


def test_a_signed_click_of_a_known_person_counts_once(
    folder: Path, client: TestClient, receiver: Receiver
) -> None:
    status, body, headers = click(client, receiver)
    assert status == 200
    assert receiver.wait()[0]["text"].startswith(f"{ANN}: Rejected.")
    # Slack's own retry, or a replay
    assert client.post("/slack/actions", content=body, headers=headers).status_code == 200
    receiver.wait(2)
    assert decided(folder) == [("reject", ANN, "no")]


def test_an_approval_in_slack_is_held_to_everything(
    folder: Path, client: TestClient, receiver: Receiver
) -> None:
    click(client, receiver, action="approve", reason=None)
    assert "Approved. 1 more must approve it" in receiver.wait()[0]["text"]
    click(client, receiver, action="approve", reason=None, at=int(time.time()) - 60)
    assert f"{ANN} has approved it already" in receiver.wait(2)[1]["text"]
    assert receiver.posted[1]["response_type"] == "ephemeral"
    assert decided(folder) == [("approve", ANN, None)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"member": "U2"}, "Nobody here knows the Slack member U2."),
        ({"member": "U3"}, "Nobody here knows"),
        ({"reason": None}, "Give a reason."),
        ({"action": "explode"}, "There is no such button."),
        ({"value": "p-1 1"}, "This button is of no proposal."),
    ],
)
def test_a_click_that_may_not_count_is_answered_and_changes_nothing(
    folder: Path, client: TestClient, receiver: Receiver, change: dict[str, Any], said: str
) -> None:
    assert click(client, receiver, **change)[0] == 200
    assert said in receiver.wait()[0]["text"]
    assert decided(folder) == []


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "another"},
        {"at": int(time.time()) - 86_400},
        {"at": int(time.time()) + 86_400},
        {"at": -1},
    ],
)
def test_a_click_that_slack_did_not_sign_now_is_refused(
    folder: Path, client: TestClient, receiver: Receiver, change: dict[str, Any]
) -> None:
    assert click(client, receiver, **change)[0] == 401
    assert decided(folder) == []
    assert receiver.posted == []


def test_without_a_secret_there_are_no_buttons(folder: Path, receiver: Receiver) -> None:
    secrets = Secrets(slack_webhook=SecretStr(receiver.url))
    app = create_app(load_settings(folder / "adcanary.yaml"), secrets, "nobody")
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5)) as client:
        assert click(client, receiver)[0] == 404
