"""The lightweight engine: LightweightMMM's three models, sampled by NUTS and averaged.

Nothing but a Panel may enter; JAX is imported only when a model is fitted.
"""

from pipelines.jobs.mmm.lightweight.engine import fit_lightweight

__all__ = ["fit_lightweight"]
