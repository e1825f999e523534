"""What becomes of a plan line, by variance, confidence of the match and zero delivery.

- HEALTHY, a variance below 10%: NONE.
- WARNING, 10 to 25%: REVIEW, a person should look.
- CRITICAL, over by more than 25%: PAUSE. A live system would halt the campaign; here an urgent
  pause may be proposed.
- CRITICAL, under by more than 25%, or zero delivery, whatever the variance: REVIEW. There is
  nothing to halt.

With a confidence below 70% each of them is ESCALATE: a person decides, and nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pipelines.config import PacingSettings
from pipelines.jobs.pacing.plan_match import MIN_CONFIDENCE

Classification = Literal["HEALTHY", "WARNING", "CRITICAL", "NO_DATA"]
Action = Literal["NONE", "REVIEW", "PAUSE", "ESCALATE"]


def classify(
    variance: float | None, *, is_zero_delivery: bool, is_early: bool, limits: PacingSettings
) -> Classification:
    """The classification that approvers know.

    Args:
        is_early: the flight is too young for its variance to say more than WARNING: platforms may
            spend twice a daily budget on a day, and even it out.
    """
    if is_zero_delivery:
        return "CRITICAL"
    if variance is None:
        return "NO_DATA"
    if abs(variance) < limits.warning:
        return "HEALTHY"
    return "WARNING" if abs(variance) <= limits.critical or is_early else "CRITICAL"


def decide(classification: Classification, confidence: float, *, may_pause: bool) -> Action:
    """The matrix of the module's docstring. ``may_pause``: it spends too much, and still runs."""
    if confidence < MIN_CONFIDENCE:
        return "ESCALATE"
    if classification in ("HEALTHY", "NO_DATA"):
        return "NONE"
    return "PAUSE" if classification == "CRITICAL" and may_pause else "REVIEW"


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """What a run says of its plan lines; nothing without any."""
    if not rows:
        return ""
    counts = {
        action: sum(row["action"] == action for row in rows)
        for action in ("NONE", "REVIEW", "PAUSE", "ESCALATE")
    }
    parts = (
        (counts["NONE"], "on plan"),
        (counts["REVIEW"], "to review"),
        (counts["PAUSE"], "to pause"),
        (counts["ESCALATE"], "escalated to a person"),
    )
    said = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f" Media plan: {len(rows)} line(s), {said}."
