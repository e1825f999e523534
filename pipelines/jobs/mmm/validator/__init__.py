"""The validator: Robyn's recipe, an independent check on engines that are Bayesian.

Nothing but a Panel may enter; numpy is all that it needs.
"""

from pipelines.jobs.mmm.validator.engine import fit_validator

__all__ = ["fit_validator"]
