"""Probable links: pairs of devices that look like one person's, by networks and times.

Reads coarse signals of consented visits; scores with Splink, changes no deterministic identity.
"""

from pipelines.jobs.links.job import LinksJob

__all__ = ["LinksJob"]
