"""Every column that is named like a person's id is declared, and every declaration is true."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest

from pipelines.contracts import load_contracts
from pipelines.privacy.declared import Kind, PersonTable, declared, not_persons, person_tables

_LIKE_A_PERSON = re.compile(
    r"(email|phone|user|customer|contact|person|visitor|member)\w*_(hash|id)|user_pseudo_id|"
    r"client_key|lead_id|click_id|li_fat_id|\w*clid|srsltid|[wg]braid"
)


def paths(name: str, kind: pa.DataType) -> Iterator[str]:
    """Every scalar in a column, as ``a.b``; lists add nothing to the path."""
    while pa.types.is_list(kind):
        kind = kind.value_type
    if not pa.types.is_struct(kind):
        yield name
        return
    for field in kind:
        yield from paths(f"{name}.{field.name}", field.type)


PATHS = {
    table: [p for c in contract.columns for p in paths(c.name, c.arrow_type)]
    for table, contract in load_contracts().items()
}
DECLARED = [t for t in person_tables().values() if t.table in PATHS]


@pytest.mark.parametrize("table", PATHS)
def test_a_column_named_like_a_persons_id_is_declared(table: str) -> None:
    known = person_tables().get(table)
    stated = {c.path for c in known.columns} if known else set()
    found = {p for p in PATHS[table] if _LIKE_A_PERSON.fullmatch(p.rsplit(".", 1)[-1])}
    missing = {p for p in found - stated if f"{table}.{p}" not in not_persons()}
    assert not missing, "declare them in sql/privacy/person_columns.yaml"


@pytest.mark.parametrize("table", DECLARED, ids=lambda t: t.table)
def test_what_is_declared_is_in_the_contract_and_may_be_cleared(table: PersonTable) -> None:
    columns = {c.name: c for c in load_contracts()[table.table].columns}
    assert {c.path for c in table.columns} | set(table.urls) <= set(PATHS[table.table])
    assert table.day is None or columns[table.day].type == "DATE"
    if not table.deletes:
        assert all(columns[name].nullable for name in table.cleared)
        assert all(not c.nested for c in table.columns)


def test_raw_tables_that_are_declared_are_contracts() -> None:
    assert {t for t in person_tables() if t.startswith("raw.")} <= set(PATHS)


def test_what_is_no_person_is_a_column_that_exists() -> None:
    assert not_persons() <= {f"{table}.{p}" for table, found in PATHS.items() for p in found}


def test_a_stage_is_declared_as_its_table() -> None:
    assert declared("landing_stage.raw__ga4_events__ab12") == person_tables()["raw.ga4_events"]
    assert declared("landing_stage.raw__fx_rates__ab12") is None


def test_an_account_names_a_row_before_an_address_before_a_number() -> None:
    assert [c.kind for c in person_tables()["raw.orders"].namers] == [
        Kind.USER,
        Kind.EMAIL,
        Kind.PHONE,
    ]
