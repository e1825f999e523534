"""What a credential may do, held against what it needs (scopes.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

from pipelines.sources.base import Grant

_TABLE = Path(__file__).with_name("scopes.yaml")


@dataclass(frozen=True)
class Scopes:
    """Of one platform; ``spare`` are patterns of what is more than a reader needs, and no ad's."""

    needs: tuple[str, ...]
    writes: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


@cache
def scopes_table() -> dict[str, Scopes]:
    """The table, by source."""
    platforms = yaml.safe_load(_TABLE.read_text())["platforms"]
    return {
        name: Scopes(*(tuple(entry.get(key, ())) for key in ("needs", "writes", "spare")))
        for name, entry in platforms.items()
    }


def writes(source: str, grant: Grant) -> str | None:
    """Why a credential may change ads, in words; None where nothing says so."""
    known = scopes_table().get(source)
    if known and (held := sorted((grant.scopes or frozenset()) & set(known.writes))):
        return f"it has {', '.join(held)}, which may write"
    if grant.may_change:
        return f"its user has the role {grant.role}, which may change ads"
    return None


def lacks(source: str, grant: Grant) -> list[str]:
    """What it needs and hasn't, where the platform tells its scopes."""
    known = scopes_table().get(source)
    return sorted(set(known.needs) - grant.scopes) if known and grant.scopes is not None else []


def spares(source: str, grant: Grant) -> list[str]:
    """What it has and no reader needs."""
    known = scopes_table().get(source)
    held = sorted(grant.scopes or ())
    return [s for s in held if known and any(fnmatchcase(s, pattern) for pattern in known.spare)]


def reads_only(source: str, grant: Grant) -> bool:
    """Whether it is sure that a credential changes no ads: its platform has scopes that only read
    and tells which it has, or its user's role only reads."""
    known = scopes_table().get(source)
    settled = known is not None and bool(known.writes) and grant.scopes is not None
    return settled or grant.may_change is False
