"""Erasing a person: everywhere, nobody else, for good, and proved."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import IntegrityError
from pipelines.privacy import tombstones
from pipelines.privacy.declared import Id, Kind
from pipelines.privacy.erasure import Erasure, Reached, erase, erase_ids, preview, prove
from pipelines.privacy.linkage import find_person
from pipelines.privacy.requests import Request
from tests.unit import people
from tests.unit.people import ADA, BEN, CY, NOW, fill, order, put

pytestmark = pytest.mark.slow

ADAS = [Id(Kind.EMAIL, ADA["email"])]


BENS = (
    "SELECT event_key FROM raw.ga4_events WHERE event_key IN ('t2', 't3', 'b1') ORDER BY 1",
    f"SELECT event_id FROM raw.server_events WHERE phone_hash = '{people.HOUSEHOLD}'",
    "SELECT CONCAT(customer_id, email_hash, phone_hash, gclid) AS x FROM raw.orders "
    "WHERE order_id = '1003'",
    f"SELECT gclid FROM raw.orders WHERE gclid = '{people.PLACEHOLDER}' AND order_id = '1004'",
    f"SELECT component_id FROM marts.identity_components WHERE node = 'user_id|{BEN['user']}'",
)
SUMS = (
    "SELECT SUM(revenue_micros) AS x FROM raw.orders",
    "SELECT SUM(amount_micros) AS x FROM raw.crm_opportunities",
    "SELECT SUM(revenue_micros) AS x FROM marts.fct_orders",
)


@dataclass(frozen=True)
class Erased:
    """A warehouse after Ada's erasure, and what it was before."""

    warehouse: people.DuckDBWarehouse
    ids: frozenset[Id]
    text: str
    bens: list[list[object]]
    sums: list[list[object]]
    previewed: tuple[Reached, ...]
    untouched: bool
    done: Erasure


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Erased:
    warehouse = fill(tmp_path_factory.mktemp("erased") / "w.duckdb")
    person = find_person(warehouse, ADAS)
    text = everything(warehouse)
    previewed = preview(warehouse, person)
    return Erased(
        warehouse,
        person.ids,
        text,
        [column(warehouse, sql) for sql in BENS],
        [column(warehouse, sql) for sql in SUMS],
        previewed,
        everything(warehouse) == text,
        erase(warehouse, person, Request("erase", "dpo", "ticket 12", NOW)),
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> people.DuckDBWarehouse:
    return fill(tmp_path / "w.duckdb")


def key_of(person: dict[str, str]) -> str:
    return hashlib.md5(f"user_id|{person['user']}".encode()).hexdigest()


def column(warehouse: people.DuckDBWarehouse, sql: str) -> list[object]:
    return warehouse.query(sql).columns[0].to_pylist()


def everything(warehouse: people.DuckDBWarehouse) -> str:
    """Every row of every table as text, read without the code that is tested."""
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
        ).fetchall()
        return "\n".join(
            row[0]
            for (t,) in tables
            for row in connection.sql(f"SELECT {t}::TEXT FROM {t}").fetchall()
        )


def test_nothing_of_the_person_is_left_in_any_table_nor_stage(erased: Erased) -> None:
    swept = {i.value for i in erased.ids if i.distinctive}
    assert len(swept) == 10
    assert all(value in erased.text for value in swept)
    after = everything(erased.warehouse)
    assert [value for value in swept if value in after] == []
    assert {r.table: (r.action, r.rows) for r in erased.done.reached} == {
        "raw.ga4_events": ("deleted", 5),
        "raw.server_events": ("deleted", 1),
        "raw.ads_clicks": ("deleted", 1),
        "raw.crm_leads": ("deleted", 1),
        "raw.crm_opportunities": ("anonymised", 1),
        "raw.orders": ("anonymised", 3),
        "landing_stage.raw__orders__failed": ("anonymised", 1),
        "intermediate.int_journeys_sessions": ("deleted", 4),
        "marts.identity_components": ("deleted", 2),
        "marts.fct_orders": ("ids cleared", 2),
        "contracts.interest_cluster_members": ("deleted", 1),
        "contracts.job_runs": ("ids cleared", 1),
        "canary.canary_changes": ("ids cleared", 1),
    }


def test_revenue_reconciles_after_an_erasure(erased: Erased) -> None:
    assert [column(erased.warehouse, sql) for sql in SUMS] == erased.sums
    left = erased.warehouse.query(
        "SELECT customer_id, email_hash, phone_hash, gclid, fbclid, _extra FROM raw.orders "
        "WHERE order_id IN ('1001', '1002', '1005')"
    )
    assert [set(row.values()) for row in left.to_pylist()] == [{None}] * 3


def test_who_shares_a_device_or_a_number_keeps_everything(erased: Erased) -> None:
    assert all(erased.bens)
    assert [column(erased.warehouse, sql) for sql in BENS] == erased.bens
    assert column(erased.warehouse, "SELECT COUNT(*) AS n FROM raw.ga4_events") == [9]


def test_a_preview_changes_nothing_and_says_what_the_erasure_will_do(erased: Erased) -> None:
    assert erased.untouched
    assert erased.previewed == erased.done.reached


def test_the_request_is_recorded_with_who_why_and_the_proof(erased: Erased) -> None:
    (row,) = erased.warehouse.query("SELECT * FROM raw.privacy_requests").to_pylist()
    assert (row["request_id"], row["requested_by"], row["reason"]) == (
        erased.done.request_id,
        "dpo",
        "ticket 12",
    )
    assert json.loads(row["table_rows"])["raw.ga4_events"] == 5
    assert row["proved_at"] is not None
    assert (row["shared_ids"], row["subject"]) == (3, tombstones.digest(ADAS[0]))


def test_a_row_of_somebody_else_loses_the_id_and_stays(warehouse: people.DuckDBWarehouse) -> None:
    """An address is erased that two accounts have used, beside their own."""
    put(
        warehouse,
        {
            "raw.orders": [
                order("6001", BEN, email_hash="f" * 64),
                order("6002", CY, email_hash="f" * 64),
            ],
            "raw.server_events": [
                {"event_id": "e9", "user_id": BEN["user"], "email_hash": "f" * 64}
            ],
        },
    )
    seeds = [Id(Kind.EMAIL, "f" * 64)]
    erase(warehouse, find_person(warehouse, seeds), Request("erase", "dpo", "t", NOW))
    for table in ("raw.orders WHERE order_id = '6001'", "raw.server_events WHERE event_id = 'e9'"):
        name = "customer_id" if "orders" in table else "user_id"
        rows = warehouse.query(f"SELECT {name} AS u, email_hash AS e FROM {table}").to_pylist()
        assert rows == [{"u": BEN["user"], "e": None}]


def test_what_jobs_wrote_of_the_person_before_a_merge_goes_too(
    warehouse: people.DuckDBWarehouse,
) -> None:
    """Two older ids, one after the other; Cy's was split off again, and another's nodes left."""
    ada, cy = (key_of(person) for person in (ADA, CY))
    merges = [("1" * 32, "2" * 32, "merge"), ("2" * 32, ada, "merge"), (cy, ada, "merge")]
    moves = [*merges, ("3" * 32, ada, "split")]
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "CREATE TABLE marts.identity_merges "
            "(from_component_id TEXT, into_component_id TEXT, reason TEXT)"
        )
        connection.executemany("INSERT INTO marts.identity_merges VALUES (?, ?, ?)", moves)
    written = [{"person_id": digit * 32, "run_id": "before"} for digit in "123"]
    put(warehouse, {"contracts.interest_cluster_members": written})
    erase(warehouse, find_person(warehouse, ADAS), Request("erase", "dpo", "t", NOW))
    left = column(warehouse, "SELECT person_id FROM contracts.interest_cluster_members")
    assert set(left) == {"3" * 32, key_of(BEN), cy}


def test_ids_that_came_back_fail_the_proof_which_names_the_tables(
    warehouse: people.DuckDBWarehouse,
) -> None:
    person = find_person(warehouse, ADAS)
    erase(warehouse, person, Request("erase", "dpo", "t", NOW))
    assert prove(warehouse, person) > 30
    put(
        warehouse,
        {
            "raw.load_ledger": [{"source": f"a word {ADA['user']}, in a text"}],
            "raw.ads_entities": [{"labels": ["x", people.LAPTOP]}],
            "raw.fx_rates": [{"_extra": f'{{"a": {{"_ga": "GA1.1.{people.LAPTOP}"}}}}'}],
            "raw.crm_opportunities": [{"lead_id": "51"}],
            # not hers: a longer word, a number of another kind
            "raw.ads_clicks": [{"click_id": f"{people.GCLID}x"}],
            "raw.skan_postbacks": [{"campaign_id": "51"}],
        },
    )
    with pytest.raises(IntegrityError, match="not complete") as caught:
        prove(warehouse, person)
    assert caught.value.message.endswith(
        "raw.ads_entities (1 rows), raw.crm_opportunities (1 rows), raw.fx_rates (1 rows), "
        "raw.load_ledger (1 rows)."
    )


def test_more_ids_than_one_pattern_holds_are_all_erased(
    warehouse: people.DuckDBWarehouse,
) -> None:
    clicks = [f"click-of-ada-{n:04d}" for n in range(120)]
    put(warehouse, {"raw.orders": [order(f"7{c[-4:]}", ADA, gclid=c) for c in clicks]})
    put(warehouse, {"raw.ads_clicks": [{"click_id": c} for c in clicks]})
    erase(warehouse, find_person(warehouse, ADAS), Request("erase", "dpo", "t", NOW))
    assert column(warehouse, "SELECT click_id FROM raw.ads_clicks") == [people.BENS_GCLID]


def test_withdrawn_consent_erases_once_and_a_look_back_that_says_so_again_changes_nothing(
    warehouse: people.DuckDBWarehouse,
) -> None:
    (done,) = erase_ids(warehouse, [ADA["user"]], requested_by="ingest", now=NOW)
    assert "raw.orders" in {r.table for r in done.reached}
    assert erase_ids(warehouse, [ADA["user"]], requested_by="ingest", now=NOW) == []
    assert column(warehouse, "SELECT action FROM raw.privacy_requests") == ["withdraw"]


def test_tombstones_hold_no_id_and_are_set_once(erased: Erased) -> None:
    rows = erased.warehouse.query("SELECT digest, kind FROM raw.privacy_tombstones").to_pylist()
    assert {r["kind"] for r in rows} == {"user", "email", "phone", "device", "click", "lead"}
    assert not {r["digest"] for r in rows} & {i.value for i in erased.ids}
    erased.warehouse.transaction(tombstones.statements(erased.ids, NOW, "again"), label="test")
    assert len(tombstones.load(erased.warehouse).digests) == len(rows) == 8
    assert column(erased.warehouse, "SELECT COUNT(*) AS n FROM raw.privacy_tombstones") == [8]
