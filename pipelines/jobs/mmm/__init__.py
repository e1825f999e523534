"""Media mix model: weekly orders from weekly spend, response curves, and the best split of spend.

Nothing but marts.mmm_input_weekly may enter; JAX is imported only when a model is fitted.
"""

from pipelines.jobs.mmm.job import MmmJob

__all__ = ["MmmJob"]
