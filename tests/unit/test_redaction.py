"""The one redaction: what goes, and what stays to the letter."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.privacy.field_names import is_personal
from pipelines.privacy.redaction import cleaned, redacted, without_emails

PERSONAL = (
    """
first_name|LastName|fullName|Billing Address|shipping_address|userAgent|clientIP|ip_address|age|dob
customer_name|recipientName|name|patient_name|mobile_phone|phone|Phone number|email|customerEmail
em|ph|fn|ln|sha256_email|hashed_email_address|email_sha256|hem|search_term|site_search|user_id
customer_id|session_token|password|device_id|zip|postcode|city|message|contact|user
Vorname|Nachname|Kundenname|Lieferadresse|Rechnungsadresse|E-Mail|EMail-Adresse|Telefonnummer
Handynummer|Mailadresse|Straße|PLZ|Wohnort|Geburtsdatum|Geschlecht|Suchbegriff|Benutzername|Nachricht
Prénom|Nom|nom de famille|Téléphone|courriel|Adresse de livraison|code_postal|date_naissance|ville
nombre|Apellidos|Teléfono|correo electrónico|dirección|código postal|fecha_nacimiento|ciudad
nome|cognome|cellulare|indirizzo|codice fiscale|data_di_nascita|città
voornaam|achternaam|naam|telefoonnummer|adres|straat|geboortedatum|woonplaats
imię|nazwisko|numer telefonu|ulica|kod pocztowy|data urodzenia|płeć|miasto
sobrenome|telemóvel|endereço|código_postal|nascimento|cidade|senha
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

IMPERSONAL = (
    """
campaign_name|Campaign name|Kampagnenname|Nom de la campagne|Nombre de la campaña|Nome campagna
Naam advertentie|Nazwa kampanii|Nome da campanha|ad_name|adset_name|Anzeigengruppe|product_name
item_name|event_name|file_name|form_name|page_title|page_location|landing page address|screen_name
creative_name|promotion_name|account_name|company_name|utm_source|utm_term|term|content|placement
ga_session_id|ga_session_number|session_engaged|engagement_time_msec|transaction_id|gclid|coupon
value|currency|shipping|shipping_tier|tax|method|link_url|link_text|percent_scrolled|country-code
Phone calls|phone_impressions|email_clicks|mobile_clicks|device_category|Nombre de clics|region
users|total_users|language|stock|cart|headphones_sold|thumbnail_url|addressable_reach|keyword
Total_Conversion|campaign_group|batch_ordering_id|ad_id|browser|via_channel
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("field", PERSONAL)
def test_a_field_about_a_person_is_known_by_its_name_in_eight_languages(field: str) -> None:
    assert is_personal(field)
    assert is_personal(field.upper()) or not field.isascii() or field != field.lower()


@pytest.mark.parametrize("field", IMPERSONAL)
def test_a_field_of_a_thing_or_a_figure_is_taken(field: str) -> None:
    assert not is_personal(field)


ADDRESSES = (
    "grace@example.org",
    "Grace.Hopper+shop@Mail.Example.co.uk",
    "jürgen.müller@bücher.example",
    "o'neill_7@sub.example.museum",
    "g％h@example.org",
    "grace＠example.org",
)
# by its writing a telephone number, whatever stands around it
NUMBERS = (
    *("+49 30 1234567", "+493012345678", "+49 (0)171 2345678", "+44 20 7946 0958", "+33612345678"),
    *(
        "+1 (212) 555-0123",
        "+1-212-555-0123",
        "+48 600 700 800",
        "+351 912 345 678",
        "0049301234567",
    ),
    *("030 1234567", "(030) 1234567", "030/1234567", "0171-2345678", "01712345678", "0171.2345678"),
    *("06 12 34 56 78", "06.12.34.56.78", "0612345678", "020 7946 0958", "07911 123456"),
    *("06-12345678", "02 1234567", "044 123 45 67", "(212) 555-0123", "212-555-0123"),
    *("212.555.0123", "1-212-555-0123", "612 34 56 78", "91 123 45 67", "347 1234567"),
    *("512 345 678", "600-700-800", "21 123 4567", "+٤٩٣٠١٢٣٤٥٦٧"),
)
# anything but one, and a text that must come back to the letter
KEPT = (
    *("120210987654321", "20123456789", "2123456789", "612345678", "100234567", "4006381333931"),
    *("1767225600", "1767225600000", "1767225600123456", "1767225600.123", "-1767225600"),
    *("2026-03-02", "2026-03-02 12:00:00", "2026-03-02T10:00:00+0100", "01.03.2026-08.03.2026"),
    *("02/03/2026 10:15", "2026/03/02/1234567", "20260302", "2026-W14", "2025-2026", "18-24"),
    *("203.0.113.77", "1.234.567,89", "12.345.678", "1,234,567.00", "1 234 567", "20 000 000"),
    *("6aafb7a5-0170-4145-8234-567890123456", "302-1234567-1234567", "SO-2026-000123", "#1001"),
    *("123-456-7890", "0001234567", "000-123-4567", "AW-123456789/AbC-D_efG", "UA-12345678-1"),
    *("GA1.1.1234567890.1767225600", "1234567890.1767225600", "fb.1.1596403881668.1116446470"),
    *("300x250", "970x250_728x90", "Mobile 20260301", "Tel 20260301", "DE_Brand_20260301_v2"),
    *(
        "logo@2x.png",
        "lodash@4.17.21",
        "@handle",
        "a@b",
        "100%",
        "50%25 off",
        "48.137154, 11.576124",
    ),
    "Cj0KCQiA1rSsBhDHARIsANB4EJb_0t5-e2Qx8Y01712345678zZ",
    "https://shop.example/p/12345678?variant=4006381333931&order_id=0123456789",
    "https://shop.example/?gclid=EAIaIQobChMI-0171234567&utm_id=2123456789&utm_term=running+shoes",
    "https://shop.example/?keyword=shoes&code=SUMMER10&p=a" + "0af1" * 8,
    "https://shop.example/a%20b%2Fc/?utm_campaign=spring%20sale&x=1%252F2",
    '{"items": [1, 2], "campaign_name": "Spring"}',
)
PLACES = (
    "{}",
    "call {} now",
    "DE_Brand_{}_2026",
    "Sommer 2026 {}, {}",
    "https://shop.example/c/{}/x?y=1",
    "https://shop.example/thanks?ref={}&utm_source=mail#top",
    "https://shop.example/#/x?ref={}",
    "/checkout?ref={}",
    '{{"memo": "{}", "n": [1, {{"deep": "{}"}}]}}',
)


def _encoded(text: str, times: int) -> str:
    for _ in range(times):
        text = quote(text, safe="")
    return text


def _spelt(template: str, value: str, times: int) -> str:
    inside = _encoded(value, times)
    if times == 0 and "?ref=" in template:
        inside = quote_plus(value, safe="@()+＠/'")
    return template.format(*[inside] * template.count("{}"))


def _reads(text: str) -> str:
    """A text as anyone may read it, who decodes it as often as it takes."""
    from urllib.parse import unquote_plus

    for _ in range(8):
        text = unquote_plus(text)
    return text


@pytest.mark.parametrize("value", [*ADDRESSES, *NUMBERS])
def test_addresses_and_numbers_go_wherever_they_stand_and_however_often_they_are_encoded(
    value: str,
) -> None:
    digits = re.sub(r"\D", "", value)
    for template in PLACES:
        for times in range(4):
            text = _spelt(template, value, times)
            read = _reads(redacted(text))
            assert "(e-mail)" in read or "(phone)" in read, text
            assert value not in read, text
            assert not read.replace("shop.example", "").count("example.org"), text
            if len(digits) > 6:
                assert digits not in re.sub(r"\D", "", read.replace("2026", "")), text


@pytest.mark.parametrize("text", KEPT)
def test_ids_times_amounts_and_encodings_stay_to_the_letter(text: str) -> None:
    assert redacted(text) == text
    assert redacted(f"Spring {text}") == f"Spring {text}"


_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@given(
    st.one_of(
        st.integers(10**7, 10**18 - 1).map(str),
        st.text(f"{_SIGNS}_-", min_size=20, max_size=90).map(lambda t: f"Cj{t}"),
        st.uuids().map(str),
        st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(datetime.isoformat),
        st.floats(0, 1e9).map(lambda number: f"{number:.6f}"),
    )
)
def test_what_platforms_call_ids_is_never_taken_for_a_persons(text: str) -> None:
    for place in ("{}", "x_{}", "https://shop.example/p/{}", "https://shop.example/?gclid={}&v=1"):
        assert redacted(place.format(text)) == place.format(text)


@given(st.text(max_size=60))
def test_any_text_is_redacted_without_error_and_once(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once
    assert redacted(f"https://shop.example/?ref={quote(text)}")


@given(st.sampled_from(ADDRESSES[:4]), st.text(_SIGNS + " -_/?&=.", max_size=20), st.integers(0, 3))
def test_no_address_survives_in_any_company(address: str, around: str, times: int) -> None:
    text = _encoded(f"{around} {address} {around}", times)
    for clean in (redacted, without_emails):
        assert address not in _reads(clean(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://x.example/?first_name=Ada&a=1", "https://x.example/?first_name=(redacted)&a=1"),
        ("https://x.example/?a=1&Vorname=Ada#top", "https://x.example/?a=1&Vorname=(redacted)#top"),
        ("https://x.example/?q=ada+lovelace&p=2", "https://x.example/?q=(redacted)&p=2"),
        ("https://x.example/?tel=2125550123", "https://x.example/?tel=(redacted)"),
        ("https://x.example/?pr%C3%A9nom=Ada", "https://x.example/?pr%C3%A9nom=(redacted)"),
        ("https://x.example/?em=" + "a" * 64, "https://x.example/?em=(redacted)"),
        ("https://x.example/?token=s3cret", "https://x.example/?token=(redacted)"),
        ("https://ada:secret@x.example/a", "https://x.example/a"),
        ("firstName=Ada&plan=pro", "firstName=(redacted)&plan=pro"),
        ("https://x.example/?p=030+1234567&n=1", "https://x.example/?p=(phone)&n=1"),
        ("https://x.example/?p=+49301234567", "https://x.example/?p=(phone)"),
        (
            "https://x.example/?next=%2Fa%3Femail%3Dada%26n%3D1",
            "https://x.example/?next=/a%3Femail%3D(redacted)%26n%3D1",
        ),
        (f"https://x.example/?u={'0aF1' * 16}&n=1", "https://x.example/?u=(hash)&n=1"),
        ("tel:2125550123", "tel:(phone)"),
        ("https://wa.me/4915112345678", "https://wa.me/(phone)"),
        ("https://x.example/phone/15551234567", "https://x.example/phone/(phone)"),
        ("Handy-Nr.: 2125550123", "Handy-Nr.: (phone)"),
        ("mailto:ada@x.example?subject=hi", "mailto:(e-mail)?subject=hi"),
    ],
)
def test_an_address_of_a_page_loses_what_its_parameters_say_of_a_person(
    text: str, wanted: str
) -> None:
    assert redacted(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        *("grace＠example．org", "grace@\u200bexample.org", "grace&commat;example.org"),
        *("grace&#64;example&period;org", "grace&amp;#64;example.org", "grace%u0040example.org"),
        *("grace%25u0040example.org", "grace%2525252540example.org", '"grace h"@example.org'),
        *("grace\\u0040example.org", "grace\\x40example.org", "grace (at) example [dot] org"),
        *("grace@[192.0.2.1]", "g@bu\u0308cher.example", "o'hara@example.org"),
    ],
)
def test_an_address_goes_in_whatever_spelling_it_is_read(text: str) -> None:
    assert redacted(text) == without_emails(text) == "(e-mail)"
    assert redacted(f"A&amp;B, {text}!").endswith("(e-mail)!")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('\ufeff{"first_name":"Ada","n":1}', '\ufeff{"n":1}'),
        ('{"city":"X"}\n{"email":"y","n":NaN}', '{}\n{"n":NaN}'),
        (
            '{"n":12345678901234567890123,"f":1.10,"f":2E5,"fn":"A"}',
            '{"n":12345678901234567890123,"f":1.10,"f":2E5}',
        ),
        ('{"a": 1.50, "a": 2}', '{"a": 1.50, "a": 2}'),
        ('{"a":"g@example.org","a":1}', '{"a":"(e-mail)","a":1}'),
        ('https://x.example/?d={"first_name":"A","n":1}&x=1', 'https://x.example/?d={"n":1}&x=1'),
        ('https://x.example/?user={"a":"b"}&x=1', "https://x.example/?user=(redacted)&x=1"),
        ('{"n":1,"first_name":"Ad', '{"n":1,"first_name":"(redacted)"'),
        ("{'first_name': 'A', 'n': 1}", "{'first_name': '(redacted)', 'n': 1}"),
        ('{"field":{"name":"first_name","value":"A"}}', '{"field":{"name":"first_name"}}'),
        ('[{"name":"full_name","values":["A"]},{"n":1}]', '[{"n":1}]'),
        ("?last_name=O'Hara Smith&x=1", "?last_name=(redacted)&x=1"),
    ],
)
def test_json_loses_a_persons_fields_wherever_it_stands_and_nothing_else(
    text: str, wanted: str
) -> None:
    assert redacted(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(+49) 30 1234567", "(phone)"),
        ("call (+49 30 1234567) now", "call ((phone)) now"),
        ("06\u00a012\u00a034\u00a056\u00a078", "(phone)"),
        ("GB82 WEST 1234 5698 7654 32", "(iban)"),
        ("to GB82WEST12345698765432.", "to (iban)."),
        ("GB82 WEST 1234 5698 7654 33, mistyped", "(iban), mistyped"),
        ("GB82WEST12345698765433", "GB82WEST12345698765433"),
    ],
)
def test_a_number_goes_whole_with_its_parentheses_and_groups(text: str, wanted: str) -> None:
    assert redacted(text) == wanted


def test_a_field_of_ids_keeps_what_looks_like_a_national_number() -> None:
    value = {
        "order_id": "0123456789",
        "sku": "212-555-0123",
        "memo": "0123456789",
        "n_id": "+4930123456",
        "build_hash": "0af1" * 16,
    }
    assert cleaned(value) == {
        "order_id": "0123456789",
        "sku": "212-555-0123",
        "memo": "(phone)",
        "n_id": "(phone)",
        "build_hash": "0af1" * 16,
    }


def test_fields_are_left_out_however_deep_and_whatever_names_them() -> None:
    value = {
        "cart": {"items": 2, "customer_name": "Ada", "lines": [{"title": "a@b.example"}]},
        "attributes": [{"name": "Vorname", "value": "Ada"}, {"name": "gift", "value": "yes"}],
        "params": [{"key": "first_name", "value": {"string_value": "Ada"}}],
        "json": '{"first_name":"Ada","n":1}',
        "ada@b.example": 1,
    }
    assert cleaned(value) == {
        "cart": {"items": 2, "lines": [{"title": "(e-mail)"}]},
        "attributes": [{"name": "gift", "value": "yes"}],
        "params": [],
        "json": '{"n":1}',
        "(e-mail)": 1,
    }


@pytest.mark.parametrize(
    "text",
    ["a" * 99_999 + "@", "%41" * 33_333, "0171-" * 20_000, "a=b&" * 25_000, "x@" + "a." * 50_000],
)
def test_a_long_text_takes_no_longer_than_it_is(text: str) -> None:
    started = datetime.now(UTC)
    redacted(text)
    assert (datetime.now(UTC) - started).total_seconds() < 10


@pytest.mark.parametrize("times", [3, 40, 400, 4_000])
def test_a_text_as_deep_as_it_is_long_is_cut_short_and_never_raises(times: int) -> None:
    address = "ada@mail.example"
    nested = {
        "parameters": "https://x.example/?a=" + "%3Fb%3D" * times + address,
        "percent": "%" + "25" * times + "40" + address,
        "objects": '{"a":' * times + f'"{address}"' + "}" * times,
        "lists": "[" * times + f'"{address}"' + "]" * times,
    }
    for kind, text in nested.items():
        for clean in (redacted, without_emails):
            assert address not in clean(text), kind
