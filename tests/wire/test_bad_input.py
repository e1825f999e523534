"""Bad input at the command line: one clear message, the right exit code, nothing lost."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.main import main
from pipelines.warehouse.duckdb import DuckDBWarehouse

pytestmark = pytest.mark.slow

KAG = Path(__file__).parents[2] / "infra" / "mappings" / "meta_kag.yaml"
HEADER = (
    "Date,ad_id,xyz_campaign_id,fb_campaign_id,age,gender,interest,Impressions,Clicks,Spent,"
    "Total_Conversion,Approved_Conversion"
)
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run ``adcanary …`` in an empty folder with a configuration; exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ADCANARY_CONFIG", raising=False)
    (tmp_path / "adcanary.yaml").write_text("warehouse: {lock_timeout_seconds: 1}\n")

    def adcanary(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["adcanary", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out + captured.err

    return adcanary


def export(
    folder: Path, rows: int, bad: dict[int, str] | None = None, header: str = HEADER
) -> Path:
    """A Facebook export; ``bad`` maps a row as a spreadsheet counts it to its date cell."""
    path = folder / "export.csv"
    lines = [header]
    for row in range(2, rows + 2):
        day = (bad or {}).get(row, "17-08-2023")
        lines.append(f"{day},{row},916,103916,30-34,M,15,7350,1,1.43,2,1")
    path.write_text("\n".join(lines) + "\n")
    return path


def ingest(run: Run, path: Path, mapping: Path = KAG) -> tuple[int, str]:
    return run(
        *("ingest", "files", "--platform", "meta"),
        *("--path", str(path), "--mapping", str(mapping)),
    )


def published() -> int:
    spend = DuckDBWarehouse(Path(".adcanary/adcanary.duckdb")).query(
        "SELECT COUNT(*) AS n FROM raw.ads_ad_performance"
    )
    return int(spend["n"][0].as_py())


def test_a_misspelt_key_ends_with_2_and_names_the_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "adcanary.yaml").write_text("warehous: {}\n")
    code, said = run("propose")
    assert code == 2
    assert "line 1: unknown key 'warehous' (did you mean 'warehouse'?)" in said


def test_a_file_of_an_unknown_platform_is_refused_by_name(run: Run, tmp_path: Path) -> None:
    path = export(tmp_path, 1)
    arguments = ("ingest", "files", "--path", str(path), "--mapping", str(KAG))
    code, said = run(*arguments, "--platform", "toy")
    assert code == 2
    assert "toy: no ad platform of" in said.replace("\n", " ")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(KAG.read_text().replace("platform: meta_ads", "platform: meta"))
    code, said = ingest(run, path, mapping)
    assert code == 2
    assert "line 3: 'platform': meta: no ad platform of" in said
    assert "did you mean 'meta_ads'?" in said


def test_an_export_without_a_mapping_gets_a_draft_and_is_not_ingested(
    run: Run, tmp_path: Path
) -> None:
    path = export(tmp_path, 3)
    code, said = run("ingest", "files", "--path", str(path), "--platform", "meta")
    assert code == 2
    assert "nothing was ingested" in said
    draft = path.with_name(f"{path.name}.mapping.yaml")
    assert 'cost: "Spent"' in draft.read_text()
    code, said = ingest(run, path, draft)
    assert code == 2
    assert "not an IANA time zone" in said


def test_bad_dates_name_file_row_and_column_and_keep_what_was_published(
    run: Run, tmp_path: Path
) -> None:
    assert ingest(run, export(tmp_path, 10))[0] == 0
    code, said = ingest(run, export(tmp_path, 5000, bad=dict.fromkeys(range(4711, 4811), "soon")))
    assert code == 1
    assert "export.csv row 4711, column Date: 'soon'" in said
    assert published() == 10


def test_a_bad_date_sets_its_row_aside_and_is_named(run: Run, tmp_path: Path) -> None:
    code, said = ingest(run, export(tmp_path, 500, bad={471: "2023-08-17"}))
    assert code == 0
    assert "export.csv row 471" in said
    assert "column Date is not a day as" in said
    assert published() == 499


def test_a_missing_column_is_named_and_keeps_what_was_published(run: Run, tmp_path: Path) -> None:
    assert ingest(run, export(tmp_path, 10))[0] == 0
    code, said = ingest(run, export(tmp_path, 10, header=HEADER.replace("Spent", "Spend")))
    assert code == 1
    assert "Spent" in said
    assert "Spend" in said
    assert published() == 10


def test_an_unknown_account_names_those_there_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "adcanary.yaml").write_text("sources: {meta_ads: {accounts: [act_1]}}\n")
    os.environ["ADCANARY_META_ACCESS_TOKEN"] = "t"
    try:
        code, said = run("ingest", "meta_ads", "--account", "act_2")
    finally:
        del os.environ["ADCANARY_META_ACCESS_TOKEN"]
    assert code == 2
    assert "'act_2' is not configured (configured: act_1)" in said


def test_an_unreachable_platform_ends_with_3_and_names_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adcanary.yaml").write_text(
        "sources:\n  shopify:\n    shop_id: s\n    url: http://127.0.0.1:9\n    time_zone: UTC\n"
    )
    monkeypatch.setenv("ADCANARY_SHOPIFY_TOKEN", "t")
    monkeypatch.setenv("ADCANARY_HASH_SALT", "s")
    code, said = run("ingest", "shopify")
    assert code == 3
    assert "no usable answer from 127.0.0.1" in said


def test_a_locked_warehouse_is_waited_for_and_then_says_who_holds_it(
    run: Run, tmp_path: Path
) -> None:
    assert ingest(run, export(tmp_path, 3))[0] == 0
    path = tmp_path / ".adcanary" / "adcanary.duckdb"
    script = (
        "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]); "
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        began = time.monotonic()
        code, said = run("query", "SELECT 1 AS one")
        waited = time.monotonic() - began
    finally:
        holder.kill()
        holder.wait()
    assert code == 3
    assert f"process {holder.pid}" in said
    assert waited < 30
    assert run("query", "SELECT 1 AS one") == (0, "one\n1\n")


def test_a_statement_that_writes_is_refused(run: Run, tmp_path: Path) -> None:
    assert ingest(run, export(tmp_path, 3))[0] == 0
    code, said = run("query", "DELETE FROM raw.ads_ad_performance WHERE TRUE")
    assert code == 1
    assert "Only read-only statements (SELECT, WITH) can be run here" in said
    assert published() == 3


def test_a_warehouse_that_is_not_there_yet_says_so(run: Run) -> None:
    code, said = run("proposals", "list", "--format", "json")
    assert code == 1
    assert "There is no warehouse at" in said


def test_a_file_that_is_not_a_warehouse_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".adcanary").mkdir()
    (tmp_path / ".adcanary" / "adcanary.duckdb").write_text("hello")
    code, said = run("query", "SELECT 1 AS one")
    assert code == 1
    assert "isn't a DuckDB file" in said


def test_a_day_in_the_future_sets_its_row_aside(run: Run, tmp_path: Path) -> None:
    assert ingest(run, export(tmp_path, 10))[0] == 0
    code, said = ingest(run, export(tmp_path, 10, bad={5: "15-08-2203"}))
    assert code == 0
    assert "row 5" in said
    assert "not a day that can be" in said
    assert published() == 9


def test_a_number_too_large_for_the_warehouse_is_a_bad_cell(run: Run, tmp_path: Path) -> None:
    path = export(tmp_path, 3)
    path.write_text(path.read_text().replace("1.43", "99999999999999999999"))
    code, said = ingest(run, path)
    assert code == 1
    assert "row 2, column Spent" in said


def test_text_in_brackets_is_shown_as_it_is(run: Run, tmp_path: Path) -> None:
    assert ingest(run, export(tmp_path, 3))[0] == 0
    code, said = run("query", "SELECT '[us] Brand :x: [/]' AS name")
    assert (code, "[us] Brand :x: [/]" in said) == (0, True)


def test_a_day_that_no_job_can_have_evidence_for_ends_with_2(run: Run, tmp_path: Path) -> None:
    assert ingest(run, export(tmp_path, 3))[0] == 0
    assert run("job", "pacing", "--as-of", "9999-12-31")[0] == 2
