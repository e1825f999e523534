"""Scores pairs of devices by the Fellegi–Sunter model, in Splink, taught by pairs that are known.

Pairs are those that were in one network within a week. Among them, the devices whose persons are
known give the model its parameters: the share of matches, and how often each level of a comparison
is met by two devices of one person (m) and of two (u). The sums are Fellegi and Sunter's (1969). No
expectation maximisation follows: on the sandbox's markets it made the probabilities less true, as
those who live together meet like one person.
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
# network's size: the least is the rarest network. How rare and how often is one comparison: those
# who live together meet often in rare networks, and two would count that twice.
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
# Added to every count, so that a level that no labelled pair met is rare and not impossible.
_PRIOR_COUNT = 0.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """The model: share of matches among pairs, and of each level among matches and others.

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
        """Whether both are one person's; None where either is nobody's that is known."""
        if self.left.person_id is None or self.right.person_id is None:
            return None
        return self.left.person_id == self.right.person_id


def blocked_pairs(devices: Devices) -> list[Pair]:
    """Every pair that met in a network, with its levels; weights are none yet."""
    equal = {
        name: tuple(1 / (len(conditions) + 1) for _ in range(len(conditions) + 1))
        for name, conditions in COMPARISONS.items()
    }
    return _predict(devices, Parameters(0.5, equal, equal))


def learn(pairs: Sequence[Pair]) -> Parameters:
    """The parameters of the labelled pairs, as if the others were like them."""
    same = _counts([pair for pair in pairs if pair.label is True])
    other = _counts([pair for pair in pairs if pair.label is False])
    share = float(same[0].sum() / (same[0].sum() + other[0].sum()))
    return Parameters(share, _named(same), _named(other))


def held_out(pairs: Sequence[Pair]) -> list[tuple[float, bool]]:
    """Probability and label of every labelled pair, by a model that the other half taught.

    A device's pairs are in one half as far as it is the lesser of each.
    """
    halves: tuple[list[Pair], list[Pair]] = ([], [])
    for pair in pairs:
        if pair.label is not None:
            halves[zlib.crc32(pair.left.client_key.encode()) % 2].append(pair)
    tested = []
    for taught, asked in (halves, halves[::-1]):
        parameters = learn(taught)
        tested += [(probability(_weight(p, parameters)), p.label is True) for p in asked]
    return tested


def score(devices: Devices, parameters: Parameters) -> list[Pair]:
    """Every pair that met in a network, with its match weight (log2 of the odds)."""
    return _predict(devices, parameters)


def probability(match_weight: float) -> float:
    """The probability of odds that are given as log2."""
    return 1 / (1 + math.exp2(-match_weight))


def _counts(pairs: Sequence[Pair]) -> list[Floats]:
    """How many pairs met each level of each comparison."""
    counts = []
    for position, conditions in enumerate(COMPARISONS.values()):
        found = np.full(len(conditions) + 1, _PRIOR_COUNT)
        for pair in pairs:
            found[pair.gammas[position]] += 1
        counts.append(found)
    return counts


def _named(counts: Sequence[Floats]) -> dict[str, tuple[float, ...]]:
    shares = (by_level / by_level.sum() for by_level in counts)
    return {name: tuple(each.tolist()) for name, each in zip(COMPARISONS, shares, strict=True)}


def _weight(pair: Pair, parameters: Parameters) -> float:
    """The match weight as Splink sums it: log2 of the odds before, and of each level's ratio."""
    weight = math.log2(parameters.match_share / (1 - parameters.match_share))
    for name, level in zip(COMPARISONS, pair.gammas, strict=True):
        weight += math.log2(parameters.m[name][level] / parameters.u[name][level])
    return weight


def _predict(devices: Devices, parameters: Parameters) -> list[Pair]:
    # One thread and no file: the same rows give the same sums.
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
        retain_matching_columns=True,  # without them there are no levels
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
