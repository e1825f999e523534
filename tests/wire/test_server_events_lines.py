"""A line of server events that can't be read: set aside by its number, and nothing of it said."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.privacy.hashing import hash_user_id
from pipelines.sandbox.platforms.server_events.export import VENDOR_ID, tc_string
from pipelines.source_settings import ServerEventsSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.server_events.source import ServerEventsSource

SALT, SITE_ID, DAY = "a-salt", "shop", date(2026, 6, 10)
YES, NO = tc_string(frozenset({1, 7})), tc_string(frozenset())
Write = Callable[..., ServerEventsSource]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A source over hand-written lines of a day."""

    def write_(events: list[dict[str, Any]]) -> ServerEventsSource:
        lines = "".join(json.dumps(event) + "\n" for event in events)
        (tmp_path / f"{DAY}.ndjson").write_text(lines)
        settings = ServerEventsSettings(
            site_id=SITE_ID, path=str(tmp_path), time_zone="America/New_York", vendor_id=VENDOR_ID
        )
        return ServerEventsSource(settings, SALT)

    return write_


def _event(event_id: str = "e1", at: str = "2026-06-10T12:00:00-04:00", **fields: Any) -> Any:
    plain = {"event_id": event_id, "event_name": "page_view", "occurred_at": at, "consent": YES}
    return {**plain, **fields}


def _pull(source: ServerEventsSource, window: Window) -> Batch:
    (batch,) = source.pull(SITE_ID, window)
    return batch


def test_an_event_far_from_its_file_is_set_aside(write: Write) -> None:
    source = write([_event(), _event("far", "2026-06-13T00:00:00-04:00")])
    batch = _pull(source, Window(DAY, DAY))
    assert batch.rows["event_id"].to_pylist() == ["e1"]
    (one,) = batch.unreadable
    assert (one.place, one.day) == ("2026-06-10.ndjson line 2", DAY)
    assert "two days or more" in one.why


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"occurred_at": "2026-06-10 12:00:00"}, "occurred_at is not an instant with its offset"),
        ({"occurred_at": "9999-12-31T23:59:59-12:00"}, "occurred_at is not an instant"),
        ({"value": 3.5}, "the line has a value and no currency"),
        ({"value": float("inf"), "currency": "USD"}, "the line is not JSON"),
        ({"email": {"address": "joe@example.org"}}, "email is not a text"),
        ({"event_name": None}, "no event_name"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_without_its_value(
    write: Write, fields: dict[str, Any], message: str
) -> None:
    source = write([_event("e1"), _event("e2", **fields)])
    batch = _pull(source, Window(DAY, DAY))
    assert batch.rows["event_id"].to_pylist() == ["e1"]
    (one,) = batch.unreadable
    assert one.place == "2026-06-10.ndjson line 2"
    assert message in one.why
    assert "joe" not in f"{one} {one.row}"


def test_a_line_that_cannot_be_read_still_withdraws_consent_and_shows_nothing(
    write: Write,
) -> None:
    person = {"user_id": "C-17"}
    broken = _event("e2", "2026-06-10T23:00:00+00:00", value=1, consent=NO, **person)
    batch = _pull(write([_event("e1", **person), broken]), Window(DAY, DAY))
    assert len(batch.rows) == 0
    assert hash_user_id("C-17", SALT) in batch.withdrawn
    (one,) = batch.unreadable
    assert (one.why, one.row) == ("the line has a value and no currency", None)
