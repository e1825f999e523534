"""A warehouse with a few people in it: Ada, Ben who shares a tablet and a number with her, Cy.

Every value below is made up; ids are as sources hand them on.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.contracts import load_contract, load_contracts
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.warehouse.duckdb import DuckDBWarehouse

SALT = "a salt of the tests, long and random"
DAY = date(2026, 6, 10)
NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)

ADA_EMAIL, ADA_PHONE, ADA_USER = "Ada.Stone@gmail.com", "+49 30 5550 1234", "customer-000017"
RAW_VALUES = (ADA_EMAIL, "adastone@gmail.com", ADA_PHONE, "+493055501234", ADA_USER)


def _hashed(value: str | None) -> str:
    assert value is not None
    return value


ADA, BEN, CY = (
    {
        "user": _hashed(hash_user_id(user, SALT)),
        "email": _hashed(hash_email(email, SALT)),
        "phone": _hashed(hash_phone(phone, SALT)),
    }
    for user, email, phone in (
        (ADA_USER, ADA_EMAIL, ADA_PHONE),
        ("customer-000018", "ben@example.org", "+49 30 5550 9999"),
        ("customer-000019", "cy@example.org", "+49 30 5550 7777"),
    )
)
HOUSEHOLD = _hashed(hash_phone("+49 30 5550 0000", SALT))
LAPTOP, PHONE, TABLET, BENS, CYS = (f"10000{n}.17000000{n}" for n in (11, 22, 33, 44, 55))
GCLID, FBCLID, BENS_GCLID, PLACEHOLDER = (
    "Cj0KCQ-ada_1aBcD",
    "IwAR0-ada-fbclid_9",
    "Cj0KCQ-ben_2eFgH",
    "unknowing-click-id",
)
PROPERTY, STREAM = "42", "s1"

_DEFAULTS: dict[str, Any] = {
    "INT64": 1,
    "FLOAT64": 1.0,
    "STRING": "x",
    "BOOL": False,
    "DATE": DAY,
    "TIMESTAMP": datetime(2026, 6, 10, 12, tzinfo=UTC),
}


def hashed_as_it_was(user_id: str) -> str:
    """A user id's hash as it was before placeholders had none."""
    return hashlib.sha256(f"{SALT}:user:{user_id}".encode()).hexdigest()


def rows_of(table: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows of a table; what may not be NULL and isn't given has a value of its own."""
    contract = load_contract(table)
    needed = {c.name: _DEFAULTS[c.type] for c in contract.columns if not c.nullable}
    return pa.Table.from_pylist(
        [{**needed, **row} for row in rows], schema=pa.schema(list(contract.arrow_schema))
    )


def put(warehouse: DuckDBWarehouse, rows_by_table: dict[str, Sequence[dict[str, Any]]]) -> None:
    with duckdb.connect(str(warehouse.path)) as connection:
        for table, rows in rows_by_table.items():
            connection.register("given", rows_of(table, rows))
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
            connection.unregister("given")


def event(key: str, device: str | None, user: str | None = None, **more: Any) -> dict[str, Any]:
    url = more.pop("url", None)
    if url:
        value = {"string_value": url}
        more["event_params"] = [{"key": "page_location", "value": value}]
    return {
        "property_id": PROPERTY,
        "stream_id": STREAM,
        "event_key": key,
        "event_date": DAY,
        "user_pseudo_id": device,
        "user_id": user,
        **more,
    }


def order(number: str, person: dict[str, str] | None, **more: Any) -> dict[str, Any]:
    known = {"customer_id": person["user"], "email_hash": person["email"]} if person else {}
    return {"shop_id": "s", "order_id": number, "revenue_micros": 10_000_000, **known, **more}


EVENTS = (
    event("a1", LAPTOP, ADA["user"]),
    event("a2", LAPTOP, gclid=GCLID, collected_traffic_source={"gclid": GCLID}),
    # never signed in on her phone: only the click in the address says whose it is
    event("a3", PHONE, url=f"https://shop.example/?x=1&fbclid={FBCLID}&y=2"),
    event("a4", PHONE, url="https://shop.example/basket"),
    event("t1", TABLET, ADA["user"]),
    event("t2", TABLET, BEN["user"]),
    event("t3", TABLET),
    event("b1", BENS, BEN["user"], gclid=BENS_GCLID),
    event("c1", CYS, CY["user"], gclid=PLACEHOLDER),
    *(event(f"p{n}", f"20000{n}.1700000099", gclid=PLACEHOLDER) for n in range(5)),
)
ORDERS = (
    order("1001", ADA, phone_hash=ADA["phone"], gclid=GCLID, fbclid=FBCLID),
    order("1002", ADA, phone_hash=HOUSEHOLD, gclid=PLACEHOLDER),
    order("1003", BEN, phone_hash=HOUSEHOLD, gclid=BENS_GCLID),
    order("1004", CY, phone_hash=CY["phone"], gclid=PLACEHOLDER),
    # as a guest, with nothing but her address, and a field that nobody described
    order("1005", None, email_hash=ADA["email"], _extra=f'{{"note": "see {ADA["user"]}"}}'),
)


def fill(path: Path) -> DuckDBWarehouse:
    """Ada, Ben and Cy in every kind of table; made once a process and copied."""
    path.write_bytes(_filled())
    return DuckDBWarehouse(path)


@cache
def _filled() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.duckdb"
        _make(path)
        return path.read_bytes()


def _make(path: Path) -> None:
    warehouse = DuckDBWarehouse(path)
    warehouse.create_tables(load_contracts().values())
    put(
        warehouse,
        {
            "raw.ga4_events": EVENTS,
            "raw.orders": ORDERS,
            "raw.ads_clicks": [{"click_id": GCLID}, {"click_id": BENS_GCLID}],
            "raw.crm_leads": [
                {"lead_id": "51", "email_hash": ADA["email"], "opportunity_id": "7"},
                {"lead_id": "52", "email_hash": BEN["email"]},
            ],
            "raw.crm_opportunities": [
                {"opportunity_id": "7", "lead_id": "51", "amount_micros": 5_000_000},
                {"opportunity_id": "8", "lead_id": "52", "amount_micros": 6_000_000},
            ],
            "raw.server_events": [
                {"event_id": "e1", "user_id": ADA["user"], "phone_hash": ADA["phone"]},
                {"event_id": "e2", "user_id": BEN["user"], "phone_hash": HOUSEHOLD},
            ],
            "contracts.job_runs": [{"reason": f"outlier: {ADA['user']}"}, {"reason": "ok"}],
            "canary.canary_changes": [{"to_value": ADA["email"]}],
        },
    )
    warehouse.stage(
        load_contract("raw.orders"), "failed", rows_of("raw.orders", [ORDERS[0], ORDERS[2]])
    )
    _models(path)


def _models(path: Path) -> None:
    """What dbt would make of it, as far as a person is concerned."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            CREATE SCHEMA marts;
            CREATE SCHEMA IF NOT EXISTS intermediate;
            CREATE TABLE intermediate.int_journeys_sessions AS
            SELECT md5(user_pseudo_id) AS client_key,
              gclid, 'https://shop.example/' AS landing_page
            FROM raw.ga4_events;
            CREATE TABLE marts.identity_components AS
            SELECT 'user_id|' || customer_id AS node,
              md5('user_id|' || customer_id) AS component_id
            FROM raw.orders WHERE customer_id IS NOT NULL
            UNION SELECT 'email_hash|' || email_hash, md5('user_id|' || customer_id)
            FROM raw.orders WHERE customer_id IS NOT NULL
            UNION SELECT 'device|' || client_key, md5('user_id|{BEN["user"]}')
            FROM intermediate.int_journeys_sessions
            WHERE client_key = md5('{TABLET}');
            INSERT INTO contracts.interest_cluster_members BY NAME
            SELECT DISTINCT component_id AS person_id, 'r' AS run_id, DATE '{DAY}' AS as_of,
              '1' AS model_version, 's' AS input_snapshot, 'i1' AS cluster_id,
              0.9 AS confidence, 3 AS texts
            FROM marts.identity_components;
            CREATE TABLE marts.fct_orders AS
            SELECT order_id, md5('user_id|' || customer_id) AS person_id, gclid, revenue_micros
            FROM raw.orders;
            CREATE VIEW marts.everything AS SELECT * FROM marts.fct_orders;
            """
        )
