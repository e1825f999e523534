"""Every source's rows go through one door, and nothing of a person passes it."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import orjson
import pyarrow as pa
import pytest

from pipelines.contracts import load_contract, load_contracts
from pipelines.landing.conform import conform, drift
from pipelines.landing.spool import spooled
from pipelines.privacy.columns import text_columns
from pipelines.sources.base import Batch, Window
from tests.unit.test_privacy_declared import PATHS

DAY = date(2026, 6, 1)
SECRET = "grace@example.org, 0171-2345678"
GONE = "(e-mail), (phone)"
LANDED = sorted(t for t, c in load_contracts().items() if "_extra" in c.column_names)


def _landed(table: str, row: dict[str, Any], source: str = "any") -> dict[str, Any]:
    contract = load_contract(table)
    full = {c.name: None for c in contract.columns if c.name not in ("_run_id", "_extra")} | row
    known = {c.name: c.arrow_type for c in contract.columns}
    columns = {n: pa.array([v], known.get(n)) for n, v in full.items()}
    batch = Batch(source, table, "a", None, Window(DAY, DAY), pa.table(columns), datetime.now(UTC))
    (landed,) = conform(batch.rows, batch, contract).to_pylist()
    return dict(landed)


@pytest.mark.parametrize("table", LANDED)
def test_every_table_has_the_same_door_for_columns_that_nobody_knows(table: str) -> None:
    row = {"Vorname": "Grace", "shipping_address": "x", "headline": SECRET, "n": 3}
    landed = _landed(table, row | {"nested": {"first_name": "Grace", "text": quote(SECRET)}})
    extra = orjson.loads(landed["_extra"])
    assert set(extra) == {"headline", "n", "nested"}
    assert (extra["headline"], extra["n"], set(extra["nested"])) == (GONE, 3, {"text"})
    assert not re.search("grace|2345678", landed["_extra"])


@pytest.mark.parametrize(
    ("table", "path"),
    [(t, p) for t, paths in sorted(text_columns().items()) for p in sorted(paths)],
)
def test_every_column_of_texts_is_redacted_and_every_path_is_a_text(table: str, path: str) -> None:
    contract = load_contract(table)
    column, *inner = path.split(".")
    kind = next(c.arrow_type for c in contract.columns if c.name == column)
    landed = _landed(table, {column: _nest(kind, inner, SECRET)})
    assert SECRET not in str(landed[column])
    assert GONE in str(landed[column])


def _nest(kind: pa.DataType, path: list[str], value: str) -> Any:
    if pa.types.is_list(kind):
        return [_nest(kind.value_type, path, value)]
    return {path[0]: _nest(kind.field(path[0]).type, path[1:], value)} if path else value


@pytest.mark.parametrize("table", LANDED)
def test_a_column_named_like_a_text_is_declared(table: str) -> None:
    contract = load_contract(table)
    like = re.compile(
        r"(.*_)?(name|title|label|labels|url|address|note|stage|medium|source|campaign|"
        r"string_value|domain)"
    )
    types = {c.name: c.arrow_type for c in contract.columns}
    texts = {
        path
        for path in PATHS[table]
        if like.fullmatch(path.rsplit(".", 1)[-1]) and "struct" not in str(types.get(path, ""))
    }
    assert texts <= text_columns().get(table, frozenset()), "declare it in text_columns.yaml"


def test_ga4s_parameters_are_treated_as_the_fields_of_server_events() -> None:
    names = ("first_name", "shipping_address", "phone", "search_term", "em", "Vorname")
    kept = {
        "page_location": "https://x.example/?tel=123&x=1",
        "page_title": SECRET,
        "plan_id": "0123456789",
        "ga_session_id": None,
    }
    wanted = {**kept, "page_location": "https://x.example/?tel=(redacted)&x=1", "page_title": GONE}
    params = [
        {"key": k, "value": {"string_value": v, "int_value": None if v else 7}}
        for k, v in {**dict.fromkeys(names, "x"), **kept}.items()
    ]
    landed = _landed("raw.ga4_events", {"event_params": params})["event_params"]
    assert {p["key"]: p["value"]["string_value"] for p in landed} == wanted
    assert [p["value"]["int_value"] for p in landed if p["key"] == "ga_session_id"] == [7]
    assert _landed("raw.ga4_events", {"event_params": None})["event_params"] in (None, [])
    event = _landed("raw.server_events", {**dict.fromkeys(names, "x"), **kept, "ga_session_id": 7})
    assert orjson.loads(event["_extra"]) == {**wanted, "ga_session_id": 7}


def test_an_id_that_is_an_address_is_none_and_other_ids_stay() -> None:
    row = {
        "client_id": "grace%40example.org",
        "order_id": "0171-2345678",
        "gclid": "Cj0_0171234567",
    }
    landed = _landed("raw.server_events", row)
    assert (landed["client_id"], landed["order_id"], landed["gclid"]) == (
        None,
        "0171-2345678",
        "Cj0_0171234567",
    )


def test_two_rows_of_a_grain_stay_two_when_their_texts_become_alike() -> None:
    contract = load_contract("raw.ga4_daily_report")
    sources = ["grace@example.org", "newsletter", "ada@example.org", "grace@example.org"]
    known = {c.name: c.arrow_type for c in contract.columns}
    columns = {
        c.name: pa.nulls(4, known[c.name])
        for c in contract.columns
        if c.name not in ("_run_id", "_extra")
    }
    columns |= {"session_source": pa.array(sources), "date": pa.array([DAY] * 4)}
    for name in contract.primary_key:
        if known[name] == pa.string() and name != "session_source":
            columns[name] = pa.array(["x"] * 4)
    batch = Batch(
        "ga4_report",
        contract.table,
        "a",
        None,
        Window(DAY, DAY),
        pa.table(columns),
        datetime.now(UTC),
    )
    landed = conform(batch.rows, batch, contract)["session_source"].to_pylist()
    assert landed == ["(e-mail) 2", "newsletter", "(e-mail)", "(e-mail) 2"]


def test_what_is_left_out_is_logged_by_name_and_is_no_drift(
    caplog: pytest.LogCaptureFixture,
) -> None:
    contract = load_contract("raw.skan_postbacks")
    columns = {
        c.name: pa.nulls(1, c.arrow_type)
        for c in contract.columns
        if c.name not in ("_run_id", "_extra")
    }
    rows = pa.table({**columns, "Vorname": ["Grace"], "tier": ["2"]})
    batch = Batch("skan", contract.table, "a", None, Window(DAY, DAY), rows, datetime.now(UTC))
    with caplog.at_level(logging.WARNING), spooled(batch, contract) as spool:
        assert spool.drift == drift(rows.schema, contract) == ("tier",)
    assert "skan, account a, raw.skan_postbacks: fields that may be about a person" in caplog.text
    assert "not taken: Vorname" in caplog.text
    assert "Grace" not in caplog.text
