"""Finds files that would withdraw each other's rows: with days of one account in one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import cast

from pipelines.errors import AdcanaryError, InputError
from pipelines.sources.base import ExportFile, Source


def overlapping(sources: Iterable[Source]) -> Mapping[tuple[int, str], InputError]:
    """The accounts of files that must not be landed together, with why.

    A file replaces all that is published of its days, so of two that both have days of an account
    the second would withdraw what is only in the first: unless both say that they aren't complete.

    Returns:
        An error for each ``(id(source), account_id)`` that shares days with another's.
    """
    files = [s for s in sources if isinstance(s, ExportFile)]
    errors: dict[tuple[int, str], InputError] = {}
    for first, second in combinations(files, 2):
        if first.platform != second.platform or not (first.complete or second.complete):
            continue
        one, other = cast(Source, first), cast(Source, second)
        if not set(one.tables) & set(other.tables):
            continue
        shared = set(one.account_ids) & set(other.account_ids)
        if not shared or not _meet(one, other):
            continue
        for account_id in sorted(shared):
            error = InputError(
                f"Two files have days of {first.platform} account {account_id}: {first.path} "
                f"({one.span}) and {second.path} ({other.span}).",
                kept="published data is unchanged; neither was landed.",
                fix="If each has some of the campaigns, say `complete: false` in the mappings of "
                "both; otherwise join them, or leave one out.",
            )
            for source in (one, other):
                errors.setdefault((id(source), account_id), error)
    return errors


def _meet(one: Source, other: Source) -> bool:
    """Whether the days of two files overlap; one that can't be read says so when it is landed."""
    try:
        first, second = one.span, other.span
    except AdcanaryError:
        return False
    if first is None or second is None:
        return False
    return first.start <= second.end and second.start <= first.end
