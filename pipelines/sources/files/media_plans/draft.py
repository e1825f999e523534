"""A draft of a mapping of a media plan."""

from __future__ import annotations

import json

from pipelines.sources.files.known import known_in
from pipelines.sources.files.list_draft import blocks_of
from pipelines.sources.files.look import TODO, Look
from pipelines.sources.files.media_plans.mapping import Columns
from pipelines.sources.files.ready import drafted_from

_TABLE = "media_plans"
_TEXTS = {"plan_id": "plan_id", "ad_platform": "platform", "currency": "currency"}


def drafted(look: Look) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    known = known_in(look.header, _TABLE)
    blocks = blocks_of(look, _TABLE, tuple(Columns.model_fields), (), ("planned_spend",))
    for key, field in _TEXTS.items():
        column = json.dumps(known.get(field), ensure_ascii=False)
        chosen = f"column: {column}" if field in known else f"constant: {TODO}"
        blocks[key] = [f"{key}: {{{chosen}}}"]
    blocks["currency"] += blocks.pop("strip")
    if "updated_at" not in known:
        blocks["times"] = []
    return drafted_from(_TABLE, look, blocks)
