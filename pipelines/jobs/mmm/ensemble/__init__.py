"""The ensemble engine: Bayesian averaging over shapes of adstock and saturation, by Gibbs sampling.

Nothing but a Panel may enter; numpy and scipy are all it needs.
"""

from pipelines.jobs.mmm.ensemble.engine import Ensemble, fit_ensemble

__all__ = ["Ensemble", "fit_ensemble"]
