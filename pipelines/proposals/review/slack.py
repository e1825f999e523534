"""Slack's buttons: a click counts if Slack signed it just now, and if we know whose it is."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from pipelines.errors import AdcanaryError
from pipelines.proposals.people import person_name
from pipelines.proposals.review.decisions import Decisions, Seen
from pipelines.proposals.review.forms import Forms, Outcome
from pipelines.proposals.review.identity import Visitor
from pipelines.proposals.review.messages import escaped
from pipelines.proposals.states import Action
from pipelines.review_settings import SlackSettings

PATH = "/slack/actions"
_WINDOW_SECONDS = 300
_LARGEST = 100_000
_TIMEOUT = 10
_log = logging.getLogger(__name__)


class _Text(BaseModel):
    value: str | None = None


class _User(BaseModel):
    id: str


class _Click(BaseModel):
    action_id: str
    value: str = ""


class _State(BaseModel):
    values: dict[str, dict[str, _Text]] = {}


class _Payload(BaseModel):
    type: str
    user: _User
    actions: tuple[_Click, ...]
    response_url: str = ""
    state: _State = _State()


@dataclass(frozen=True)
class Buttons:
    """Takes clicks.

    Args:
        secret: with which Slack signs them.
        webhook: whose host answers may be sent to.
    """

    settings: SlackSettings
    secret: str
    webhook: str
    forms: Forms
    decisions: Decisions

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(PATH, self._clicked, methods=["POST"])
        return router

    async def _clicked(self, request: Request) -> Response:
        body = await request.body()
        signature = request.headers.get("x-slack-signature", "")
        at = request.headers.get("x-slack-request-timestamp", "")
        if not self.is_signed(body, at, signature):
            return JSONResponse({"error": "not signed by Slack, or not now"}, 401)
        form = await request.form()
        try:
            payload = _Payload.model_validate_json(str(form.get("payload", "")))
        except ValidationError:
            return JSONResponse({"error": "not a click on one of our buttons"}, 400)
        # Slack waits three seconds for an answer, and a decision may have to wait its turn
        threading.Thread(
            target=self.decide, args=(payload, signature), name="slack", daemon=True
        ).start()
        return Response(status_code=HTTPStatus.OK)

    def is_signed(self, body: bytes, at: str, signature: str) -> bool:
        """Whether Slack signed a body within the last minutes."""
        if not at.isdecimal() or abs(time.time() - int(at[:12])) > _WINDOW_SECONDS:
            return False
        if len(body) > _LARGEST:
            return False
        base = b":".join((b"v0", at.encode(), body))
        own = hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"v0={own}".encode(), signature.encode())

    def decide(self, payload: _Payload, signature: str) -> Outcome:
        """Decide for whoever clicked, once for each signed click, and answer in Slack."""
        visitor = self._visitor(payload.user.id)
        click = payload.actions[0] if payload.actions else _Click(action_id="")
        parts = click.value.split(" ")
        if visitor is None:
            outcome = Outcome(
                f"Nobody here knows the Slack member {payload.user.id}.",
                "Nothing was recorded.",
                HTTPStatus.FORBIDDEN,
                "An admin names you under review.slack.people in adcanary.yaml.",
            )
        elif len(parts) != 3 or not parts[1].isdecimal():
            outcome = Outcome("This button is of no proposal.", status=HTTPStatus.BAD_REQUEST)
        else:
            seen = Seen(parts[0], int(parts[1]), parts[2])
            reason = _reason(payload, click.value)
            known = visitor
            outcome = self.forms.take(
                known, f"slack {signature}", lambda: self._decided(known, seen, click, reason)
            )
        self._answer(payload.response_url, visitor, outcome)
        return outcome

    def _decided(self, visitor: Visitor, seen: Seen, click: _Click, reason: str) -> Outcome:
        if click.action_id == "approve":
            return self.decisions.approve(visitor, seen, reason)
        if click.action_id == "reject":
            return self.decisions.move(visitor, seen, Action.REJECT, reason)
        return Outcome("There is no such button.", status=HTTPStatus.BAD_REQUEST)

    def _visitor(self, member: str) -> Visitor | None:
        name = self.settings.people.get(member)
        try:
            return Visitor(person_name(name), "Slack") if name else None
        except AdcanaryError:
            return None

    def _answer(self, address: str, visitor: Visitor | None, outcome: Outcome) -> None:
        """Tell what came of it, in the channel if something was recorded, else to them alone."""
        if urlsplit(address)[:2] != urlsplit(self.webhook)[:2]:
            return
        who = f"{visitor.name}: " if visitor and outcome.done else ""
        text = escaped(" ".join(filter(None, (outcome.title, outcome.detail, outcome.fix))))
        message: dict[str, Any] = {
            "text": who + text,
            "response_type": "in_channel" if outcome.done else "ephemeral",
            "replace_original": False,
        }
        try:
            httpx.post(address, content=json.dumps(message), timeout=_TIMEOUT).raise_for_status()
        except httpx.HTTPError as error:
            _log.warning("Slack didn't take the answer to a click: %s", error)


def _reason(payload: _Payload, value: str) -> str:
    text = payload.state.values.get(f"reason {value}", {}).get("reason")
    return (text.value or "") if text else ""
