"""A few rows through a real BigQuery project, where one is named: never in .ci/run.

``ADCANARY_SMOKE_PROJECT=my-sandbox .venv/bin/pytest -m bigquery`` with application default
credentials. The project must be empty of adcanary's datasets: the test makes them and deletes them.
A query that would be billed more than 100 MB is refused, and the whole comes to a few cents.
"""

import os
from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from pipelines.build import build
from pipelines.config import Settings
from pipelines.privacy.declared import DATASETS
from pipelines.warehouse import open_warehouse
from tests.wire.raw_rows import fill

pytestmark = pytest.mark.bigquery

_LOCATION = os.environ.get("ADCANARY_SMOKE_LOCATION", "EU")


@pytest.fixture
def project() -> Iterator[str]:
    """A project without adcanary's datasets, and without them again afterwards."""
    name = os.environ.get("ADCANARY_SMOKE_PROJECT")
    if not name:
        pytest.skip("no ADCANARY_SMOKE_PROJECT: nothing runs on a real project unasked")
    client = bigquery.Client(project=name, location=_LOCATION)
    present = {dataset.dataset_id for dataset in client.list_datasets()}
    if taken := sorted(present.intersection(DATASETS)):
        pytest.fail(f"{name} has {', '.join(taken)}: give the smoke test a project of its own")
    try:
        yield name
    finally:
        for dataset in DATASETS:
            client.delete_dataset(dataset, delete_contents=True, not_found_ok=True)


def test_rows_land_and_models_build_twice_on_a_real_project(project: str) -> None:
    settings = Settings.model_validate(
        {
            "warehouse": {
                "kind": "bigquery",
                "project": project,
                "location": _LOCATION,
                "maximum_bytes_billed": 100 * 1024**2,
            }
        }
    )
    warehouse = open_warehouse(settings)
    fill(warehouse)
    spend = "SELECT SUM(cost_micros) AS micros FROM marts.fct_ad_spend_daily"
    for _ in range(2):  # whole tables first, then by restated days
        build(settings)
        assert warehouse.query(spend).to_pylist() == [{"micros": 3_000_015}]
