"""The dbt project as text: sources equal the contracts, models leave engines to the macros."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.build import PROJECT, artifacts_folder, dbt_environment
from pipelines.config import Settings, WarehouseSettings
from pipelines.contracts import load_contracts

MODELS = sorted((PROJECT / "models").rglob("*.sql"))


def _documented() -> dict[str, dict[str, Any]]:
    entries = [
        model
        for path in (PROJECT / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
    ]
    return {model["name"]: model for model in entries}


def test_dbt_sources_are_the_raw_contracts() -> None:
    declared = yaml.safe_load((PROJECT / "models/sources/raw.yml").read_text())["sources"][0]
    sources = {
        table["name"]: (
            table["description"],
            {c["name"]: c["description"] for c in table["columns"]},
        )
        for table in declared["tables"]
    }
    contracts = {
        c.name: (c.description, {column.name: column.description for column in c.columns})
        for c in load_contracts().values()
        if c.dataset == "raw"
    }
    assert sources == contracts


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_a_model_does_not_ask_which_engine_it_runs_on(path: Path) -> None:
    assert not re.search(r"target\s*\.|adapter\s*\.", path.read_text())


def test_only_staging_reads_sources() -> None:
    readers = {p for p in MODELS if "source(" in p.read_text()}
    assert readers
    assert all("staging" in p.parts for p in readers)


def test_every_model_is_documented_and_tested_for_its_grain() -> None:
    documented = _documented()
    assert set(documented) == {p.stem for p in MODELS}
    untested = {
        name
        for name, model in documented.items()
        if not any("grain" in test for test in model.get("data_tests", []))
    }
    views = {p.stem for p in (PROJECT / "models/marts/marketing/platforms").glob("*.sql")}
    assert untested == views


def test_the_build_folder_lies_beside_the_warehouse_and_never_in_the_package(
    tmp_path: Path,
) -> None:
    duckdb = Settings(warehouse=WarehouseSettings(path=tmp_path / "shop.duckdb"))
    bigquery = Settings(
        warehouse=WarehouseSettings(kind="bigquery", project="p"), path=tmp_path / "adcanary.yaml"
    )
    assert artifacts_folder(duckdb) == tmp_path / ".dbt" / "shop"
    assert artifacts_folder(bigquery) == tmp_path / ".adcanary" / "dbt"


def test_another_bigquery_is_never_shown_the_real_login() -> None:
    def environment(endpoint: str | None) -> dict[str, str]:
        warehouse = WarehouseSettings(kind="bigquery", project="p", api_endpoint=endpoint)
        return dbt_environment(Settings(warehouse=warehouse))

    # profiles.yml uses application default credentials only where there is no token.
    assert environment("http://127.0.0.1:9050")["ADCANARY_BIGQUERY_TOKEN"] == "none"
    assert environment(None)["ADCANARY_BIGQUERY_TOKEN"] == ""
