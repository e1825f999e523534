"""`adcanary query` on DuckDB: what it refuses by name, what it can't reach, how it prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
import yaml
from typer.testing import CliRunner, Result

from pipelines.cli.console import Format, print_rows, visible
from pipelines.cli.main import app
from pipelines.errors import UsageError
from pipelines.warehouse import duckdb_answer, proven
from pipelines.warehouse.duckdb_functions import fingerprint, json_value
from pipelines.warehouse.duckdb_query import proven_sql

GUIDE = Path(__file__).parents[2] / "docs" / "analysts.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    (folder / "adcanary.yaml").write_text("warehouse: {kind: duckdb, path: w.duckdb}\n")
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(folder / "w.duckdb")) as made:
        made.execute("CREATE SCHEMA raw; CREATE TABLE raw.names AS SELECT 'Spring' AS name, 7 AS n")
    return folder


def run(folder: Path, sql: str, *options: str) -> Result:
    config = str(folder / "adcanary.yaml")
    return CliRunner().invoke(app, ["query", sql, "--config", config, *options])


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT APPROX_TOP_COUNT(n, 1) AS x FROM raw.names", "GROUP BY x ORDER BY n DESC"),
        ("SELECT FORMAT('%d', n) AS x FROM raw.names", "CONCAT"),
        ("SELECT DATEDIFF(n, n) AS x FROM raw.names", "DATE_DIFF"),
        ("SELECT PERCENTILE_CONT(n, 0.5 RESPECT NULLS) OVER () AS x FROM raw.names", "RESPECT"),
        ("SELECT n % 2 AS x FROM raw.names", "MOD(a, b)"),
        ("SELECT SAFE.LEFT(name, -1) AS x FROM raw.names", "SAFE."),
        ("SELECT FORMAT_DATE('%Q', DATE '2024-01-01') AS x", "FORMAT_DATE in this form"),
        ("SELECT EXTRACT(CENTURY FROM DATE '2024-01-01') AS x", "EXTRACT in this form"),
        ("SELECT CAST(n AS BIGNUMERIC) AS x FROM raw.names", "A cast to BIGNUMERIC"),
        ("SELECT * FROM raw.names TABLESAMPLE SYSTEM (10 PERCENT)", "TABLESAMPLE"),
        ("SELECT n, n FROM raw.names", "Two columns named n"),
        ("SELECT g_abs(n) AS x FROM raw.names", "G_ABS"),
        ("SELECT py_upper(name) AS x FROM raw.names", "PY_UPPER"),
        ("SELECT * FROM names", "The table names without a dataset"),
    ],
)
def test_what_is_not_proven_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(UsageError) as refusal:
        proven_sql(sql)
    assert named in str(refusal.value)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM `{file}`",
        "SELECT * FROM rows",
        "COPY raw.names TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "INSTALL httpfs",
        "SET threads = 1",
        "PRAGMA database_list",
    ],
)
def test_a_query_opens_no_file(folder: Path, sql: str) -> None:
    before = {*folder.iterdir()}
    result = run(folder, sql.format(file=folder / "secret.csv", folder=folder))
    assert result.exit_code != 0 or result.exception
    assert "1\t2" not in result.output
    assert {*folder.iterdir()} == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM '{file}'",
        "COPY (SELECT 1) TO '{file}.out'",
        "ATTACH '{file}.duckdb'",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1GB'",
        "SELECT * FROM here",
    ],
)
def test_the_connection_itself_is_closed_to_files_and_settings(folder: Path, sql: str) -> None:
    here = [1]  # a variable that DuckDB would else take for a table
    with duckdb.connect() as connection:
        duckdb_answer.close_off(connection)
        with pytest.raises(duckdb.Error):
            connection.execute(sql.format(file=folder / "secret.csv"))
    assert here


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT n / 0 AS x FROM raw.names", "division by zero"),
        ("SELECT MOD(n, 0) AS x FROM raw.names", "division by zero"),
        ("SELECT 9223372036854775807 + n AS x FROM raw.names", "int64 overflow"),
        ("SELECT SUM(x) AS x FROM UNNEST([9223372036854775807, 9]) AS x", "int64 overflow"),
        ("SELECT 1e308 * 1e308 AS x", "double overflow"),
        ("SELECT [n][OFFSET(1)] AS x FROM raw.names", "out of bounds"),
    ],
)
def test_an_error_of_bigquery_is_an_error_in_the_same_terms(
    folder: Path, sql: str, says: str
) -> None:
    result = run(folder, sql)
    assert result.exit_code == 1
    assert says in str(result.exception)


def test_the_guides_queries_are_of_proven_parts_only() -> None:
    queries = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(queries) > 9
    for query in queries:
        assert proven_sql(query)


def test_the_guide_lists_every_proven_function() -> None:
    (listed,) = re.findall(
        r"<!-- proven -->\n(.*?)\n<!-- /proven -->", GUIDE.read_text(), re.DOTALL
    )
    assert re.findall(r"[A-Z][A-Z0-9_]+", listed) == sorted(proven.functions())


def test_what_to_write_instead_is_told_of_what_is_not_proven_only() -> None:
    advice = yaml.safe_load(proven.TABLE.read_text())["instead"]
    assert not {*advice} & {*proven.functions()}


def test_piped_it_prints_tabs_with_a_header_even_over_no_rows(folder: Path) -> None:
    assert (
        run(folder, "SELECT name, n, NULL AS z FROM raw.names").output
        == "name\tn\tz\nSpring\t7\t\n"
    )
    assert run(folder, "SELECT name FROM raw.names WHERE n = 0").output == "name\n"


def test_piped_a_long_text_stays_on_its_line(folder: Path) -> None:
    result = run(
        folder, "SELECT REPEAT('x', 300) AS a, CONCAT(name, '\\n', '\\t') AS b FROM raw.names"
    )
    assert result.output == f"a\tb\n{'x' * 300}\tSpring\\n\\t\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_gets_no_formula_and_keeps_its_numbers(
    start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"name": f"{start}A1", "n": -5, "x": "ok"}]
    print_rows(rows, Format.CSV, spreadsheet=True)
    shown = capsys.readouterr().out
    assert f"'{start}A1" in shown
    assert ",-5,ok" in shown
    print_rows(rows, Format.CSV)
    assert "'" not in capsys.readouterr().out


def test_the_option_for_spreadsheets_wants_csv(folder: Path) -> None:
    result = run(folder, "SELECT 1 AS a", "--spreadsheet")
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("format_", [Format.TABLE, Format.TSV])
def test_no_control_character_of_a_name_reaches_the_terminal(
    format_: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    print_rows([{"name\x1b": "a\x1b[31mb\x07\x9b\u202ec", "n": 1}], format_)
    shown = capsys.readouterr().out
    assert "a\\x1b[31mb\\x07\\x9b\\u202ec" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*shown}
    assert visible("Ünïcode 😀") == "Ünïcode 😀"


def test_json_tells_numbers_as_they_were_written() -> None:
    text = json.dumps({"a": [{"b": "x"}]}).replace('"x"', "1.50")
    assert json_value(text, "$.a[0].b") == "1.50"
    assert json_value(text, "$.a") is None


def test_a_fingerprint_is_farmhashes() -> None:
    assert fingerprint("") == -7286425919675154353
