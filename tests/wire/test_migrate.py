"""What differs between a warehouse and the contracts is found, on either; only what is additive is
carried out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.contracts import Contract, load_contract, load_contracts
from pipelines.warehouse import Warehouse
from pipelines.warehouse.drift import Action, Change, plan
from pipelines.warehouse.duckdb import DuckDBWarehouse
from tests.wire import budget_rows
from tests.wire.budget_rows import BUDGETS, MONDAY


@pytest.fixture(params=["duckdb", pytest.param("bigquery", marks=pytest.mark.emulator)])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Either warehouse, empty."""
    if request.param == "duckdb":
        return DuckDBWarehouse(tmp_path / "test.duckdb")
    warehouse: Warehouse = request.getfixturevalue("bigquery")
    return warehouse


def difference(warehouse: Warehouse, contract: Contract) -> list[Change]:
    """What differs, but for descriptions that the warehouse doesn't write by itself."""
    changes = plan([contract], warehouse.deployed([contract]))
    return [change for change in changes if not change.unwritten]


def actions(changes: Sequence[Change]) -> list[tuple[Action, str | None]]:
    return [(change.action, change.column) for change in changes]


def without(contract: Contract, *names: str) -> Contract:
    return replace(contract, columns=tuple(c for c in contract.columns if c.name not in names))


def with_column(contract: Contract, name: str, **values: object) -> Contract:
    changed = (replace(c, **values) if c.name == name else c for c in contract.columns)  # type: ignore[arg-type]
    return replace(contract, columns=tuple(changed))


def test_tables_as_created_are_as_their_contracts_say(warehouse: Warehouse) -> None:
    contracts = list(load_contracts().values())
    warehouse.create_tables(contracts)
    changes = plan(contracts, warehouse.deployed(contracts))
    assert [change for change in changes if not change.unwritten] == []


def test_a_missing_table_is_created(warehouse: Warehouse) -> None:
    assert actions(difference(warehouse, BUDGETS)) == [(Action.CREATE, None)]
    warehouse.carry_out(BUDGETS, difference(warehouse, BUDGETS))
    assert plan([BUDGETS], warehouse.deployed([BUDGETS])) == []
    budget_rows.publish(warehouse, "1", [("c1", MONDAY, 5)])
    assert budget_rows.budgets(warehouse) == [("1", "c1", MONDAY, 5)]


def test_a_nullable_column_is_added_with_its_description_and_rows_stay(
    warehouse: Warehouse,
) -> None:
    warehouse.create_tables([without(BUDGETS, "_extra")])
    older = without(BUDGETS, "_extra")
    budget_rows.replace_slice(
        warehouse,
        older,
        budget_rows.slice_of("1"),
        budget_rows.rows("1", [("c1", MONDAY, 5)]).drop_columns(["_extra"]),
        run_id="r",
    )
    assert (Action.ADD, "_extra") in actions(difference(warehouse, BUDGETS))
    changes = plan([BUDGETS], warehouse.deployed([BUDGETS]))
    warehouse.carry_out(BUDGETS, changes)
    assert plan([BUDGETS], warehouse.deployed([BUDGETS])) == []
    assert budget_rows.budgets(warehouse) == [("1", "c1", MONDAY, 5)]
    assert warehouse.query("SELECT _extra FROM raw.ads_campaign_budgets").to_pylist() == [
        {"_extra": None}
    ]


def test_a_column_that_may_be_null_by_now_is_let_be_null(warehouse: Warehouse) -> None:
    warehouse.create_tables([with_column(BUDGETS, "_extra", nullable=False)])
    changes = difference(warehouse, BUDGETS)
    assert actions(changes) == [(Action.RELAX, "_extra")]
    warehouse.carry_out(BUDGETS, changes)
    assert difference(warehouse, BUDGETS) == []


def test_a_description_is_changed(warehouse: Warehouse) -> None:
    warehouse.create_tables([BUDGETS])
    reworded = with_column(BUDGETS, "campaign_id", description="It's the campaign's id")
    reworded = replace(reworded, description='What "daily" means')
    warehouse.carry_out(reworded, plan([reworded], warehouse.deployed([reworded])))
    assert plan([reworded], warehouse.deployed([reworded])) == []
    (change,) = plan([BUDGETS], warehouse.deployed([BUDGETS]))
    assert change.action is Action.DESCRIBE
    assert "the table itself, campaign_id" in change.text


@pytest.mark.parametrize(
    ("deployed", "text"),
    [
        (
            with_column(BUDGETS, "daily_budget_micros", type="FLOAT64"),
            "daily_budget_micros is .*; its contract says INT64",
        ),
        (
            without(BUDGETS, "currency_code"),
            "currency_code STRING NOT NULL is missing",
        ),
        (
            with_column(BUDGETS, "currency_code", nullable=True),
            "currency_code may be NULL; its contract says NOT NULL",
        ),
        (
            replace(
                BUDGETS,
                columns=(*BUDGETS.columns, replace(BUDGETS.columns[0], name="of_somebody")),
            ),
            "of_somebody .* is in the table and not in its contract",
        ),
    ],
    ids=["type", "new_not_null", "null_allowed", "unknown_column"],
)
def test_what_is_not_additive_is_refused_in_words_and_stays_as_it_is(
    warehouse: Warehouse, deployed: Contract, text: str
) -> None:
    warehouse.create_tables([deployed])
    before = warehouse.deployed([BUDGETS])
    refused = [c for c in difference(warehouse, BUDGETS) if not c.additive]
    assert len(refused) == 1
    assert re.search(text, refused[0].text)
    assert refused[0].fix
    warehouse.carry_out(BUDGETS, refused)
    assert warehouse.deployed([BUDGETS]) == before


def test_a_nested_column_with_other_fields_is_another_type(warehouse: Warehouse) -> None:
    events = load_contract("raw.ga4_events")
    name = next(c.name for c in events.columns if c.type.startswith("STRUCT"))
    warehouse.create_tables([with_column(events, name, type="STRUCT<something STRING>")])
    (refused,) = difference(warehouse, events)
    assert (refused.action, refused.column) == (Action.REFUSE, name)


@pytest.mark.emulator
def test_another_partition_or_clustering_is_seen_on_bigquery(
    request: pytest.FixtureRequest,
) -> None:
    bigquery: Warehouse = request.getfixturevalue("bigquery")
    contract = load_contract("raw.ads_campaign_performance")
    bigquery.create_tables([replace(contract, partition_by=None, cluster_by=("account_id",))])
    texts = [change.text for change in difference(bigquery, contract)]
    assert texts == [
        "the table is partitioned by nothing; its contract says date",
        "the table is clustered by account_id; its contract says platform, account_id",
    ]
