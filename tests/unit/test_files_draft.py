"""An export without a mapping gets a draft to correct; what the documentation shows is usable."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.errors import ConfigError, InputError, UsageError
from pipelines.sources.files.ads.mapping import AdsMapping
from pipelines.sources.files.calendar_events.mapping import CalendarMapping
from pipelines.sources.files.draft import write_draft
from pipelines.sources.files.experiments.mapping import ExperimentsMapping
from pipelines.sources.files.ga4_report.mapping import Ga4ReportMapping
from pipelines.sources.files.mapping import FileMapping
from pipelines.sources.files.media_plans.mapping import MediaPlanMapping
from pipelines.sources.files.orders.mapping import OrdersMapping
from pipelines.sources.files.source import load_mapping
from tests.unit.exports import landed, spent

DOCS = (Path(__file__).parents[2] / "docs" / "files.md").read_text()
READY = Path(__file__).parents[2] / "infra" / "mappings"
GERMAN = (
    "Kampagnenbericht\n1.–2. Dezember 2025\n"
    "Tag\tKampagnen-ID\tKampagne\tKampagnenstatus\tWährungscode\tImpr.\tKlicks\tKosten\tConversions\n"
    "01.12.2025\t811\tSkihelme\tAktiviert\tEUR\t1.250\t31\t1.204,50 €\t2,00\n"
    "02.12.2025\t811\tSkihelme\tAktiviert\tEUR\t980\t22\t19,90 €\t1,50\n"
    "Gesamt: Konto\t\t\t\tEUR\t2.230\t53\t1.224,40 €\t3,50\n"
)
FILL = {"account_id: {constant: TODO}": "account_id: {constant: 555-000-1111}"}


def drafted(tmp_path: Path, content: bytes, platform: str | None) -> tuple[Path, str]:
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    draft = write_draft(path, platform)
    return draft, draft.read_text()


def test_a_draft_is_not_usable_before_a_person_has_completed_it(tmp_path: Path) -> None:
    draft, text = drafted(tmp_path, GERMAN.encode("utf-16"), "google")
    with pytest.raises(ConfigError):
        load_mapping(draft)
    for line, value in (FILL | {"time_zone: TODO": "time_zone: Europe/Berlin"}).items():
        assert line in text
        text = text.replace(line, value)
    mapping: dict[str, Any] = yaml.safe_load(text)
    table = landed(tmp_path / "export.csv", GERMAN.encode("utf-16"), **mapping)
    assert (len(table), spent(table)) == (2, 1_224_400_000)


def test_a_draft_says_what_it_has_seen(tmp_path: Path) -> None:
    _, text = drafted(tmp_path, GERMAN.encode("utf-16"), "google")
    draft = yaml.safe_load(text)
    assert draft["platform"] == "google_ads"
    assert (draft["encoding"], draft["header_row"], draft["delimiter"]) == ("utf-16", 3, "tab")
    assert (draft["decimal"], draft["thousands"], draft["strip"]) == (",", ".", ["€"])
    assert draft["date"] == {"column": "Tag", "format": "%d.%m.%Y"}
    assert draft["leave_out"] == [{"column": "Tag", "starts_with": "Gesamt"}]
    assert draft["status"]["campaign"]["values"] == {"Aktiviert": "ENABLED"}


@pytest.mark.parametrize(
    ("name", "cell", "grain"), [("Monat", "2025-12", "month"), ("Week", "2025-12-01", "week")]
)
def test_a_draft_of_weeks_or_months_says_so(
    tmp_path: Path, name: str, cell: str, grain: str
) -> None:
    _, text = drafted(tmp_path, f"{name},Impr.\n{cell},12\n".encode(), "google")
    draft = yaml.safe_load(text)
    assert (draft["date"]["column"], draft["grain"], draft["spread"]) == (name, grain, "evenly")


def test_a_draft_sees_an_encoding_that_shows_late(tmp_path: Path) -> None:
    plain = "Tag,Impr.\n" + "2025-12-01,12\n" * 90_000
    _, text = drafted(tmp_path, (plain + "Köln,1\n").encode("cp1252"), "google")
    assert yaml.safe_load(text)["encoding"] == "cp1252"


def test_a_file_of_columns_that_nobody_knows_gets_a_draft_of_questions(tmp_path: Path) -> None:
    _, text = drafted(tmp_path, b"foo,bar\n1,2\n", None)
    assert "platform: TODO" in text
    assert "  campaign_id: TODO" in text
    assert "The file's columns: foo, bar" in text


@pytest.mark.parametrize(
    ("column", "field", "value"),
    [
        ("Purchases Value", "conversion_value", "Purchases Value"),
        ("Total order value (Checkout)", "conversion_value", "Total order value (Checkout)"),
        ("Conversion-Wert von Käufen", "conversion_value", "Conversion-Wert von Käufen"),
        ("Valor de las compras", "conversion_value", "TODO"),
        ("Umsatz (brutto)", "conversion_value", "TODO"),
        ("Reach", "conversion_value", "absent"),
        ("Total conversions (Checkout)", "conversions", "Total conversions (Checkout)"),
        ("Achats sur le site", "conversions", "TODO"),
        ("Reach", "conversions", "absent"),
        ("Outbound clicks", "clicks", "Outbound clicks"),
    ],
)
def test_a_draft_takes_for_absent_only_what_no_column_resembles(
    tmp_path: Path, column: str, field: str, value: str
) -> None:
    _, text = drafted(tmp_path, f"Day,Campaign ID,{column}\n2025-12-01,1,2\n".encode(), None)
    assert yaml.safe_load(text)["columns"][field] == value


def test_a_draft_names_the_ready_mapping_that_reads_the_file(tmp_path: Path) -> None:
    mapping = load_mapping(READY / "snapchat_ads.yaml")
    assert isinstance(mapping, AdsMapping)
    header = ",".join(mapping.used_columns())
    note = "# infra/mappings/snapchat_ads.yaml reads this form: use it instead\n"
    (tmp_path / "all").mkdir()
    (tmp_path / "some").mkdir()
    assert drafted(tmp_path / "all", f"{header}\n".encode(), None)[1].startswith(note)
    some = header.replace("Purchases Value", "Reach")
    assert "reads this form" not in drafted(tmp_path / "some", f"{some}\n".encode(), None)[1]


@pytest.mark.parametrize("content", [b'[{"day": 1}]', bytes(range(200))], ids=["json", "bytes"])
def test_what_is_no_table_gets_no_draft(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"is (JSON|binary)"):
        drafted(tmp_path, content, None)
    assert [path.name for path in tmp_path.iterdir()] == ["export.csv"]


def test_a_draft_does_not_overwrite_what_was_corrected(tmp_path: Path) -> None:
    drafted(tmp_path, b"foo,bar\n1,2\n", None)
    with pytest.raises(UsageError, match="a mapping beside the file already"):
        write_draft(tmp_path / "export.csv", None)


def test_the_documented_examples_are_usable_and_name_every_key(tmp_path: Path) -> None:
    example, month, *others = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    path = tmp_path / "mapping.yaml"
    path.write_text(example)
    load_mapping(path)
    path.write_text(yaml.safe_dump(yaml.safe_load(example) | yaml.safe_load(month)))
    mapping = load_mapping(path)
    assert isinstance(mapping, AdsMapping)
    assert mapping.date.ends == "Reporting ends"
    keys = set(yaml.safe_load(example)) | set(yaml.safe_load(month))
    in_prose = {"campaign_totals", "table"}
    assert set(AdsMapping.model_fields) == keys | in_prose
    assert all(key in DOCS for key in in_prose)
    everywhere = {*FileMapping.model_fields, "currency"}
    schemas: tuple[type[FileMapping], ...] = (
        *(OrdersMapping, Ga4ReportMapping, ExperimentsMapping, CalendarMapping, MediaPlanMapping),
    )
    for text, schema in zip(others, schemas, strict=True):
        path.write_text(text)
        assert isinstance(load_mapping(path), schema)
        assert set(schema.model_fields) - everywhere <= set(yaml.safe_load(text))
