"""Pacing: month to date against a weekday-shaped budget, and the faults that need a person today.

Reads spend, budgets and which account-days were published; forecasts and alerts, changes nothing.
"""

from pipelines.jobs.pacing.job import PacingJob

__all__ = ["PacingJob"]
