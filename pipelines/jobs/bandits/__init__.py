"""Bandits: which ad, and which ad group, to give which share, from what each has earned so far.

Reads marts and proposes shares with their propensities; nothing that changes a campaign may enter.
"""

from pipelines.jobs.bandits.job import BanditsJob

__all__ = ["BanditsJob"]
