"""The links job: pairs of devices that are probably one person's, with the evidence for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.config import Settings
from pipelines.jobs.base import Outcome, Progress, significant
from pipelines.jobs.links.devices import MAX_NETWORK_DEVICES, WINDOW_DAYS, Devices, read_devices
from pipelines.jobs.links.model import Pair, Parameters, blocked_pairs, held_out, learn, score
from pipelines.source_settings import Section
from pipelines.warehouse import Warehouse

LINKS = "contracts.identity_links"

HISTORY_DAYS = 45
FLOOR = 0.5
"""Pairs below are not written; ``identity.match_probability`` says which of the others are used."""

MIN_LABELS = 20
"""Fewest labelled pairs of one person, and of two, from which anything can be learnt."""

MAX_MISCALIBRATION = 0.1
"""By how much the mean probability of labelled pairs that would be linked may exceed the share of
them that is right."""

Rows = list[dict[str, Any]]


class LinksSettings(Section):
    """What a run's id depends on. None of it is configurable: it changes with the method."""

    history_days: int = HISTORY_DAYS
    window_days: int = WINDOW_DAYS
    max_network_devices: int = MAX_NETWORK_DEVICES
    floor: float = FLOOR


class LinksJob:
    """Probable links between devices (see :class:`pipelines.jobs.base.Job`)."""

    name = "identity_links"
    model_version = "splink-labelled-1"
    tables = (LINKS,)
    plots = ()

    def settings(self, settings: Settings) -> LinksSettings:
        return LinksSettings()

    def read(self, warehouse: Warehouse, as_of: date) -> dict[str, pa.Table]:
        params = {"start": as_of - timedelta(days=HISTORY_DAYS - 1), "as_of": as_of}
        folder = Path(__file__).parent
        return {
            "signals": warehouse.query((folder / "signals.sql").read_text(), params),
            "known": warehouse.query((folder / "known.sql").read_text(), params),
        }

    def compute(
        self,
        inputs: Mapping[str, pa.Table],
        settings: LinksSettings,
        as_of: date,
        progress: Progress,
    ) -> Outcome:
        known = inputs["known"].to_pylist()
        persons = {row["client_key"]: row["person_id"] for row in known}
        devices = read_devices(inputs["signals"], persons)
        if not devices.by_key:
            return Outcome(
                "NO_DATA",
                f"No device was seen in the {HISTORY_DAYS} days to {as_of}: the job needs server "
                "events with a client_id and an IP address.",
            )
        progress(f"identity_links: pairs among {len(devices.by_key)} devices")
        pairs = blocked_pairs(devices)
        figures = _figures(devices, pairs)
        if min(figures["labelled_matches"], figures["labelled_others"]) < MIN_LABELS:
            return Outcome(
                "INCONCLUSIVE",
                f"{figures['labelled_matches']} pairs are known to be one person's and "
                f"{figures['labelled_others']} two people's; the model needs {MIN_LABELS} of each "
                "to learn from.",
                figures,
            )
        parameters = learn(pairs)
        promised, right, linked = _calibration(held_out(pairs))
        figures |= {
            "match_share": significant(parameters.match_share),
            "held_out_linked": linked,
            "held_out_promised": significant(promised),
            "held_out_right": significant(right),
            **_shown(parameters),
        }
        if linked >= MIN_LABELS and promised - right > MAX_MISCALIBRATION:
            return Outcome(
                "INCONCLUSIVE",
                f"Of the known pairs that a model trained without them would link, {right:.0%} are "
                f"right, where it predicts {promised:.0%}: its probabilities can't be relied on.",
                figures,
            )
        rows = _rows(devices, score(devices, parameters))
        figures["links"] = len(rows)
        return Outcome(
            "PASS",
            f"{len(rows)} of {len(pairs)} pairs that met in a network are probably one person's, "
            "and were not known to be.",
            figures,
            {LINKS: rows},
        )


def _figures(devices: Devices, pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        "devices": len(devices.by_key),
        "devices_known": sum(d.person_id is not None for d in devices.by_key.values()),
        "networks": len(devices.sizes),
        "networks_crowded": devices.crowded,
        "pairs": len(pairs),
        "labelled_matches": sum(pair.label is True for pair in pairs),
        "labelled_others": sum(pair.label is False for pair in pairs),
    }


def _calibration(tested: Sequence[tuple[float, bool]]) -> tuple[float, float, int]:
    """Of the pairs over the floor: mean probability, share that is right, and number."""
    linked = [(likely, right) for likely, right in tested if likely >= FLOOR]
    if not linked:
        return 0.0, 0.0, 0
    count = len(linked)
    return sum(p for p, _ in linked) / count, sum(right for _, right in linked) / count, count


def _shown(parameters: Parameters) -> dict[str, float]:
    """The parameters by comparison and level; 0 is the last level."""
    return {
        f"{kind}_{name}_{level}": significant(share)
        for kind, shares in (("m", parameters.m), ("u", parameters.u))
        for name, by_level in shares.items()
        for level, share in enumerate(by_level)
    }


def _rows(devices: Devices, pairs: Sequence[Pair]) -> Rows:
    """Rows of contracts.identity_links: pairs in which either device has no known person."""
    rivals = _rivals(pairs)
    rows = []
    for pair in pairs:
        if pair.label is not None:
            continue  # already known, and that two known people share a home is nobody's business
        likely = _considered(pair, rivals)
        if likely < FLOOR:
            continue
        left, right = pair.left, pair.right
        shared = _met(pair)
        rows.append(
            {
                "client_key_l": left.client_key,
                "client_key_r": right.client_key,
                "match_probability": significant(likely),
                "match_weight": significant(pair.match_weight),
                "shared_networks": len(shared),
                "shared_windows": len(set(left.days) & set(right.days)),
                "smallest_network": min(devices.sizes[network] for network in shared),
                "same_system": left.operating_system == right.operating_system,
                "same_browser": left.browser == right.browser,
                "shared_hours": len(set(left.parts) & set(right.parts)),
                "method": "splink",
            }
        )
    return rows


def _met(pair: Pair) -> set[str]:
    """Networks in which the two were within a week of each other."""
    return {m.split("|")[1] for m in set(pair.left.meetings) & set(pair.right.meetings)}


def _rivals(pairs: Sequence[Pair]) -> Mapping[str, Mapping[str, float]]:
    """Device without a known person → the odds of each known person, from their best device."""
    odds: dict[str, dict[str, float]] = defaultdict(dict)
    for pair in pairs:
        for one, other in ((pair.left, pair.right), (pair.right, pair.left)):
            if one.person_id is None and other.person_id is not None:
                mine = odds[one.client_key]
                pair_odds = 2.0**pair.match_weight
                mine[other.person_id] = max(pair_odds, mine.get(other.person_id, 0.0))
    return odds


def _considered(pair: Pair, rivals: Mapping[str, Mapping[str, float]]) -> float:
    """A pair's probability, given that a device belongs to one person at most.

    A pair's own odds are against the device being nobody's; every other person who fits takes a
    share of the probability.
    """
    one, other = (pair.left, pair.right)
    if one.person_id is not None:
        one, other = other, one
    mine = 2.0**pair.match_weight
    others = sum(
        o for person, o in rivals.get(one.client_key, {}).items() if person != other.person_id
    )
    return mine / (1 + mine + others)
