"""SKAdNetwork postbacks: Apple's own examples verify, and every fault is survived."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.contracts import load_contract
from pipelines.errors import ConfigError, InputError, SourceRejected, SourceUnavailable
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.platforms.skan.postbacks import (
    ADVERTISER_ID,
    BREAKING,
    FAULTS,
    SkanPostbacks,
)
from pipelines.sandbox.serving.clock import Clock
from pipelines.source_settings import SkanSettings
from pipelines.sources.base import Batch, Window
from pipelines.sources.skan.signature import is_signed, load_key, signed_text
from pipelines.sources.skan.source import SkanSource
from tests.wire.conftest import TODAY

LAST = TODAY - timedelta(days=1)
SHARED = {
    "ad-network-id": "com.example",
    "app-id": 525463029,
    "transaction-id": "6aafb7a5-0170-41b5-bbe4-fe71dedf1e28",
    "fidelity-type": 1,
}
# the examples of Apple's "Verifying an install-validation postback"
APPLE: list[dict[str, Any]] = [
    {
        **SHARED,
        "version": "4.0",
        "source-identifier": "5239",
        "transaction-id": "6aafb7a5-0170-41b5-bbe4-fe71dedf1e30",
        "redownload": False,
        "source-domain": "example.com",
        "did-win": True,
        "conversion-value": 63,
        "postback-sequence-index": 0,
        "attribution-signature": (
            "MEUCIGRmSMrqedNu6uaHyhVcifs118R5z/AB6cvRaKrRRHWR"
            "AiEAv96ne3dKQ5kJpbsfk4eYiePmrZUU6sQmo+7zfP/1Bxo="
        ),
    },
    {
        **SHARED,
        "version": "3.0",
        "ad-network-id": "example123.skadnetwork",
        "campaign-id": 42,
        "redownload": True,
        "source-app-id": 1234567891,
        "did-win": True,
        "attribution-signature": (
            "MEYCIQD5eq3AUlamORiGovqFiHWI4RZT/PrM3VEiXUrsC+M5"
            "1wIhAPMANZA9c07raZJ64gVaXhB9+9yZj/X6DcNxONdccQij"
        ),
    },
    {
        **SHARED,
        "version": "3.0",
        "ad-network-id": "example123.skadnetwork",
        "campaign-id": 42,
        "transaction-id": "f9ac267a-a889-44ce-b5f7-0166d11461f0",
        "redownload": True,
        "did-win": False,
        "attribution-signature": (
            "MEUCIQDDetUtkyc/MiQvVJ5I6HIO1E7l598572Wljot2Onzd"
            "4wIgVJLzVcyAV+TXksGNoa0DTMXEPgNPeHCmD4fw1ABXX0g="
        ),
    },
    {
        **SHARED,
        "version": "2.2",
        "campaign-id": 42,
        "redownload": True,
        "source-app-id": 1234567891,
        "conversion-value": 20,
        "attribution-signature": (
            "MEYCIQDTuQ1Z4Tpy9D3aEKbxLl5J5iKiTumcqZikuY/AOD2U"
            "7QIhAJAaiAv89AoquHXJffcieEQXdWHpcV8ZgbKN0EwV9/sY"
        ),
    },
]
DAY = date(2026, 6, 10)
Receive = Callable[..., SkanSource]


@pytest.fixture
def postbacks(market: Market, tmp_path: Path) -> SkanPostbacks:
    return SkanPostbacks(market, Clock(TODAY), tmp_path / "skan")


@pytest.fixture
def receive(tmp_path: Path) -> Receive:
    """A source over Apple's key and files of hand-written lines, by day."""

    def receive_(**days: list[dict[str, Any]]) -> SkanSource:
        for name, lines in days.items():
            day = name.removeprefix("_").replace("_", "-")
            (tmp_path / f"{day}.ndjson").write_text("".join(json.dumps(x) + "\n" for x in lines))
        return SkanSource(SkanSettings(advertiser_id=ADVERTISER_ID, path=tmp_path))

    return receive_


def _source(postbacks: SkanPostbacks) -> SkanSource:
    return SkanSource(
        SkanSettings(
            advertiser_id=ADVERTISER_ID, path=postbacks.folder, public_key=postbacks.public_key
        )
    )


def _pull(source: SkanSource, start: date, end: date) -> Batch:
    (batch,) = source.pull(ADVERTISER_ID, Window(start, end))
    return batch


def _booked(batch: Batch, postbacks: SkanPostbacks) -> bool:
    books = postbacks.books()
    rows = batch.rows.select(books.column_names)
    return bool(rows.sort_by([(n, "ascending") for n in rows.column_names]).equals(books))


def _at(day: date, **body: Any) -> dict[str, Any]:
    return {"received_at": f"{day}T12:00:00Z", "body": {**APPLE[0], **body}}


@pytest.mark.parametrize("postback", APPLE, ids=lambda p: f"{p['version']}-{p.get('did-win')}")
def test_apples_own_examples_verify_and_an_altered_field_does_not(postback: dict[str, Any]) -> None:
    key = load_key(None)
    assert is_signed(postback, key)
    for field in set(postback) - {"conversion-value", "attribution-signature"}:
        assert not is_signed({**postback, field: "9"}, key), field
    assert is_signed({**postback, "conversion-value": 1}, key)


def test_a_field_that_holds_the_separator_is_not_taken_for_two() -> None:
    # the same bytes, with another transaction id
    moved = {k: v for k, v in APPLE[3].items() if k != "source-app-id"}
    moved |= {"transaction-id": f"{SHARED['transaction-id']}\u2063true", "redownload": 1234567891}
    assert signed_text(moved) is None
    assert not is_signed(moved, load_key(None))


def test_every_postback_lands_once_and_reconciles(postbacks: SkanPostbacks) -> None:
    assert len(postbacks.write()) == 40
    batch = _pull(_source(postbacks), TODAY - timedelta(days=200), LAST)
    assert batch.window == Window(postbacks.first_day, LAST)
    assert _booked(batch, postbacks)
    assert (batch.refused_rows, batch.note) == (0, "")
    assert set(batch.rows["conversion_type"].to_pylist()) == {
        *("download", "redownload", "re-engagement"),
    }
    wanted = load_contract("raw.skan_postbacks").arrow_schema
    assert set(wanted.names) - set(batch.rows.column_names) == {"_extra", "_run_id"}
    for name in batch.rows.column_names:
        assert batch.rows[name].type == wanted.field(name).type
    assert postbacks.write() == []  # the same seed, the same bytes


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - BREAKING))
def test_a_survivable_fault_leaves_every_postback_once(
    postbacks: SkanPostbacks, fault: str
) -> None:
    postbacks.faults.switch_on(fault)
    postbacks.write()
    source = _source(postbacks)
    assert _booked(_pull(source, postbacks.first_day, LAST), postbacks)
    # and in two windows as in one, though re-sent from the one into the other
    middle = LAST - timedelta(days=4)
    parts = [
        _pull(source, postbacks.first_day, middle).rows,
        _pull(source, middle + timedelta(days=1), LAST).rows,
    ]
    assert sum(len(part) for part in parts) == len(postbacks.books())


def test_forged_postbacks_are_counted_and_named_and_never_landed(
    postbacks: SkanPostbacks, caplog: pytest.LogCaptureFixture
) -> None:
    postbacks.faults.switch_on("forged_signature")
    postbacks.write()
    with caplog.at_level(logging.WARNING):
        batch = _pull(_source(postbacks), LAST, LAST)
    assert (batch.refused_rows, batch.dropped_rows) == (4, 0)
    assert "2 postbacks refused: its attribution-signature is not Apple's" in caplog.text
    assert "1 postback refused: its jws-string is not signed with Apple's key" in caplog.text
    assert "1 postback refused: it is neither SKAdNetwork's nor" in caplog.text
    assert f"{LAST}.ndjson line " in caplog.text
    # with Apple's own key, every one of the sandbox's is forged
    apple = SkanSource(SkanSettings(advertiser_id=ADVERTISER_ID, path=postbacks.folder))
    assert len(_pull(apple, LAST, LAST).rows) == 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truncated_file", r"ndjson\.gz is not a whole gzip file"),
        ("half_line", r"ndjson line \d+ is not JSON \(the file ends in the middle of it\)"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_handed_on(
    postbacks: SkanPostbacks, fault: str, message: str
) -> None:
    postbacks.faults.switch_on(fault)
    postbacks.write()
    batches = _source(postbacks).pull(ADVERTISER_ID, Window(postbacks.first_day, LAST))
    with pytest.raises(InputError, match=message):
        next(batches)
    assert fault in postbacks.faults.breaking


@pytest.mark.parametrize("fault", ["missing_column", "wrong_type"])
def test_a_line_that_is_no_reception_is_set_aside(postbacks: SkanPostbacks, fault: str) -> None:
    postbacks.faults.switch_on(fault)
    postbacks.write()
    (one,) = _pull(_source(postbacks), postbacks.first_day, LAST).unreadable
    assert one.key["file"].startswith(str(LAST))
    assert (one.why.split(" (")[0], one.day) == ("received_at is not an instant", LAST)


def test_a_postback_sent_again_after_the_window_stays_in_the_slice_it_first_came_in(
    receive: Receive,
) -> None:
    days = [DAY + timedelta(days=i) for i in range(10)]
    files = {f"_{d:%Y_%m_%d}": [_at(d)] if d in {days[0], days[9]} else [] for d in days}
    source = receive(**files)
    assert len(_pull(source, days[0], days[2]).rows) == 1
    assert len(_pull(source, days[7], days[9]).rows) == 0
    assert _pull(source, days[0], days[9]).rows["received_date"].to_pylist() == [DAY]


def test_a_replay_with_other_types_or_values_is_not_another_postback(receive: Receive) -> None:
    first = {**APPLE[0], "received_at": "2026-06-10T01:30:00+02:00"}
    replays = [
        _at(DAY, **{"postback-sequence-index": "0", "redownload": "false", "conversion-value": 1}),
        _at(DAY, **{"transaction-id": "other"}),
        _at(DAY, **{"conversion-value": 64}),
        _at(DAY, **{"coarse-conversion-value": "huge"}),
    ]
    source = receive(_2026_06_09=[], _2026_06_10=[*replays, first])
    batch = _pull(source, DAY - timedelta(days=1), DAY)
    (row,) = batch.rows.to_pylist()
    assert batch.refused_rows == 1
    # received on the 9th in UTC, though its line is in the file of the 10th
    assert row["received_at"] == datetime(2026, 6, 9, 23, 30, tzinfo=UTC)
    assert (row["source_identifier"], row["conversion_value"], row["redownload"]) == (
        *("5239", 63),
        False,
    )
    assert (row["conversion_day_first"], row["conversion_day_last"]) == (0, 2)


def test_a_whole_number_may_have_a_decimal_point(receive: Receive) -> None:
    posted = _at(DAY, **{"conversion-value": 63.0, "app-id": float(str(APPLE[0]["app-id"]))})
    (row,) = _pull(receive(_2026_06_10=[posted]), DAY, DAY).rows.to_pylist()
    assert (row["conversion_value"], row["app_id"]) == (63, str(APPLE[0]["app-id"]))


def test_a_network_that_did_not_win_has_no_conversion_value(receive: Receive) -> None:
    lost = {**APPLE[2], "conversion-value": 7, "received_at": f"{DAY}T12:00:00Z"}
    batch = _pull(receive(_2026_06_10=[lost]), DAY, DAY)
    (row,) = batch.rows.to_pylist()
    assert (row["did_win"], row["conversion_value"], row["campaign_id"]) == (False, None, "42")
    assert batch.note == "1 value that Apple doesn't send: NULL (see the log)"


def test_a_body_that_was_kept_as_text_is_read(receive: Receive) -> None:
    line = _at(DAY)
    source = receive(_2026_06_10=[line | {"body": json.dumps(line["body"])}])
    batch = _pull(source, DAY, DAY)
    assert (len(batch.rows), batch.refused_rows) == (1, 0)


def test_an_unknown_field_is_drift(receive: Receive) -> None:
    source = receive(_2026_06_10=[_at(DAY, **{"new-field": "US"})])
    assert _pull(source, DAY, DAY).rows["new-field"].to_pylist() == ["US"]


def test_a_day_without_a_file_is_unavailable_and_one_without_lines_is_empty(
    receive: Receive, tmp_path: Path
) -> None:
    source = receive(_2026_06_10=[], _2026_06_12=[_at(DAY)])
    empty = _pull(source, DAY, DAY)
    assert (len(empty.rows), empty.dropped_rows) == (0, 0)
    assert isinstance(empty.rows, pa.Table)
    with pytest.raises(SourceUnavailable, match="has no file for 2026-06-11"):
        _pull(source, DAY, DAY + timedelta(days=2))
    # before the collection began there is nothing to say
    before = Window(DAY - timedelta(days=9), DAY - timedelta(days=1))
    assert list(source.pull(ADVERTISER_ID, before)) == []
    nowhere = SkanSource(SkanSettings(advertiser_id="a", path=tmp_path / "nowhere"))
    with pytest.raises(SourceUnavailable, match=r"skan, account a: .*nowhere can't be read"):
        list(nowhere.pull("a", before))


def test_another_account_or_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    settings = SkanSettings(advertiser_id="a", path=tmp_path)
    with pytest.raises(SourceRejected, match=r"no account b; adcanary.yaml has a"):
        SkanSource(settings).account("b")
    with pytest.raises(ConfigError, match="no public key can be read"):
        SkanSource(settings.model_copy(update={"public_key": tmp_path / "key.pem"}))
