"""Messages to Slack about proposals that began to wait: urgent ones at once, others outside of the
policy's quiet hours. What was sent is kept beside the configuration: nothing is sent twice."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from pipelines.config import Settings
from pipelines.proposals.review.card import Card, card
from pipelines.proposals.review.decisions import Seen
from pipelines.proposals.review.figures import left, percent, platform, rounded
from pipelines.proposals.review.inbox import stake_of
from pipelines.proposals.review.shelf import Shelf, Snapshot
from pipelines.proposals.review.standing import Standing
from pipelines.proposals.states import Action, State
from pipelines.proposals.stored import StoredProposal

_GLANCE_SECONDS = 30.0
_TIMEOUT = 10
_MOST = 5  # proposals told one by one in a message; Slack takes 50 blocks
_log = logging.getLogger(__name__)
Blocks = list[dict[str, Any]]


class Messenger:
    """Sends a message when there is something to tell; a failed one is tried again.

    Args:
        webhook: Slack's address for a channel.
        buttons: whether proposals can be decided on in Slack.
    """

    def __init__(self, settings: Settings, shelf: Shelf, webhook: str, *, buttons: bool) -> None:
        self._settings, self._shelf = settings, shelf
        self._webhook, self._buttons = webhook, buttons
        self._sent = _Sent(settings.path.parent / ".adcanary" / "review-messages.json")
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="messenger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(_TIMEOUT + 1)

    def notice(self, _: Snapshot, __: Snapshot) -> None:
        """Something was read anew."""
        self._wake.set()

    def send_new(self) -> int:
        """Send what is new; how many messages that took.

        Raises:
            httpx.HTTPError: Slack didn't take one; it is tried again.
        """
        snapshot = self._shelf.current()
        standing, sent = snapshot.standing, 0
        if snapshot.read_at is None:
            return 0
        if not self._sent.is_known():  # whoever begins to listen isn't told of the past
            self._sent.keep(standing.trail.sequence, standing.trail.sequence)
        for urgent in (True, False):
            if not urgent and self._is_quiet(standing):
                continue
            new = _new(standing, self._sent.of(urgent), urgent=urgent)
            if new:
                self._post(self._message(standing, new, urgent=urgent))
                sent += 1
            self._sent.keep(**{"urgent" if urgent else "routine": standing.trail.sequence})
        return sent

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.send_new()
            except (httpx.HTTPError, OSError) as error:
                _log.warning("a message to Slack failed, and is tried again: %s", error)
            self._wake.wait(_GLANCE_SECONDS)
            self._wake.clear()

    def _is_quiet(self, standing: Standing) -> bool:
        policy = standing.ledger.policy
        hours = policy.settings.quiet_hours if policy else None
        zone = ZoneInfo(self._settings.reporting_time_zone)
        return bool(hours and hours.hold(self._settings.clock().astimezone(zone).time()))

    def _post(self, message: dict[str, Any]) -> None:
        httpx.post(self._webhook, json=message, timeout=_TIMEOUT).raise_for_status()

    def _message(
        self, standing: Standing, new: Sequence[StoredProposal], *, urgent: bool
    ) -> dict[str, Any]:
        many = f"{len(new):,} proposal{'' if len(new) == 1 else 's'}"
        stake = stake_of(standing, new)
        kind = "urgent" if urgent else "new"
        title = f"{many} {'wait' if len(new) > 1 else 'waits'} ({kind}), moving "
        title += f"{rounded(stake.micros, stake.currency)} a week"
        blocks: Blocks = [_section(f"*{escaped(title)}*")]
        for stored in new[:_MOST]:
            blocks += self._about(standing, stored)
        if len(new) > _MOST:
            blocks.append(
                _section(f"And {len(new) - _MOST:,} more: {self._link('/inbox', 'inbox')}")
            )
        return {"text": title, "blocks": blocks}

    def _about(self, standing: Standing, stored: StoredProposal) -> Blocks:
        stake = standing.stakes.get(stored.proposal_id)
        shown = card(stored, stake)
        path = f"/proposals/{stored.proposal_id}"
        lines = [f"*{self._link(path, shown.title)}*"]
        if isinstance(shown, Card):
            lines.append(escaped(f"{platform(stored.target.platform)}: {shown.described.change}"))
        facts = [f"{percent(stored.delta_percent)}"]
        if stake:
            facts.append(f"moves {rounded(stake.micros, stake.currency)} a week")
        facts.append(f"expires in {left(stored.expires_at, self._settings.clock())}")
        lines.append(escaped(" · ".join(facts)))
        blocks: Blocks = [{"type": "divider"}, _section("\n".join(lines))]
        return [*blocks, *_controls(stored)] if self._buttons else blocks

    def _link(self, path: str, text: str) -> str:
        url = self._settings.review.url
        return f"<{url.rstrip('/')}{path}|{escaped(text)}>" if url else escaped(text)


class _Sent:
    """Up to which event messages were sent: of urgent proposals, and of others."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_known(self) -> bool:
        return bool(self._read())

    def of(self, urgent: bool) -> int:
        return self._read().get("urgent" if urgent else "routine", 0)

    def keep(self, urgent: int | None = None, routine: int | None = None) -> None:
        before = self._read()
        given = {"urgent": urgent, "routine": routine}
        after = {**before, **{name: value for name, value in given.items() if value is not None}}
        if after == before:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.new")
        new.write_text(json.dumps(after))
        new.replace(self._path)

    def _read(self) -> dict[str, int]:
        try:
            kept = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def escaped(text: str) -> str:
    """Text that Slack takes for text: no mention, link or channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _new(standing: Standing, since: int, *, urgent: bool) -> list[StoredProposal]:
    """The proposals that were submitted after an event and still wait."""
    ids = standing.trail.ids_since(since, str(Action.SUBMIT))
    waiting = (standing.proposals[id_] for id_ in ids if id_ in standing.proposals)
    return [
        p for p in waiting if p.state == State.PENDING_REVIEW and (p.urgency == "URGENT") == urgent
    ]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _controls(stored: StoredProposal) -> Blocks:
    seen = Seen.of(stored)
    value = f"{seen.proposal_id} {seen.revision} {seen.content_hash}"

    def button(action: str, text: str, style: str) -> dict[str, Any]:
        return {
            "type": "button",
            "action_id": action,
            "text": {"type": "plain_text", "text": text},
            "style": style,
            "value": value,
        }

    reason = {
        "type": "input",
        "block_id": f"reason {value}",
        "optional": True,
        "label": {"type": "plain_text", "text": "Reason (needed to reject)"},
        "element": {"type": "plain_text_input", "action_id": "reason"},
    }
    buttons = [button("approve", "Approve", "primary"), button("reject", "Reject", "danger")]
    return [reason, {"type": "actions", "elements": buttons}]
