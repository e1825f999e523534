"""A text that stands where an id is missing is nobody's: no hash, no row, no person."""

import string
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config import load_settings
from pipelines.contracts import load_contract
from pipelines.errors import UsageError
from pipelines.landing.conform import conform
from pipelines.placeholders import SHIPPED, placeholders
from pipelines.privacy.declared import Id, Kind
from pipelines.privacy.hashing import hash_email, hash_phone, hash_user_id
from pipelines.privacy.linkage import find_person
from pipelines.privacy.nobodys import forget_placeholders
from pipelines.privacy.subject import identify
from pipelines.privacy.subject_kind import SubjectKind
from pipelines.sources.base import Batch, Window
from tests.unit import people
from tests.unit.people import DAY, NOW, SALT

NOBODYS = (
    *("undefined", "NULL", "None", "nil", "NaN", "0", "-1", "", " ", "-", "--", "n/a", "true"),
    *("(not set)", "not set", "%28not%20set%29", "(none)", "[object Object]", "[]", "{}", "\\N"),
    *("anonymous", "Guest", "guest_user", "not_authenticated", "unknown", "distinct_id", "#REF!"),
    *("00000000-0000-0000-0000-000000000000", "0.0", "000000000000000", "9774d56d682e549c"),
    *("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "02:00:00:00:00:00", "xxxxxxxx", "****"),
    *("{{dlv.order2}}", "#{order.id}", "$order_id", "[[uid]]", "@@uid@@", "{{ x | default }}"),
    *("undefined undefined", "null,null", "user_id=undefined", "Optional(nil)", "no_id"),
    *("{gclid}", "{{user.id}}", "${USER_ID}", "__CLICKID__", "%%USER_ID%%", "[user_id]", "<id>"),
    *("?", "!?", "0,0", "= 0 =", "#shopper_id#", ":shopper_id", "*|SHOPPER|*", "<%= shopper.id %>"),
    *("$shopper$", "{shopper_id", "shopper_id}", "&lt;shopper-id&gt;", "(shopper id)", "Customer"),
    *("#NUM!", "#DIV/0!", "Err:504", "nil:NilClass", "java.lang.Object@3f2a", "() => shopper"),
    *("N/D", "s.o.", "brak danych", "12345678-1234-1234-1234-123456789012", "cookie_id"),
)
SOMEBODYS = (
    *("1", "10", "12345", "C-17", "1.100", "GA1.1.123.456", "100011.170000011", "nathan"),
    *("{3F2504E0-4F89-41D3-9A0C-0305E82C3301}", "Cj0KCQ_x-1", "000123", "x9", "null-point-7"),
    *("$17", "user-1", "test-17", "{ABCDEF}", "a=b", "nullable"),
    *("guest-000017", "0-1", "fff", "undefinedness.1", "__ga_17"),
    *("#17", ":17", "(17)", "customer-12", "clientele", "a}b", "0a", "x:y_z", "error-17"),
)


@pytest.mark.parametrize("text", NOBODYS)
def test_a_placeholder_is_nobodys_id(text: str) -> None:
    assert SHIPPED.real(text) is None
    assert hash_user_id(text, "salt") is None
    assert hash_email(text, "salt") is None


@pytest.mark.parametrize("text", SOMEBODYS)
def test_an_id_that_only_looks_like_a_placeholder_is_kept(text: str) -> None:
    assert SHIPPED.real(text) == text
    assert hash_user_id(text, "salt") is not None


@given(
    st.sampled_from([t for t in NOBODYS if t.strip() and "%28" not in t and "\\" not in t]),
    st.text(alphabet=" \t\n\"'`", max_size=3),
    st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_capitals_quotes_and_spaces_make_no_id_of_a_placeholder(
    text: str, around: str, capitals: list[bool]
) -> None:
    spelt = "".join(c.upper() if up else c.lower() for c, up in zip(text, capitals, strict=False))
    assert SHIPPED.real(f"{around}{spelt}{around}") is None


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=13, max_size=40))
def test_a_long_id_of_letters_and_digits_is_somebodys(text: str) -> None:
    if len(set(text.lower())) > 3 and any(c.isdigit() for c in text):
        assert SHIPPED.real(text) == text


@pytest.mark.parametrize(
    "address",
    ["undefined", "null@null.com", "noreply@shop.example", "test@test.com", "@x.example", "ada"],
)
def test_a_mailbox_that_is_typed_where_none_is_given_is_nobodys(address: str) -> None:
    assert hash_email(address, "salt") is None


@pytest.mark.parametrize("number", ["+490000000000", "+1 111 111 1111", "+49 1234567890"])
def test_a_number_that_fills_a_form_is_nobodys(number: str) -> None:
    assert hash_phone(number, "salt") is None


def test_the_warehouse_knows_the_same_placeholders_as_the_doors() -> None:
    texts = [t for t in (*NOBODYS, *SOMEBODYS) if "%28" not in t and '"' not in t]
    given_ = pa.table({"id": texts})  # noqa: F841 - DuckDB reads it by its name
    (known,) = duckdb.sql(
        "SELECT LIST(id) FROM given_ "
        f"WHERE NOT REGEXP_MATCHES(LOWER(TRIM(id)), '{SHIPPED.pattern}')"
    ).fetchone() or ([],)
    assert sorted(known) == sorted(SOMEBODYS)


def test_a_house_adds_its_own_placeholders_for_every_source_of_people(tmp_path: Path) -> None:
    file = tmp_path / "adcanary.yaml"
    file.write_text(
        "identity: {placeholders: [walk-in]}\n"
        "sources:\n"
        "  server_events: {site_id: s, path: ev, time_zone: UTC, placeholders: [till-1]}\n"
        "  files: [{path: orders.csv, mapping: m.yaml}]\n"
        "  shopify: {shop_id: s, time_zone: UTC}\n"
    )
    sources = load_settings(file).sources
    assert sources.server_events
    assert sources.shopify
    nobodys = placeholders(sources.server_events.placeholders)
    assert [nobodys.real(t) for t in ("Walk-In", "TILL-1", "ada")] == [None, None, "ada"]
    assert placeholders(sources.shopify.placeholders).real("walk-in") is None
    assert placeholders(sources.files[0].placeholders).real("walk-in") is None
    assert hash_user_id("walk-in", "salt", nobodys) is None


PERSON_TABLES = ("raw.orders", "raw.server_events", "raw.crm_leads", "raw.ga4_events")


@pytest.mark.parametrize("table", PERSON_TABLES)
def test_whatever_the_source_a_placeholder_lands_as_null(table: str) -> None:
    contract = load_contract(table)
    nullable = {c.name for c in contract.columns if c.nullable}
    ids = [c for c in ("gclid", "client_id", "user_pseudo_id") if c in nullable]
    row: dict[str, Any] = dict.fromkeys(ids, "undefined")
    rows = people.rows_of(table, [row]).drop_columns(["_run_id"])
    batch = Batch("any", table, "1", None, Window(DAY, DAY), rows, NOW)
    landed = conform(rows, batch, contract).to_pylist()[0]
    assert ids
    assert [landed[name] for name in ids] == [None] * len(ids)


@pytest.mark.slow
def test_rows_landed_long_ago_lose_their_placeholders_before_a_person_is_looked_for(
    tmp_path: Path,
) -> None:
    """Two people whose site sent the word undefined: neither is the other."""
    warehouse = people.fill(tmp_path / "w.duckdb")
    hashed = people.hashed_as_it_was("undefined")
    first, second = ("1" * 64, "2" * 64)
    orders = [
        people.order("9001", None, customer_id=hashed, email_hash=first, gclid="null"),
        people.order("9002", None, customer_id=hashed, email_hash=second, gclid="null"),
    ]
    people.put(warehouse, {"raw.orders": orders})
    assert forget_placeholders(warehouse, SALT, SHIPPED) == {"raw.orders": 4}
    assert forget_placeholders(warehouse, SALT, SHIPPED) == {}
    ids = find_person(warehouse, [Id(Kind.EMAIL, first)]).ids
    assert {i.value for i in ids if i.kind is Kind.ORDER} == {"9001"}


@pytest.mark.parametrize("kind", [None, SubjectKind.USER, SubjectKind.EMAIL, SubjectKind.STORED])
def test_nobody_can_be_asked_for(kind: SubjectKind | None) -> None:
    with pytest.raises(UsageError, match="such as undefined"):
        identify("undefined", SALT, kind)


def test_a_transaction_that_was_not_set_ties_nobody_in_rows_of_long_ago(tmp_path: Path) -> None:
    warehouse = people.fill(tmp_path / "w.duckdb")
    sales = {"ecommerce": {"transaction_id": "(not set)"}}
    events = [people.event(f"s{n}", f"60000{n}.1700000099", **sales) for n in (1, 2)]
    people.put(warehouse, {"raw.ga4_events": events})
    ids = find_person(warehouse, [Id(Kind.DEVICE, "600001.1700000099")]).ids
    assert {i.value for i in ids if i.kind is Kind.DEVICE} == {"600001.1700000099"}
    assert not {i for i in ids if i.kind is Kind.ORDER}
