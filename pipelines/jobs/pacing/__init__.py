"""Pacing: month to date against a weekday-shaped budget, and the faults that need a person today.

Reads spend, budgets, media plans and published days; forecasts and alerts, and changes nothing.
"""

from pipelines.jobs.pacing.job import PacingJob

__all__ = ["PacingJob"]
