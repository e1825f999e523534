"""The engines by the names that settings give them."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from pipelines.config import EngineName
from pipelines.jobs.mmm.engine import Engine

_MODULES: dict[EngineName, str] = {
    "ensemble": "pipelines.jobs.mmm.ensemble",
    "lightweight": "pipelines.jobs.mmm.lightweight",
    "validator": "pipelines.jobs.mmm.validator",
}


def engine_of(name: EngineName) -> Engine:
    """The engine; imported when it is needed, because some take seconds to load."""
    return cast(Engine, getattr(import_module(_MODULES[name]), f"fit_{name}"))
