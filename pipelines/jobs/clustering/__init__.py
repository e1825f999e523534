"""Clustering: which interests people share, by the texts of pages, items and searches they saw.

Reads texts that several people saw, under pseudonymous ids; nothing else of a person may enter.
"""

from pipelines.jobs.clustering.job import ClusteringJob

__all__ = ["ClusteringJob"]
