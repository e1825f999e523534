"""A draft of a mapping of experiments."""

from __future__ import annotations

from pipelines.sources.files.experiments.mapping import Columns
from pipelines.sources.files.known import known_in
from pipelines.sources.files.list_draft import blocks_of
from pipelines.sources.files.look import TODO, Look
from pipelines.sources.files.ready import drafted_from

_TABLE = "experiments"
_CHOICES = ("channel", "kind", "outcome", "status", "measured_by")
_NUMBERS = (
    *("spend_test", "spend_baseline", "spend_delta", "effect", "standard_error"),
    *("effect_low", "effect_high", "interval_level", "population_share"),
)


def drafted(look: Look) -> str:
    """The mapping's text: what was seen, and TODO where a person must say."""
    known = known_in(look.header, _TABLE)
    blocks = blocks_of(look, _TABLE, tuple(Columns.model_fields), _CHOICES, _NUMBERS)
    blocks["currency"] = [f"currency: {{constant: {TODO}}}", *blocks.pop("strip")]
    blocks["interval_level"] = []
    if "effect_low" in known and "interval_level" not in known:
        blocks["interval_level"] = [f"interval_level: {TODO}"]
    return drafted_from(_TABLE, look, blocks)
