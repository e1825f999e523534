"""AdAttributionKit: postbacks are verified and land beside SKAdNetwork's; what can't be is NULL."""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipelines.contracts import load_contracts
from pipelines.landing.ingest import ingest_account
from pipelines.sandbox.platforms.skan.postbacks import sign, sign_jws
from pipelines.source_settings import SkanSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.skan import jws
from pipelines.sources.skan.signature import load_key
from pipelines.sources.skan.source import SkanSource
from pipelines.warehouse.duckdb import DuckDBWarehouse

DAY = date(2026, 6, 10)
KEY = ec.derive_private_key(7, ec.SECP256R1())
# the example of Apple's "Identifying the parameters in a postback", and the key of its
# "Verifying a postback" that signed it: of the developer settings
EXAMPLE: dict[str, Any] = {
    "jws-string": "eyJraWQiOiJhcHBsZS1kZXZlbG9wbWVudC1pZGVudGlmaWVyXC8xIiwiYWxnIjoiRVMyNTYifQ.eyJwb3N0YmFjay1pZGVudGlmaWVyIjoiODU1NDZFQjctRkQzOS00NEJDLTg5OTAtQzk4QTRBQzM2QTQ5IiwicHVibGlzaGVyLWl0ZW0taWRlbnRpZmllciI6MCwibWFya2V0cGxhY2UtaWRlbnRpZmllciI6ImNvbS5hcHBsZS5BcHBTdG9yZSIsImltcHJlc3Npb24tdHlwZSI6ImFwcC1pbXByZXNzaW9uIiwiYWQtbmV0d29yay1pZGVudGlmaWVyIjoiZGV2ZWxvcG1lbnQuYWRhdHRyaWJ1dGlvbmtpdCIsImRpZC13aW4iOnRydWUsInBvc3RiYWNrLXNlcXVlbmNlLWluZGV4IjowLCJjb252ZXJzaW9uLXR5cGUiOiJyZS1lbmdhZ2VtZW50Iiwic291cmNlLWlkZW50aWZpZXIiOiIxMjM0IiwiYWR2ZXJ0aXNlZC1pdGVtLWlkZW50aWZpZXIiOjEwNzM4MDI3NzU2fQ.bAdNwKd6OfHK9tofvjjua4X_JPcFTxXPQSspD9gZkinw97pY7R1aI-LSjl-oxZZF3_K2H5JK5TSEBee4_1U4oQ",  # noqa: E501
    "conversion-value": 24,
    "ad-interaction-type": "click",
    "country-code": "US",
}
DEVELOPER_SETTINGS_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YzdO7eM97s/IJ25kdW5CZ3A14US
E5IJ5Ha/vhWaxI6UBI1ZxCEvjrKxVluVGe6qWwF1BDFq+QHqKfH5u+wxHQ==
-----END PUBLIC KEY-----
"""
PAYLOAD: dict[str, Any] = {
    "postback-identifier": "3f50fe57-29ae-4861-8c0b-ac6adddff72c",
    "postback-sequence-index": 0,
    "source-identifier": "0839",
    "advertised-item-identifier": 684939,
    "publisher-item-identifier": 5838492,
    "ad-network-identifier": "example.adattributionkit",
    "marketplace-identifier": "com.apple.AppStore",
    "impression-type": "app-impression",
    "conversion-type": "redownload",
    "did-win": True,
}
SKADNETWORK: dict[str, Any] = {
    "version": "4.0",
    "ad-network-id": "example.skadnetwork",
    "source-identifier": "5239",
    "app-id": 684939,
    "transaction-id": "6aafb7a5-0170-41b5-bbe4-fe71dedf1e30",
    "redownload": False,
    "fidelity-type": 1,
    "did-win": True,
    "postback-sequence-index": 0,
}
Receive = Callable[..., SkanSource]


def _aak(payload: dict[str, Any] = PAYLOAD, **unsigned: Any) -> dict[str, Any]:
    return {"jws-string": sign_jws(payload, KEY), **unsigned}


def _skan(fields: dict[str, Any] = SKADNETWORK, **unsigned: Any) -> dict[str, Any]:
    return {**fields, "attribution-signature": sign(fields, KEY), **unsigned}


@pytest.fixture
def receive(tmp_path: Path) -> Receive:
    """A source over postbacks received on a day, and a key in Apple's place or none."""

    def receive_(*bodies: dict[str, Any], pem: bytes | None = b"") -> SkanSource:
        folder = tmp_path / "postbacks"
        folder.mkdir(exist_ok=True)
        lines = [
            json.dumps({"received_at": f"{DAY}T12:{i:02d}:00Z", "body": body})
            for i, body in enumerate(bodies)
        ]
        (folder / f"{DAY}.ndjson").write_text("\n".join([*lines, ""]))
        public = KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        path = tmp_path / "key.pem"
        path.write_bytes(pem or public)
        return SkanSource(
            SkanSettings(advertiser_id="app", path=folder, public_key=None if pem is None else path)
        )

    return receive_


def _pull(source: SkanSource) -> Batch:
    (batch,) = source.pull("app", Window(DAY, DAY))
    return batch


def test_apples_own_example_is_verified_and_lands_as_the_re_engagement_that_it_is(
    receive: Receive,
) -> None:
    batch = _pull(receive(EXAMPLE, pem=DEVELOPER_SETTINGS_KEY))
    (row,) = batch.rows.to_pylist()
    assert (batch.refused_rows, batch.dropped_rows, batch.note) == (0, 0, "")
    assert {name: value for name, value in row.items() if value is not None} == {
        "advertiser_id": "app",
        "received_date": DAY,
        "received_at": datetime(2026, 6, 10, 12, tzinfo=UTC),
        "framework": "adattributionkit",
        "transaction_id": "85546EB7-FD39-44BC-8990-C98A4AC36A49",
        "postback_sequence_index": 0,
        "ad_network_id": "development.adattributionkit",
        "source_identifier": "1234",
        "app_id": "10738027756",
        "did_win": True,
        "conversion_value": 24,
        "conversion_day_first": 0,
        "conversion_day_last": 2,
        "conversion_type": "re-engagement",
        "ad_interaction_type": "click",
        "impression_type": "app-impression",
        "marketplace_id": "com.apple.AppStore",
        "country_code": "US",
    }


def test_with_apples_key_a_development_postback_is_refused_as_what_it_is(
    receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        batch = _pull(receive(EXAMPLE, pem=None))
    assert (len(batch.rows), batch.refused_rows, batch.dropped_rows) == (0, 1, 0)
    assert "1 postback refused: it is a development postback of AdAttributionKit" in caplog.text


def test_both_frameworks_land_in_one_table_each_postback_once(receive: Receive) -> None:
    second = _aak({**PAYLOAD, "postback-sequence-index": 1, "source-identifier": "39"})
    bodies = [
        *(_skan(), _aak(**{"conversion-value": 5}), second),
        *(_skan(), _aak(**{"conversion-value": 6}), _aak(**{"country-code": "DE"})),
    ]
    rows = _pull(receive(*bodies)).rows.to_pylist()
    shown = ("framework", "postback_sequence_index", "conversion_type", "redownload")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        ("skadnetwork", 0, "download", False),
        ("adattributionkit", 0, "redownload", True),
        ("adattributionkit", 1, "redownload", True),
    ]
    assert [row["conversion_value"] for row in rows] == [None, 5, None]
    assert [row["source_identifier"] for row in rows] == ["5239", "0839", "39"]


def test_a_field_that_nobody_knows_is_drift_signed_or_not(receive: Receive) -> None:
    payload = {**PAYLOAD, "conversion-tag": "t1"}
    rows = _pull(receive(_aak(payload, **{"privacy-tier": 3}))).rows
    assert (rows["conversion-tag"].to_pylist(), rows["privacy-tier"].to_pylist()) == (["t1"], ["3"])


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_HEAD, _BODY, _SIGNATURE = sign_jws(PAYLOAD, KEY).split(".")
_STRANGER = ec.derive_private_key(8, ec.SECP256R1())
_NOT_SIGNED = "its jws-string is not signed with Apple's key"
_NOT_ES256 = "its jws-string isn't signed as Apple signs"
FORGED = [
    (sign_jws(PAYLOAD, _STRANGER), _NOT_SIGNED),
    (f"{_HEAD}.{_encoded(PAYLOAD | {'did-win': False})}.{_SIGNATURE}", _NOT_SIGNED),
    (f"{_HEAD}.{_BODY}.{'A' * 86}", _NOT_SIGNED),
    (f"{_HEAD}.{_BODY}.{_SIGNATURE[:-4]}", _NOT_SIGNED),
    (f"{_HEAD}.{_BODY}.AAAA", _NOT_SIGNED),
    (f"{_encoded({'alg': 'none', 'kid': jws.PRODUCTION_KEY_ID})}.{_BODY}.AA", _NOT_ES256),
    (f"{_encoded({'alg': 'HS256'})}.{_BODY}.{_SIGNATURE}", _NOT_ES256),
    (sign_jws(PAYLOAD, KEY, crit=["b64"], b64=False), _NOT_ES256),
    (f"{_HEAD}.{_BODY}", "no compact JWS"),
    (f"{_HEAD}..{_SIGNATURE}", "no compact JWS"),
    (f"{_HEAD}.{_encoded([1])}.{_SIGNATURE}", "no compact JWS"),
    ("", "no compact JWS"),
    (None, "no compact JWS"),
    ({"alg": "ES256"}, "no compact JWS"),
]


@pytest.mark.parametrize(("text", "why"), FORGED)
def test_what_apples_key_did_not_sign_is_refused_and_says_why(
    receive: Receive, caplog: pytest.LogCaptureFixture, text: object, why: str
) -> None:
    with caplog.at_level(logging.WARNING):
        batch = _pull(receive({"jws-string": text, "conversion-value": 1}, _skan()))
    assert (len(batch.rows), batch.refused_rows, batch.dropped_rows) == (1, 1, 0)
    assert "1 postback refused: " in caplog.text
    assert why in caplog.text
    assert "attribution-signature" not in caplog.text


def test_no_byte_of_a_signed_postback_can_be_changed() -> None:
    key, whole = KEY.public_key(), sign_jws(PAYLOAD, KEY)
    assert jws.problem(whole, key, any_key_id=False) is None
    for part in range(3):
        parts = whole.split(".")
        content = urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4))
        for at in range(0, len(content), 3):
            changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            parts[part] = urlsafe_b64encode(changed).decode().rstrip("=")
            assert jws.problem(".".join(parts), key, any_key_id=False)


def test_a_key_of_another_name_counts_only_in_apples_place(receive: Receive) -> None:
    text = sign_jws(PAYLOAD, KEY, kid="house/1")
    assert jws.problem(text, KEY.public_key(), any_key_id=True) is None
    problem = jws.problem(text, KEY.public_key(), any_key_id=False)
    assert problem == "its jws-string names a key that isn't known"
    assert jws.problem(sign_jws(PAYLOAD, KEY), load_key(None), any_key_id=False) == _NOT_SIGNED
    assert len(_pull(receive({"jws-string": text})).rows) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"postback-identifier": None},
        {"ad-network-identifier": ""},
        {"advertised-item-identifier": None},
        {"did-win": "yes"},
        {"postback-sequence-index": 3},
        {"postback-sequence-index": None},
    ],
)
def test_a_signed_payload_that_lacks_what_apple_sends_is_refused(
    receive: Receive, change: dict[str, Any]
) -> None:
    batch = _pull(receive(_aak({**PAYLOAD, **change})))
    assert (len(batch.rows), batch.refused_rows) == (0, 1)


_FIRST: dict[str, Any] = {}
_LATER = {"postback-sequence-index": 1}
IMPOSSIBLE = [
    (_FIRST, {"conversion-value": 63}, (63, None), None),
    (_FIRST, {"conversion-value": "24"}, (24, None), None),
    (_FIRST, {"coarse-conversion-value": "low"}, (None, "low"), None),
    (_LATER, {"coarse-conversion-value": "high"}, (None, "high"), None),
    (_FIRST, {"conversion-value": 64}, (None, None), "none of 0 to 63"),
    (_FIRST, {"conversion-value": -1}, (None, None), "none of 0 to 63"),
    (_FIRST, {"conversion-value": 7.5}, (None, None), "none of 0 to 63"),
    (_FIRST, {"conversion-value": True}, (None, None), "none of 0 to 63"),
    (_FIRST, {"conversion-value": {"a": 1}}, (None, None), "none of 0 to 63"),
    (_FIRST, {"coarse-conversion-value": "huge"}, (None, None), "none of low, medium, high"),
    (_FIRST, {"coarse-conversion-value": 1}, (None, None), "none of low, medium, high"),
    (_LATER, {"conversion-value": 5}, (None, None), "after the first postback"),
    (_FIRST, {"conversion-value": 0, "coarse-conversion-value": "low"}, (None, None), "at once"),
    (_LATER, {"conversion-value": 5, "coarse-conversion-value": "low"}, (None, None), "at once"),
    (
        _LATER,
        {"conversion-value": 99, "coarse-conversion-value": "low"},
        (None, "low"),
        "none of 0 to 63",
    ),
]


@pytest.mark.parametrize("make", [_skan, _aak], ids=["skadnetwork", "adattributionkit"])
@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_value_that_apple_does_not_send_is_null_and_counted_and_its_postback_lands(
    receive: Receive,
    caplog: pytest.LogCaptureFixture,
    make: Callable[..., dict[str, Any]],
    case: tuple[dict[str, Any], dict[str, Any], tuple[int | None, str | None], str | None],
) -> None:
    fields, unsigned, wanted, why = case
    signed = {_skan: SKADNETWORK, _aak: PAYLOAD}[make]
    with caplog.at_level(logging.WARNING):
        batch = _pull(receive(make({**signed, **fields}, **unsigned)))
    (row,) = batch.rows.to_pylist()
    assert (row["conversion_value"], row["coarse_conversion_value"]) == wanted
    assert (batch.refused_rows, bool(batch.note)) == (0, why is not None)
    assert why is None or f"{why} (" in caplog.text
    assert why is None or f"{DAY}.ndjson line 1" in caplog.text


@pytest.mark.parametrize("make", [_skan, _aak], ids=["skadnetwork", "adattributionkit"])
@pytest.mark.parametrize("identifier", ["1", "12345", "12a", "٣٩", " 39", ""])
def test_a_source_identifier_that_is_not_two_to_four_digits_is_null(
    receive: Receive, make: Callable[..., dict[str, Any]], identifier: str
) -> None:
    signed = {_skan: SKADNETWORK, _aak: PAYLOAD}[make]
    batch = _pull(receive(make({**signed, "source-identifier": identifier})))
    assert batch.rows["source_identifier"].to_pylist() == [None]
    assert batch.note == "1 value that Apple doesn't send: NULL (see the log)"


def test_other_values_that_can_not_be_are_null_too(receive: Receive) -> None:
    kind = {**PAYLOAD, "conversion-type": "visit", "publisher-item-identifier": 0}
    old = {k: v for k, v in SKADNETWORK.items() if "source" not in k and "postback" not in k}
    old |= {"version": "3.0", "campaign-id": 42}
    bodies = [
        _aak(kind, **{"ad-interaction-type": "tap", "country-code": "Germany"}),
        _skan(old, **{"coarse-conversion-value": "low"}),
    ]
    batch = _pull(receive(*bodies))
    shown = ("conversion_type", "ad_interaction_type", "country_code", "source_app_id")
    first, second = batch.rows.to_pylist()
    assert [first[name] for name in shown] == [None] * 4
    assert (second["coarse_conversion_value"], second["conversion_day_first"]) == (None, None)
    assert batch.note.startswith("4 values")


@pytest.mark.slow
def test_what_is_refused_is_not_said_to_lack_consent_and_null_values_are_told(
    receive: Receive, tmp_path: Path
) -> None:
    source = receive(_aak(**{"conversion-value": 64}), {"jws-string": "a.b.c"}, {"junk": 1})
    warehouse = DuckDBWarehouse(tmp_path / "w.duckdb")
    warehouse.create_tables(load_contracts().values())
    now = datetime(2026, 6, 12, tzinfo=UTC)
    said = str(ingest_account(warehouse, source, "app", now=now, start=DAY, end=DAY))
    assert said == (
        "1 of 1 batches published, 1 rows, 0 restated, "
        "2 refused (not the platform's: see the log); "
        "1 value that Apple doesn't send: NULL (see the log)"
    )
    again = str(ingest_account(warehouse, source, "app", now=now, start=DAY, end=DAY))
    assert "0 of 1 batches published" in again
    rows = warehouse.query("SELECT framework, conversion_value FROM raw.skan_postbacks").to_pylist()
    assert rows == [{"framework": "adattributionkit", "conversion_value": None}]
    (dropped,) = warehouse.query("SELECT dropped_rows FROM raw.load_ledger")["dropped_rows"]
    assert dropped.as_py() == 2
