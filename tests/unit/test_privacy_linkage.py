"""A person's ids are found from any one of them, and nobody else's with them."""

import pytest

from pipelines.errors import UsageError
from pipelines.privacy.declared import Id, Kind
from pipelines.privacy.linkage import Person, find_person
from pipelines.privacy.subject import detect, identify
from pipelines.privacy.subject_kind import SubjectKind
from tests.unit import people
from tests.unit.people import ADA, BEN, CY, SALT, event, fill, order, put

pytestmark = pytest.mark.slow

FAMILY, HERS, MOVED = "f" * 64, "9" * 64, "d" * 64
ONE = {"user": "a" * 64, "email": FAMILY}
TWO = {"user": "b" * 64, "email": FAMILY}
NOWHERE = "none" * 4


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> people.DuckDBWarehouse:
    filled = fill(tmp_path_factory.mktemp("people") / "w.duckdb")
    orders = [
        order("2001", None, email_hash="e" * 64, gclid=NOWHERE),
        order("3001", ONE),
        order("3002", TWO),
        order("3003", TWO, email_hash=HERS),
        order("4001", CY, email_hash=MOVED),
        order("4002", None, email_hash=MOVED, gclid="g" * 20),
        order("5001", None, email_hash="5" * 64, gclid=""),
        order("5002", None, email_hash="6" * 64, gclid=""),
    ]
    events = [event(f"n{n}", f"30000{n}.1700000077", gclid=NOWHERE) for n in range(4)]
    put(filled, {"raw.orders": orders, "raw.ga4_events": events})
    return filled


def person(warehouse: people.DuckDBWarehouse, kind: Kind, value: str) -> Person:
    return find_person(warehouse, [Id(kind, value)])


@pytest.mark.parametrize("given", [people.ADA_EMAIL, people.ADA_PHONE, people.ADA_USER])
def test_any_id_of_a_person_leads_to_all_and_what_is_shared_is_told(
    warehouse: people.DuckDBWarehouse, given: str
) -> None:
    found = find_person(warehouse, identify(given, SALT))
    by_kind = {k: {i.value for i in found.ids if i.kind is k} for k in Kind}
    assert {k: by_kind[k] for k in (Kind.USER, Kind.EMAIL, Kind.PHONE)} == {
        Kind.USER: {ADA["user"]},
        Kind.EMAIL: {ADA["email"]},
        Kind.PHONE: {ADA["phone"]},
    }
    assert by_kind[Kind.DEVICE] == {people.LAPTOP, people.PHONE}
    assert by_kind[Kind.CLICK] == {people.GCLID, people.FBCLID}
    assert by_kind[Kind.ORDER] == {"1001", "1002", "1005"}
    assert (by_kind[Kind.LEAD], by_kind[Kind.DEAL]) == ({"51"}, {"7"})
    assert (len(by_kind[Kind.DEVICE_KEY]), len(by_kind[Kind.PERSON_KEY])) == (2, 1)
    assert found.shared == {
        Id(Kind.DEVICE, people.TABLET),
        Id(Kind.PHONE, people.HOUSEHOLD),
        Id(Kind.CLICK, people.PLACEHOLDER),
    }


def test_a_click_id_on_many_devices_is_a_placeholder_even_where_one_order_has_it(
    warehouse: people.DuckDBWarehouse,
) -> None:
    found = person(warehouse, Kind.EMAIL, "e" * 64)
    assert not {i for i in found.ids if i.kind is Kind.DEVICE}
    assert found.shared == {Id(Kind.CLICK, NOWHERE)}


def test_an_address_of_two_accounts_leads_to_the_one_that_has_no_other(
    warehouse: people.DuckDBWarehouse,
) -> None:
    found = person(warehouse, Kind.EMAIL, FAMILY)
    assert {i.value for i in found.ids if i.kind is Kind.USER} == {ONE["user"]}
    assert Id(Kind.USER, TWO["user"]) in found.shared


def test_from_an_account_its_own_address_is_found_and_the_one_that_others_use_stays_theirs(
    warehouse: people.DuckDBWarehouse,
) -> None:
    found = person(warehouse, Kind.USER, TWO["user"])
    assert Id(Kind.EMAIL, HERS) in found.ids
    assert found.shared == {Id(Kind.EMAIL, FAMILY)}


def test_a_household_number_leads_to_nobody(warehouse: people.DuckDBWarehouse) -> None:
    found = person(warehouse, Kind.PHONE, people.HOUSEHOLD)
    assert found.ids == {Id(Kind.PHONE, people.HOUSEHOLD)}
    assert {Id(Kind.USER, ADA["user"]), Id(Kind.USER, BEN["user"])} <= found.shared


def test_an_account_that_changed_its_address_is_one_person(
    warehouse: people.DuckDBWarehouse,
) -> None:
    found = person(warehouse, Kind.EMAIL, CY["email"])
    whole = {Id(Kind.USER, CY["user"]), Id(Kind.EMAIL, MOVED), Id(Kind.CLICK, "g" * 20)}
    assert whole <= found.ids


def test_empty_texts_link_nobody(warehouse: people.DuckDBWarehouse) -> None:
    assert person(warehouse, Kind.EMAIL, "5" * 64).ids == {
        Id(Kind.EMAIL, "5" * 64),
        Id(Kind.ORDER, "5001"),
    }


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("ada@example.org", SubjectKind.EMAIL),
        ("+49 30 5550 1234", SubjectKind.PHONE),
        ("0049 30 5550 1234", SubjectKind.PHONE),
        ("+10000000000", SubjectKind.PHONE),
        ("493055501234", SubjectKind.USER),
        ("customer-17", SubjectKind.USER),
    ],
)
def test_what_was_given_is_seen_from_how_it_is_written(given: str, kind: SubjectKind) -> None:
    assert detect(given) is kind


@pytest.mark.parametrize("kind", [SubjectKind.EMAIL, SubjectKind.PHONE])
def test_a_value_of_another_kind_is_refused_without_being_told(kind: SubjectKind) -> None:
    with pytest.raises(UsageError) as caught:
        identify("030 5550 1234", SALT, kind)
    assert "5550" not in str(caught.value)
