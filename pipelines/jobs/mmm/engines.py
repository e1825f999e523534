"""The engines by the names that settings give them, and a memory of what they have fitted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from importlib import import_module
from typing import cast

from pipelines.config import EngineName
from pipelines.jobs.mmm.engine import Engine, Fitted
from pipelines.jobs.mmm.experiments import Experiment
from pipelines.jobs.mmm.panel import Panel

_MODULES: dict[EngineName, str] = {
    "ensemble": "pipelines.jobs.mmm.ensemble",
    "lightweight": "pipelines.jobs.mmm.lightweight",
    "validator": "pipelines.jobs.mmm.validator",
}
INCLUDING: tuple[EngineName, ...] = ("ensemble",)
"""Engines that have experiments in their likelihood; the draws of others are reweighted
(:mod:`pipelines.jobs.mmm.calibration`)."""


class _Memory:
    """The latest fits, by what they were made of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._fits: OrderedDict[tuple[object, ...], Fitted] = OrderedDict()

    def engine(self, name: EngineName, engine: Engine) -> Engine:
        def fit(panel: Panel, seed: int, experiments: Sequence[Experiment] = ()) -> Fitted:
            end = panel.starts[-1] + timedelta(days=6)
            # one that was counted later has no place beside the panel
            seen = tuple(e for e in experiments if e.counted_to <= end)
            arrays = (panel.spend, panel.outcome, panel.controls)
            texts = (panel.starts, panel.geos, panel.channels, panel.control_names)
            key = (name, seed, seen, *texts, *((a.shape, a.tobytes()) for a in arrays))
            if key not in self._fits:
                self._fits[key] = engine(panel, seed, seen)
            self._fits.move_to_end(key)
            while len(self._fits) > self._most:
                self._fits.popitem(last=False)
            return self._fits[key]

        return fit


_memory: ContextVar[_Memory | None] = ContextVar("memory", default=None)


@contextmanager
def remembered(most: int = 20) -> Iterator[None]:
    """Within it, a fit of the same panel with the same seed isn't made twice.

    A run of next week predicts from the weeks that this week's was fitted to, so that a run after
    the other needs one new fit each. The same arguments give the same draws: no answer changes.

    Args:
        most: fits to keep, the latest used; within another memory, that one's go on.
    """
    if _memory.get() is not None:
        yield
        return
    token = _memory.set(_Memory(most))
    try:
        yield
    finally:
        _memory.reset(token)


def engine_of(name: EngineName) -> Engine:
    """The engine; imported when it is needed, because some take seconds to load."""
    made = getattr(import_module(_MODULES[name]), f"fit_{name}")
    engine = cast(Engine, made) if name in INCLUDING else _without_experiments(made)
    memory = _memory.get()
    return engine if memory is None else memory.engine(name, engine)


def _without_experiments(made: Callable[[Panel, int], Fitted]) -> Engine:
    def fit(panel: Panel, seed: int, experiments: Sequence[Experiment] = ()) -> Fitted:
        del experiments
        return made(panel, seed)

    return fit
