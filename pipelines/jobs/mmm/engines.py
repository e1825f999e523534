"""The engines by the names that settings give them, and a memory of what they have fitted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import cast

from pipelines.config import EngineName
from pipelines.jobs.mmm.engine import Engine, Fitted
from pipelines.jobs.mmm.panel import Panel

_MODULES: dict[EngineName, str] = {
    "ensemble": "pipelines.jobs.mmm.ensemble",
    "lightweight": "pipelines.jobs.mmm.lightweight",
    "validator": "pipelines.jobs.mmm.validator",
}


class _Memory:
    """The latest fits, by what they were made of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._fits: OrderedDict[tuple[object, ...], Fitted] = OrderedDict()

    def engine(self, name: EngineName, engine: Engine) -> Engine:
        def fit(panel: Panel, seed: int) -> Fitted:
            arrays = (panel.spend, panel.outcome, panel.controls)
            texts = (panel.starts, panel.geos, panel.channels, panel.control_names)
            key = (name, seed, *texts, *((a.shape, a.tobytes()) for a in arrays))
            if key not in self._fits:
                self._fits[key] = engine(panel, seed)
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
    engine = cast(Engine, getattr(import_module(_MODULES[name]), f"fit_{name}"))
    memory = _memory.get()
    return engine if memory is None else memory.engine(name, engine)
