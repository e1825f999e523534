"""Attribution: what each channel is credited with, by Markov chain and by Shapley value.

Reads paths that are counted together, in which no person shows; no touch of a person may enter.
"""

from pipelines.jobs.attribution.job import AttributionJob

__all__ = ["AttributionJob"]
