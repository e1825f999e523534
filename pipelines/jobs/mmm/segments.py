"""Whether the segments that adcanary.yaml names have campaigns, and which labels may be meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from rapidfuzz import fuzz, process

from pipelines.config import Segment
from pipelines.jobs.mmm.checks import Check

_LIKE = 60.0
"""Similarity, of 100, from which a label may be the one that was meant."""
_MOST = 3


def empty_segments(segments: Sequence[Segment], campaigns: pa.Table | None) -> list[Check]:
    """A check that doesn't pass for each segment that no campaign is of.

    Args:
        campaigns: rows of campaigns.sql; None where no campaign is known.
    """
    rows = campaigns.to_pylist() if campaigns is not None else []
    taken = {row["mmm_channel"] for row in rows}
    checks = []
    for segment in segments:
        if segment.full_name not in taken:
            own = [row["labels"] for row in rows if row["platform"] == segment.channel]
            message = " ".join(_reasons(segment, own))
            name = f"campaigns_{segment.full_name}"
            checks.append(
                Check(name, 0, 1, passed=False, channel=segment.full_name, message=message)
            )
    return checks


def _reasons(segment: Segment, labels: Sequence[str]) -> Iterator[str]:
    """Sentences; ``labels`` are those of the platform's campaigns, one a line."""
    if not labels:
        yield f"jobs.mmm.segments: no campaign of {segment.channel} is known."
        return
    yield f"jobs.mmm.segments: no campaign is of {segment.full_name}, so there is no such channel."
    known = sorted({line for text in labels for line in text.splitlines() if line})
    for label in segment.labels:
        if label.lower() in {other.lower() for other in known}:
            yield f"Campaigns labelled '{label}' are all of segments before it."
            continue
        similar = process.extract(
            label, known, scorer=fuzz.WRatio, processor=str.lower, score_cutoff=_LIKE, limit=_MOST
        )
        near = ", ".join(f"'{match}'" for match, _, _ in similar)
        hint = f"labels like it: {near}" if near else _some(known)
        yield f"No campaign of {segment.channel} is labelled '{label}' ({hint})."
    if segment.name_contains:
        parts = " or ".join(f"'{part}'" for part in segment.name_contains)
        yield f"No other campaign's name contains {parts}."


def _some(known: Sequence[str]) -> str:
    if not known:
        return "its campaigns have no labels"
    shown = ", ".join(f"'{label}'" for label in known[:_MOST])
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return f"its labels are {shown}{more}"
