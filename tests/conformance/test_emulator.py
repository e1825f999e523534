"""The emulator's faults are those that are listed, and Google's analyzer says that they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.conformance.analyzer import Analyzer, NotGoogleSQLError
from tests.conformance.catalogue import Catalogue
from tests.conformance.judge import KNOWN
from tests.wire.bigquery_emulator import Emulator

pytestmark = [pytest.mark.xdist_group("conformance_analysis"), pytest.mark.emulator]

FAULTS = yaml.safe_load(KNOWN.with_name("emulator_faults.yaml").read_text())
PROJECT = "faulty"
COLUMNS = {"x": "INT64", "s": "STRING", "f": "FLOAT64"}
ROWS = [{"x": 1, "s": "a", "f": 0.1}, {"x": 2, "s": "b", "f": 0.2}]


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> bigquery.Client:
    client = bigquery.Client(
        PROJECT, AnonymousCredentials(), client_options={"api_endpoint": emulator.rest_url}
    )
    client.create_dataset("faults")
    client.query("create table faults.t (x int64, s string, f float64)").result()
    client.query("insert into faults.t (x, s, f) values (1, 'a', 0.1), (2, 'b', 0.2)").result()
    return client


@pytest.fixture
def catalogue() -> Catalogue:
    found = Catalogue(PROJECT)
    found.add(("faults", "t"), COLUMNS)
    return found


def on_emulator(client: bigquery.Client, fault: dict[str, Any]) -> list[tuple[Any, ...]]:
    given = [
        bigquery.ScalarQueryParameter(name, type_, 1)
        for name, type_ in fault.get("params", {}).items()
    ]
    job = client.query(
        fault["statement"], job_config=bigquery.QueryJobConfig(query_parameters=given)
    )
    return sorted(tuple(row.values()) for row in job.result())


def evaluated(analyzer: Analyzer, fault: dict[str, Any]) -> list[tuple[Any, ...]]:
    flat = Catalogue(PROJECT)
    flat.add(["t"], COLUMNS)
    sql = fault["statement"].replace("faults.t", "t")
    return sorted(analyzer.evaluate(sql, flat, {"t": ROWS}).rows)


def name(fault: dict[str, Any]) -> str:
    return str(fault["statement"])


@pytest.mark.parametrize("fault", FAULTS["refuses"], ids=name)
def test_the_emulator_refuses_what_is_googlesql(
    analyzer: Analyzer, client: bigquery.Client, catalogue: Catalogue, fault: dict[str, Any]
) -> None:
    assert analyzer.analyze(fault["statement"], catalogue, fault.get("params", {}))
    with pytest.raises(GoogleAPICallError):
        on_emulator(client, fault)


@pytest.mark.parametrize("fault", FAULTS["takes"], ids=name)
def test_the_emulator_takes_what_is_not_googlesql(
    analyzer: Analyzer, client: bigquery.Client, catalogue: Catalogue, fault: dict[str, Any]
) -> None:
    assert on_emulator(client, fault)
    if fault.get("evaluated"):
        analyzer.analyze(fault["statement"], catalogue)
        with pytest.raises(NotGoogleSQLError):
            evaluated(analyzer, fault)
    else:
        with pytest.raises(NotGoogleSQLError):
            analyzer.analyze(fault["statement"], catalogue)


@pytest.mark.parametrize("fault", FAULTS["gives"], ids=name)
def test_the_emulator_gives_another_value(
    analyzer: Analyzer, client: bigquery.Client, fault: dict[str, Any]
) -> None:
    right = evaluated(analyzer, fault)
    assert right
    assert on_emulator(client, fault) != right
