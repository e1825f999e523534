"""Traits that can be compared, from features: yes or no, above the median, one of some words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.jobs.creatives.returns import Floats

_MIN_ADS = 5


@dataclass(frozen=True)
class Trait:
    """A feature and the value or bound that is looked at.

    Args:
        says: such as "text_words > 12".
        has: by ad, 1 or 0, NaN where it isn't known.
    """

    feature: str
    says: str
    has: Floats


def traits_of(features: Sequence[Mapping[str, Any]]) -> dict[str, Trait]:
    """The traits of ads, by what they say.

    Args:
        features: of each ad, by name; one that an ad lacks, or None, isn't known.
    """
    names = sorted({name for of_ad in features for name in of_ad})
    traits = [t for name in names for t in _of_feature(name, [f.get(name) for f in features])]
    return {trait.says: trait for trait in traits}


def _of_feature(name: str, values: Sequence[Any]) -> list[Trait]:
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in known):
        return [Trait(name, name, _numbers(values))]
    if any(isinstance(value, str) for value in known):
        return [
            Trait(name, f"{name} = {word}", _numbers([_same(v, word) for v in values]))
            for word in sorted(set(known))
            if known.count(word) >= _MIN_ADS
        ]
    numbers = _numbers(values)
    middle = float(np.nanmedian(numbers))
    above = np.where(np.isnan(numbers), np.nan, (numbers > middle).astype(np.float64))
    return [Trait(name, f"{name} > {middle:.4g}", above)]


def _same(value: str | None, word: str) -> bool | None:
    return None if value is None else value == word


def _numbers(values: Sequence[Any]) -> Floats:
    return np.array([np.nan if value is None else float(value) for value in values])
