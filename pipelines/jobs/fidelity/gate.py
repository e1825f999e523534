"""The gate that a job's predictions must pass before anything of it is proposed."""

from __future__ import annotations

from math import sqrt

from pipelines.job_settings import FidelitySettings
from pipelines.jobs.fidelity.score import Fidelity


def gate(
    job: str, quantity: str, scored: Fidelity | None, settings: FidelitySettings
) -> tuple[str, str]:
    """PASS, FAIL or NO_DATA, and why.

    The distance that chance alone makes goes with the root of how many things were predicted: of
    fewer than ``min_predictions``, it may be larger by that.

    Args:
        job: whose predictions they are.
        quantity: what was predicted.
        scored: None where there is none.
    """
    if scored is None or scored.count < settings.min_predictions:
        return "NO_DATA", (
            f"{job} made {scored.count if scored else 'no'} predictions of {quantity} that can "
            f"be compared with what came; at least {settings.min_predictions} are needed."
        )
    if scored.mape is None:
        return "NO_DATA", f"Nothing came of {quantity}, so that no error can be a share of it."
    faults = []
    if scored.mape > settings.max_mape:
        faults.append(f"were off by {scored.mape:.0%} (at most {settings.max_mape:.0%})")
    most = settings.max_ks * sqrt(max(settings.min_predictions / scored.independent, 1))
    if scored.ks > most:
        faults.append(
            f"{_shape(scored)}: the distance of what came from the predicted distribution is "
            f"{scored.ks:.2f} (at most {most:.2f})"
        )
    if faults:
        return "FAIL", f"{job}'s predictions of {quantity} {' and '.join(faults)}."
    return "PASS", (
        f"{job}'s {scored.count} predictions of {quantity} were off by {scored.mape:.1%}, and "
        f"{scored.coverage_80:.0%} of what came was in its 80% interval."
    )


def _shape(scored: Fidelity) -> str:
    """In which way the predicted distributions are wrong."""
    if scored.bias is not None and abs(scored.bias) >= 0.02:
        return f"were too {'high' if scored.bias > 0 else 'low'} by {abs(scored.bias):.0%}"
    return f"were too {'wide' if scored.coverage_80 > 0.8 else 'narrow'}"
