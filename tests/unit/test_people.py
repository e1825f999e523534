"""Two spellings of a name are one person, and a person isn't a service."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import AdcanaryError, DecisionRefused, UsageError
from pipelines.proposals.events import Actor
from pipelines.proposals.people import person_name, same_person


@pytest.mark.parametrize(
    "spelling",
    [
        "ZOÉ",
        "zoe\u0301",  # decomposed
        "  Zoé\t",
        "\uff3aoé",  # full width
        "z\u200boé",  # zero width
        "z\u2060o\ufe0fé",
        "\u202ezoé\u202c",  # control of direction
        "z\x00oé",
        "zo\u00adé",
    ],
)
def test_spellings_of_one_name_are_one_name(spelling: str) -> None:
    assert person_name(spelling) == "zoé"


@pytest.mark.parametrize(
    "name",
    [
        "z\u043eé",  # Cyrillic o among Latin letters
        "\u0440\u043e\u0440\u0435",  # Cyrillic letters that read "pope"
        "\u03a4\u039f\u039c",  # Greek capitals that read "TOM"
        "zo\u02d0",  # a letter modifier that reads like a colon
        "zoé:admin",
        "zoé\u0903",
        "zo\U0001f600",
        "\u200b",
        " ",
        "...",
        "123",
        "z" * 101,
    ],
)
def test_a_name_that_reads_like_another_or_like_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="can't be used"):
        person_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "service:adcanary",
        "Service: cron",
        "s\u200bervice:x",
        "\uff53ervice\uff1ax",
        "serv\u0131ce x",
        "\u0455ervice:x",
        "service",
    ],
)
def test_no_spelling_of_a_service_is_a_person(name: str) -> None:
    with pytest.raises(DecisionRefused, match="is a service"):
        Actor(name, "person")


@pytest.mark.parametrize(
    "name",
    [
        "o'brien, ann-marie",
        "acme\\ann",
        "ann@example.com",
        "марта",
        "田中 太郎",
        "김민수",
        "yıldız",
    ],
)
def test_names_of_any_one_script_stay_as_they_are(name: str) -> None:
    assert person_name(name) == unicodedata.normalize("NFKC", name)


def test_latin_letters_that_look_alike_make_the_same_person() -> None:
    assert same_person("dan", "d\u0251n")
    assert not same_person("dan", "dán")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Phil", "PhiI"),
        ("Phil", "Phi1"),
        ("Phil", "Phi|"),
        ("Ida", "lda"),
        ("Eli", "EIi"),
        ("Bernard", "Bemard"),
        ("Warner", "VVarner"),
        ("\u1d07ve", "eve"),  # a small capital
        ("\u0184en", "ben"),  # looks like b as a capital only
    ],
)
def test_names_that_look_alike_as_typed_are_one_person_as_recorded(one: str, other: str) -> None:
    assert same_person(one, other)
    assert same_person(one.casefold(), other.casefold())


@pytest.mark.parametrize(("one", "other"), [("Eve", "Eva"), ("Eric", "Erik"), ("Jon", "John")])
def test_names_of_other_letters_are_two_people(one: str, other: str) -> None:
    assert not same_person(one, other)


@given(st.text())
def test_a_recorded_name_is_its_own_spelling(typed: str) -> None:
    try:
        name = person_name(typed)
    except AdcanaryError:
        return
    assert person_name(name) == name


def test_a_name_of_digits_alone_is_told_that_it_has_no_letter() -> None:
    with pytest.raises(UsageError, match="must have a letter"):
        person_name("123")
