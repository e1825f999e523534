"""Pacing: month to date against a weekday-shaped budget, and the faults that need a person today.

Reads spend, budgets and published account-days; forecasts and alerts, and changes nothing.
"""

from pipelines.jobs.pacing.job import PacingJob

__all__ = ["PacingJob"]
