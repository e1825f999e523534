"""The sandbox's world: a platform for every source, and what its clients need to reach it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.config import load_settings
from pipelines.errors import UsageError
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serve import known_faults, switch_on
from pipelines.sandbox.serving.faults import Faults
from pipelines.sandbox.world import DEMO_SOURCES, World
from pipelines.secret_settings import Secrets
from pipelines.sources.base import Window
from pipelines.sources.registry import SOURCES, open_source, source_names
from tests.wire.contract_shape import assert_fits

pytestmark = pytest.mark.slow

TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    # gRPC trusts what this process named first: the world is to use the same certificate
    shutil.copy(os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"], folder)
    with World(folder, Market(scale=0.05), TODAY, sources=None) as made:
        yield made


def test_every_source_has_a_platform_that_hands_it_its_settings_and_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in world.secrets.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(world.config)
    assert source_names(settings) == list(SOURCES)
    for name in SOURCES:
        source = open_source(settings, Secrets(), name)
        for account_id in source.account_ids:
            assert source.account(account_id).account_id == account_id
    assert world.mutations == []


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_source_gives_is_in_the_types_of_its_tables_contract(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in world.secrets.items():
        monkeypatch.setenv(variable, value)
    source = open_source(load_settings(world.config), Secrets(), name)
    window = Window(date(2026, 6, 29), date(2026, 6, 29))
    for account_id in source.account_ids:
        batches = [*source.pull(account_id, window), *source.snapshot(account_id, TODAY)]
        assert {b.table for b in batches} >= set(source.tables)
        for batch in batches:
            assert_fits(batch, whole=False)


def test_the_demo_configures_its_sources_and_serves_every_platform(tmp_path: Path) -> None:
    with World(tmp_path, Market(scale=0.05), TODAY) as world:
        served = [name for name in DEMO_SOURCES if name != "files"]
        assert source_names(load_settings(world.config)) == [*served, "files:media_plan.csv"]
        assert set(world.platforms) == set(SOURCES)
        exports = {p.name for p in (tmp_path / "exports").iterdir()}
    assert exports == {"ga4"}


def test_every_fault_is_listed_with_whether_a_client_survives_it(world: World) -> None:
    told = {row["fault"]: row["survived"] for row in known_faults()}
    assert len(told) == sum(len(p.faults.known) for p in world.platforms.values())
    assert told["hubspot:daily_quota"] == "no"
    assert told["hubspot:rate_limited"] == "yes"


def test_a_fault_of_single_calls_strikes_once_and_one_of_the_data_stays_on(world: World) -> None:
    faults = world.platforms["tiktok_ads"].faults
    switch_on(world, "tiktok_ads:server_error@7001002003")
    switch_on(world, "tiktok_ads:new_metric")
    assert not faults.strikes("server_error", "another")
    assert [faults.strikes("server_error", "7001002003") for _ in range(2)] == [True, False]
    assert [faults.strikes("new_metric", "7001002003") for _ in range(2)] == [True, True]
    faults.switch_off()
    with pytest.raises(UsageError, match="no fault 'tiktok_ads:gone'"):
        switch_on(world, "tiktok_ads:gone")
    with pytest.raises(UsageError, match="no fault 'bing_ads:gone'"):
        switch_on(world, "bing_ads:gone")


def test_together_some_faults_strike_one_account_only() -> None:
    faults = Faults(
        {"slow": "", "late": "", "gone": ""}, frozenset({"gone"}), together_at={"slow": "1"}
    )
    faults.switch_on_passing()
    assert [faults.strikes("slow", account) for account in ("2", "1")] == [False, True]
    assert faults.strikes("late", "2")
    assert not faults.strikes("gone", "1")


def test_a_fault_that_is_described_and_not_known_is_refused() -> None:
    for described in ({"breaking": frozenset({"b"})}, {"once": frozenset({"b"})}):
        with pytest.raises(ValueError, match="described, but not known: b"):
            Faults({"a": "words"}, **described)
    with pytest.raises(ValueError, match="described, but not known: b"):
        Faults({"a": "words"}, together_at={"b": "1"})
