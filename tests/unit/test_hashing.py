"""Spellings of one e-mail address hash alike, and nothing hashes without its salt."""

import pytest

from pipelines.privacy.hashing import (
    hash_email,
    hash_phone,
    hash_user_id,
    normalise_email,
    normalise_phone,
)
from pipelines.sandbox.market.shop import People


@pytest.mark.parametrize(
    "spelling",
    ["ada.stone@gmail.com", " Ada.Stone@GMAIL.com ", "a.dastone@gmail.com", "adastone+x@gmail.com"],
)
def test_gmail_spellings_are_one_address(spelling: str) -> None:
    assert normalise_email(spelling) == "adastone@gmail.com"


@pytest.mark.parametrize(
    "written",
    [
        *("mailto:mia@shop.example", "MAILTO:Mia@shop.example?subject=Hello", "<mia@shop.example>"),
        *("Mia K. <mia@shop.example>", '"K., Mia" <Mia@Shop.example>', "mia%40shop.example"),
        *(" mia@shop.example; ", "mia@shop.example,", "'mia@shop.example'", "mia@shop.example."),
    ],
)
def test_an_address_is_known_whatever_a_program_wrote_around_it(written: str) -> None:
    assert hash_email(written, "salt") == hash_email("mia@shop.example", "salt")


@pytest.mark.parametrize(
    "written",
    ["mia@shop.example,leo@shop.example", "mia@shop@example", "mia @shop.example", "Mia <mia>"],
)
def test_what_is_not_one_address_has_no_hash(written: str) -> None:
    assert hash_email(written, "salt") is None


def test_dots_and_plus_differ_outside_gmail() -> None:
    assert normalise_email("Ada.Stone+x@Example.org") == "ada.stone+x@example.org"


def test_every_spelling_of_the_sandbox_hashes_alike() -> None:
    people = People.__new__(People)  # spelling needs no population
    for person in range(4_000, 4_400):
        hashes = {hash_email(people.email(person, s), "salt") for s in range(5)}
        assert len(hashes) == 1


def test_the_salt_and_the_kind_change_the_hash() -> None:
    assert hash_email("a@b.example", "one") != hash_email("a@b.example", "two")
    assert hash_email("a@b.example", "one") != hash_user_id("a@b.example", "one")


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_nothing_hashes_to_nothing(nothing: str | None) -> None:
    assert hash_email(nothing, "salt") is None
    assert hash_user_id(nothing, "salt") is None
    assert hash_phone(nothing, "salt") is None


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("+49 (0)30 5550-1234", None),
        ("0049 30 55501234", None),
        (" +49-30-5550 1234 ext. 9", None),
        ("030 5550 1234", "DE"),
    ],
)
def test_spellings_of_one_number_are_one_number(written: str, region: str | None) -> None:
    assert normalise_phone(written, region) == "+493055501234"


@pytest.mark.parametrize("written", ["030 5550 1234", "call me", "+", "00"])
def test_what_is_no_number_with_a_country_code_hashes_to_nothing(written: str) -> None:
    assert hash_phone(written, "salt") is None
