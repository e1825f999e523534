"""Scores pairs of devices by the Fellegi–Sunter model, in Splink, trained on known pairs.

A pair is two devices that were in one network within a week. The pairs whose owners are both known
give the model its parameters: the share of matches, and how often each level of a comparison is met
by two devices of one person (m) and of two people (u), as in Fellegi and Sunter (1969). Expectation
maximisation is left out: on the sandbox's markets it made the probabilities less true, because
people who live together meet the way one person's devices do.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink import comparison_level_library as levels
from splink import comparison_library as comparisons

from pipelines.jobs.links.devices import Device, Devices

_SHARED = "list_intersect(meetings_l, meetings_r)"
_SHARED_DAYS = "len(list_intersect(days_l, days_r))"
_SHARED_PARTS = "len(list_intersect(parts_l, parts_r))"
# Every comparison's levels but the last, "else", the most telling first. A meeting begins with its
# network's size, so the least one is in the rarest network. How rare and how often are one
# comparison: people who live together meet often in rare networks, and two would count that twice.
_RAREST = f"list_min({_SHARED})"
COMPARISONS: Mapping[str, tuple[str, ...]] = {
    "meetings": (
        f"{_RAREST} < '000003' and {_SHARED_DAYS} >= 1",
        f"{_RAREST} < '000003'",
        f"{_RAREST} < '000005' and {_SHARED_DAYS} >= 1",
        f"{_RAREST} < '000005'",
        f"{_RAREST} < '000009'",
        f"{_SHARED_DAYS} >= 1",
    ),
    "places": ("len(list_intersect(places_l, places_r)) >= 2",),
    "kind": (
        "operating_system_l = operating_system_r and browser_l = browser_r",
        "operating_system_l = operating_system_r",
    ),
    "hours": (f"{_SHARED_PARTS} >= 2", f"{_SHARED_PARTS} = 1"),
}
# Added to every count, so that a level that no labelled pair meets is rare, not impossible.
_PRIOR_COUNT = 0.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """The model: the share of matches among pairs, and of each level among matches and non-matches.

    ``m`` and ``u`` are by comparison, from the last level ("else") to the most telling.
    """

    match_share: float
    m: Mapping[str, tuple[float, ...]]
    u: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Pair:
    """A pair of devices, ``left`` less than ``right``, with its level in each comparison."""

    left: Device
    right: Device
    gammas: tuple[int, ...]
    match_weight: float

    @property
    def label(self) -> bool | None:
        """Whether both are one person's; None if either has no known owner."""
        if self.left.person_id is None or self.right.person_id is None:
            return None
        return self.left.person_id == self.right.person_id


def blocked_pairs(devices: Devices) -> list[Pair]:
    """Every pair that met in a network, with its levels; the weights don't mean anything yet."""
    equal = {
        name: tuple(1 / (len(conditions) + 1) for _ in range(len(conditions) + 1))
        for name, conditions in COMPARISONS.items()
    }
    return _predict(devices, Parameters(0.5, equal, equal))


def learn(pairs: Sequence[Pair]) -> Parameters:
    """The parameters of the labelled pairs, as if the unlabelled ones were like them."""
    same = _counts([pair for pair in pairs if pair.label is True])
    other = _counts([pair for pair in pairs if pair.label is False])
    share = float(same[0].sum() / (same[0].sum() + other[0].sum()))
    return Parameters(share, _named(same), _named(other))


def held_out(pairs: Sequence[Pair]) -> list[tuple[float, bool]]:
    """Probability and label of every labelled pair, by a model trained on the other half.

    Pairs are split by their lesser device, so its pairs stay in one half.
    """
    halves: tuple[list[Pair], list[Pair]] = ([], [])
    for pair in pairs:
        if pair.label is not None:
            halves[zlib.crc32(pair.left.client_key.encode()) % 2].append(pair)
    tested = []
    for training, test in (halves, halves[::-1]):
        parameters = learn(training)
        tested += [(probability(_weight(p, parameters)), p.label is True) for p in test]
    return tested


def score(devices: Devices, parameters: Parameters) -> list[Pair]:
    """Every pair that met in a network, with its match weight (log2 of the odds)."""
    return _predict(devices, parameters)


def probability(match_weight: float) -> float:
    """The probability for odds given as their log2."""
    return 1 / (1 + math.exp2(-match_weight))


def _counts(pairs: Sequence[Pair]) -> list[Floats]:
    """How many pairs met each level of each comparison."""
    counts = []
    for position, conditions in enumerate(COMPARISONS.values()):
        by_level = np.full(len(conditions) + 1, _PRIOR_COUNT)
        for pair in pairs:
            by_level[pair.gammas[position]] += 1
        counts.append(by_level)
    return counts


def _named(counts: Sequence[Floats]) -> dict[str, tuple[float, ...]]:
    shares = (by_level / by_level.sum() for by_level in counts)
    return {name: tuple(each.tolist()) for name, each in zip(COMPARISONS, shares, strict=True)}


def _weight(pair: Pair, parameters: Parameters) -> float:
    """The match weight as Splink sums it: log2 of the prior odds and of each level's ratio."""
    weight = math.log2(parameters.match_share / (1 - parameters.match_share))
    for name, level in zip(COMPARISONS, pair.gammas, strict=True):
        weight += math.log2(parameters.m[name][level] / parameters.u[name][level])
    return weight


def _predict(devices: Devices, parameters: Parameters) -> list[Pair]:
    # One thread, in memory: the same rows give the same sums.
    with duckdb.connect(config={"threads": 1}) as connection:
        api = DuckDBAPI(connection)
        table = api.register(devices.table(), dataset_display_name="devices")
        linker = Linker(table, _settings(parameters), log_level="ERROR")
        predicted = linker.inference.predict(warning_mode="never").as_duckdbpyrelation()
        shown = [f"gamma_{name}" for name in COMPARISONS]
        columns = ", ".join(["client_key_l", "client_key_r", "match_weight", *shown])
        scored: pa.Table = predicted.select(columns).to_arrow_table()
    pairs = []
    for row in scored.to_pylist():
        keys = sorted((row["client_key_l"], row["client_key_r"]))
        gammas = tuple(int(row[f"gamma_{name}"]) for name in COMPARISONS)
        left, right = (devices.by_key[key] for key in keys)
        pairs.append(Pair(left, right, gammas, float(row["match_weight"])))
    return sorted(pairs, key=lambda pair: (pair.left.client_key, pair.right.client_key))


def _settings(parameters: Parameters) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="client_key",
        probability_two_random_records_match=parameters.match_share,
        blocking_rules_to_generate_predictions=[
            block_on("meetings", arrays_to_explode=["meetings"])
        ],
        comparisons=[_comparison(name, parameters) for name in COMPARISONS],
        retain_matching_columns=True,  # else the levels aren't in the result
    )


def _comparison(name: str, parameters: Parameters) -> Any:
    conditions = COMPARISONS[name]
    made = [levels.CustomLevel(condition) for condition in conditions] + [levels.ElseLevel()]
    ms, us = reversed(parameters.m[name]), reversed(parameters.u[name])
    return comparisons.CustomComparison(
        comparison_levels=[
            level.configure(m_probability=m, u_probability=u)
            for level, m, u in zip(made, ms, us, strict=True)
        ],
        output_column_name=name,
    )
