"""The links job joins devices that live together, not those that work together, or refuses."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import Settings
from pipelines.jobs.links.devices import MAX_NETWORK_DEVICES, read_devices
from pipelines.jobs.links.model import COMPARISONS, blocked_pairs, learn, score
from pipelines.jobs.run import JobRun, run_job
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.unit.warehouse_files import empty_warehouse

pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 25)
PHONE, LAPTOP = ("Safari", "iOS"), ("Chrome", "Windows")
SIGNALS = pa.schema(
    [
        ("signal_date", pa.date32()),
        ("window_start", pa.timestamp("us", "UTC")),
        ("client_key", pa.string()),
        ("ip_prefix", pa.string()),
        ("browser", pa.string()),
        ("operating_system", pa.string()),
        ("events", pa.int64()),
    ]
)
NODES = pa.schema([(n, pa.string()) for n in ("node_type", "node_id", "person_id")])
Seen = dict[str, Any]


def seen(key: str, network: str, ago: int, hour: int = 20, kind: tuple[str, str] = PHONE) -> Seen:
    """A device in a network, ``ago`` days before the last."""
    day = AS_OF - timedelta(days=ago)
    return {
        "signal_date": day,
        "window_start": datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
        "client_key": key,
        "ip_prefix": network,
        "browser": kind[0],
        "operating_system": kind[1],
        "events": 1,
    }


def street(homes: int = 60, signed_in: int = 55) -> tuple[list[Seen], dict[str, str]]:
    """Homes of one person each, with a phone and a laptop that meet there and in a café; beyond
    ``signed_in`` nobody knows whose the laptop is. Neighbours share the café, and with three homes
    in ten a further laptop of an own known person shares the network.
    """
    rng = np.random.default_rng(5)
    rows: list[Seen] = []
    known: dict[str, str] = {}
    for n in range(homes):
        hour = int(rng.integers(8, 22))
        days = rng.integers(0, 20, 3).tolist()
        for day in days:
            rows.append(seen(f"phone-{n:02}", f"home-{n}", day, hour))
            rows.append(seen(f"laptop-{n:02}", f"home-{n}", day, hour, LAPTOP))
        rows.append(seen(f"phone-{n:02}", f"cafe-{n // 6}", 5, 9))
        if n % 3 == 0:
            rows.append(seen(f"laptop-{n:02}", f"cafe-{n // 6}", 6, 11, LAPTOP))
        known[f"phone-{n:02}"] = f"person-{n}"
        if n < signed_in:
            known[f"laptop-{n:02}"] = f"person-{n}"
        if n % 10 < 3:
            rows.append(seen(f"guest-{n:02}", f"home-{n}", days[0] + 3, (hour + 9) % 24, LAPTOP))
            known[f"guest-{n:02}"] = f"guest-{n}"
    return rows, known


@dataclass(frozen=True)
class Result:
    warehouse: DuckDBWarehouse
    run: JobRun

    @property
    def links(self) -> list[dict[str, Any]]:
        return self.warehouse.query(
            "SELECT * FROM contracts.identity_links ORDER BY client_key_l, client_key_r"
        ).to_pylist()

    @property
    def pairs(self) -> dict[tuple[str, str], float]:
        return {(r["client_key_l"], r["client_key_r"]): r["match_probability"] for r in self.links}


Link = Callable[..., Result]


@pytest.fixture
def link(tmp_path: Path) -> Link:

    def run(
        rows: Sequence[Seen], known: dict[str, str], name: str = "w", as_of: date = AS_OF
    ) -> Result:
        path = tmp_path / f"{name}.duckdb"
        if not path.exists():
            _fill(path, rows, known)
        warehouse = DuckDBWarehouse(path)
        job = run_job(warehouse, Settings(), "identity_links", as_of)
        return Result(warehouse, job)

    return run


def _fill(path: Path, rows: Sequence[Seen], known: dict[str, str]) -> None:
    empty_warehouse(path)
    devices = sorted({row["client_key"] for row in rows})
    nodes = [
        {"node_type": "device", "node_id": key, "person_id": known.get(key, f"own-{key}")}
        for key in devices
    ] + [
        {"node_type": "user_id", "node_id": f"u-{person}", "person_id": person}
        for person in sorted(set(known.values()))
    ]
    tables = {
        "intermediate.int_identity_signals": pa.Table.from_pylist(list(rows), SIGNALS),
        "marts.identity_map": pa.Table.from_pylist(nodes, NODES),
    }
    with duckdb.connect(str(path)) as connection:
        for name, table in tables.items():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
            connection.register("made", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM made")
            connection.unregister("made")


def test_a_device_that_nobody_signed_in_on_is_linked_to_the_one_it_lives_with(link: Link) -> None:
    result = link(*street())
    assert result.run.verdict == "PASS", result.run.reason
    alone = [n for n in range(55, 60) if n % 10 >= 3]
    for n in alone:
        assert result.pairs[f"laptop-{n:02}", f"phone-{n:02}"] > 0.9
    row = next(r for r in result.links if r["client_key_l"] == "laptop-57")
    assert row["client_key_r"] == "phone-57"
    assert row["shared_networks"] == 2  # home and the café
    assert row["shared_windows"] >= 1
    assert row["smallest_network"] == 2
    assert (row["same_system"], row["same_browser"], row["method"]) == (False, False, "splink")
    assert row["run_id"] == result.run.run_id


def test_only_pairs_that_are_not_known_already_are_written(link: Link) -> None:
    rows, known = street()
    result = link(rows, known)
    assert result.links
    for left, right in result.pairs:
        assert left < right
        assert left not in known or right not in known
    assert all(0.5 <= p < 1 for p in result.pairs.values())


def test_a_crowded_network_links_nobody(link: Link) -> None:
    rows, known = street()
    for n in range(MAX_NETWORK_DEVICES):
        rows.append(seen(f"clerk-{n}", "office", 3, 10, LAPTOP))
    few = link(rows, known, "few")
    rows.append(seen("clerk-more", "office", 3, 10, LAPTOP))
    many = link(rows, known, "many")
    assert few.run.diagnostics["networks_crowded"] == 0
    assert many.run.diagnostics["networks_crowded"] == 1
    pairs = int(few.run.diagnostics["pairs"] or 0) - int(many.run.diagnostics["pairs"] or 0)
    assert pairs == MAX_NETWORK_DEVICES * (MAX_NETWORK_DEVICES - 1) // 2
    for result in (few, many):
        assert not [p for p in result.pairs if "clerk" in p[0] or "clerk" in p[1]]


def test_two_sightings_more_than_two_weeks_apart_are_no_meeting(link: Link) -> None:
    rows, known = street()
    apart = [seen("early", "hotel", 40), seen("late", "hotel", 20)]
    together = [seen("early", "hotel", 40), seen("late", "hotel", 33)]
    pairs = [
        link(rows + more, known, name).run.diagnostics["pairs"]
        for name, more in (("apart", apart), ("together", together))
    ]
    assert pairs[1] == int(pairs[0] or 0) + 1


def test_a_device_that_fits_two_people_is_sure_to_be_neither(link: Link) -> None:
    rows, known = street()
    alone = link(rows, known, "alone").pairs["laptop-57", "phone-57"]
    flatmate = [
        {**row, "client_key": "phone-57b"} for row in rows if row["client_key"] == "phone-57"
    ]
    rows, known = rows + flatmate, known | {"phone-57b": "flatmate"}
    pairs = link(rows, known, "shared").pairs
    either = [pairs.get(("laptop-57", key), 0.0) for key in ("phone-57", "phone-57b")]
    assert sum(either) <= 1
    assert max(either) <= 0.5 < alone


def test_without_enough_known_pairs_nothing_is_linked(link: Link) -> None:
    result = link(*street(homes=60, signed_in=10))
    assert result.run.verdict == "INCONCLUSIVE"
    assert "to learn from" in result.run.reason
    assert result.links == []


def test_labels_that_meet_like_strangers_are_refused(link: Link) -> None:
    """Labels drawn at random: whom the model would link is then mostly wrong."""
    rows, known = street()
    keys = sorted(known)
    mixed = {key: known[keys[(n * 37) % len(keys)]] for n, key in enumerate(keys)}
    result = link(rows, mixed)
    assert result.run.verdict == "INCONCLUSIVE"
    assert result.links == []


def test_no_signal_is_no_data(link: Link) -> None:
    rows, known = street()
    result = link(rows, known, as_of=AS_OF - timedelta(days=90))
    assert result.run.verdict == "NO_DATA"
    assert "client_id" in result.run.reason


def test_the_same_evidence_gives_the_same_bytes_in_whatever_order_it_lies(link: Link) -> None:
    rows, known = street()
    first = link(rows, known, "one")
    again = link(rows, known, "one")
    second = link(rows[::-1], known, "two")
    assert not first.run.reused
    assert again.run.reused
    assert first.run.run_id == second.run.run_id
    assert first.links == second.links


def test_splinks_weight_is_the_sum_of_fellegi_and_sunter() -> None:
    rows, known = street()
    columns = ("client_key", "ip_prefix", "window_start", "browser", "operating_system")
    devices = read_devices(pa.Table.from_pylist(rows, SIGNALS).select(columns), known)
    parameters = learn(blocked_pairs(devices))
    scored = score(devices, parameters)
    assert len(scored) > 100
    for pair in scored:
        odds = parameters.match_share / (1 - parameters.match_share)
        for name, level in zip(COMPARISONS, pair.gammas, strict=True):
            odds *= parameters.m[name][level] / parameters.u[name][level]
        assert pair.match_weight == pytest.approx(math.log2(odds), abs=1e-9)


def test_what_is_after_the_day_asked_for_is_not_seen(link: Link) -> None:
    rows, known = street()
    later = [seen("laptop-59", "home-1", -1, 20, LAPTOP)]
    assert link(rows, known, "without").links == link(rows + later, known, "with").links
