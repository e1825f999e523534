"""Reconciliation: the media mix model's orders by channel, split down to campaigns and days.

Reads what the latest mmm and attribution runs published (docs/adr/0019) and fits nothing itself.
"""

from pipelines.jobs.reconciliation.job import ReconciliationJob

__all__ = ["ReconciliationJob"]
