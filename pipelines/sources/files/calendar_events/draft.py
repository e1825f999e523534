"""A draft of a mapping of a calendar."""

from __future__ import annotations

from pipelines.sources.files.calendar_events.mapping import Columns
from pipelines.sources.files.known import known_in
from pipelines.sources.files.list_draft import blocks_of
from pipelines.sources.files.look import Look
from pipelines.sources.files.ready import drafted_from

_TABLE = "calendar_events"
_NUMBERS = ("population_share", "intensity", "expected_sign")


def drafted(look: Look) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    choices = ("kind", "known_in_advance")
    blocks = blocks_of(look, _TABLE, tuple(Columns.model_fields), choices, _NUMBERS)
    if "known_in_advance" not in known_in(look.header, _TABLE):
        blocks["known_in_advance"] = []
    return drafted_from(_TABLE, look, blocks)
