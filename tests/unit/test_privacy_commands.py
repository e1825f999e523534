"""``adcanary privacy``: what it prints, what it asks, and that no raw value is left anywhere."""

import json
import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli.privacy import privacy_app
from pipelines.errors import UsageError
from tests.unit import people
from tests.unit.people import fill

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("configured")]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "adcanary.yaml"
    config.write_text("warehouse: {path: w.duckdb}\nnow: 2026-07-01T09:00:00Z\n")
    monkeypatch.setenv("ADCANARY_CONFIG", str(config))
    monkeypatch.setenv("ADCANARY_HASH_SALT", people.SALT)
    monkeypatch.setenv("ADCANARY_USER", "Dee  P. Oh")
    fill(tmp_path / "w.duckdb")


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(privacy_app, list(arguments), input=given)


def test_an_export_has_every_row_of_the_person_and_none_of_others() -> None:
    result = run("export", "--person", "-", "--reason", "t", given=people.ADA_EMAIL + "\n")
    document = json.loads(result.stdout)
    keys = {row["event_key"] for row in document["tables"]["raw.ga4_events"]}
    assert keys == {"a1", "a2", "a3", "a4", "t1"}
    assert {r["order_id"] for r in document["tables"]["raw.orders"]} == {"1001", "1002", "1005"}
    assert people.BEN["user"] not in result.stdout
    assert document["shared_ids"] == {"device": 1, "phone": 1, "click": 1}


def test_no_raw_value_is_left_in_the_database_the_output_or_the_logs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "ada.json"
    exported = run("export", "--person", people.ADA_USER, "--out", str(file))
    refused = run("export", "--person", people.ADA_PHONE, "--kind", "email")
    asked = run("erase", "--person", people.ADA_PHONE)
    erased = run("erase", "--person", people.ADA_EMAIL, "--yes", "--format", "json")
    assert [type(r.exception) for r in (exported, refused, asked, erased)] == [
        type(None),
        UsageError,
        UsageError,
        type(None),
    ]
    # without a person to ask it showed what would go, and changed nothing
    assert "raw.ga4_events" in asked.stdout
    assert "Kept: device 1000033" in asked.stdout
    (done,) = json.loads(erased.stdout)
    assert len(done["tables"]) == 13
    results = (exported, refused, asked, erased)
    told = [text for r in results for text in (r.output, str(r.exception))]
    stored = [p.read_bytes() for p in tmp_path.iterdir() if p.name.startswith("w.duckdb")]
    texts = [text.encode() for text in (*told, file.read_text(), caplog.text)] + stored
    assert not [v for v in people.RAW_VALUES for text in texts if v.encode() in text]
    requests = json.loads(run("requests", "--format", "json").stdout)
    lines = [line.split("\t") for line in run("requests").stdout.splitlines()]  # it is piped here
    assert lines[0] == list(requests[0])
    assert [line[0] for line in lines[1:]] == [r["request_id"] for r in requests]
    assert [(r["action"], r["requested_by"], bool(r["proved_at"])) for r in requests] == [
        ("export", "dee p. oh", False),
        ("erase", "dee p. oh", True),
    ]


def test_an_erasure_in_json_without_yes_is_refused() -> None:
    result = run("erase", "--person", people.ADA_PHONE, "--format", "json")
    assert isinstance(result.exception, UsageError)


def test_expiring_tells_rows_by_table() -> None:
    rows = json.loads(run("expire", "--days", "20", "--format", "json").stdout)
    assert {r["table"]: r["rows"] for r in rows}["raw.ga4_events"] == 14
