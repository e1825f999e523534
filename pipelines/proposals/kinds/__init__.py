"""A module for each kind of proposal, found by its ``KIND``: what it drafts, from what evidence.

A kind imports no other kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pipelines.errors import IntegrityError
from pipelines.proposals.kinds.base import Kind


def _find_kinds() -> dict[str, Kind[Any, Any]]:
    """Every kind by name, urgent ones first: the order in which they are drafted and listed."""
    modules = [m.name for m in iter_modules(__path__) if m.name != "base"]
    kinds: list[Kind[Any, Any]] = [import_module(f"{__name__}.{m}").KIND for m in modules]
    return {k.name: k for k in sorted(kinds, key=lambda k: (k.urgency != "URGENT", k.name))}


KINDS: Mapping[str, Kind[Any, Any]] = _find_kinds()


def kind_of(name: str) -> Kind[Any, Any]:
    """The kind of that name.

    Raises:
        IntegrityError: it isn't registered, so its proposals can be neither described nor decided.
    """
    if name not in KINDS:
        raise IntegrityError(
            f"There is no kind of proposal '{name}' (known: {', '.join(sorted(KINDS))}).",
            kept="the proposal is unchanged.",
            fix="Use the version of adcanary that proposed it, or add the kind's module to "
            "pipelines/proposals/kinds.",
        )
    return KINDS[name]
