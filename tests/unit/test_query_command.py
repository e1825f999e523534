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
from pipelines.warehouse.duckdb_query import translated
from tests.unit.docs_pages import page

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
        ("SELECT n::STRING AS x FROM raw.names", "CAST(x AS INT64)"),
        ("SELECT n == 7 AS x FROM raw.names", "The operator =="),
        ("SELECT CAST(n AS VARCHAR) AS x FROM raw.names", "The type VARCHAR"),
        ("SELECT n AS 'x' FROM raw.names", "The alias 'x'"),
        ("SELECT name = 'Spring' IS NULL AS x FROM raw.names", "A comparison of a comparison"),
        ("SELECT n FROM raw.names LIMIT 2, 1", "LIMIT 10 OFFSET 20"),
        ("FROM raw.names SELECT n", "FROM before SELECT"),
        ("SELECT * FROM raw.names TABLESAMPLE SYSTEM (10 PERCENT)", "TABLESAMPLE"),
        ("SELECT n, n FROM raw.names", "Two columns named n"),
        ("SELECT g_abs(n) AS x FROM raw.names", "G_ABS"),
        ("SELECT py_upper(name) AS x FROM raw.names", "PY_UPPER"),
        ("SELECT * FROM names", "The table names without a dataset"),
        ("SELECT * FROM Main.duckdb_settings", "The catalogue Main.duckdb_settings"),
        ("SELECT * FROM system.duckdb_types", "The catalogue system.duckdb_types"),
        ("SELECT * FROM temp.raw.duckdb_views", "The catalogue temp.raw.duckdb_views"),
        ("SELECT * FROM `system.main.duckdb_tables`", "The catalogue `system.main"),
        ("SELECT * FROM pg_catalog.pg_class", "The catalogue pg_catalog.pg_class"),
        ("SELECT * FROM INFORMATION_SCHEMA.columns", "The catalogue"),
        ("SELECT * FROM main.INFORMATION_SCHEMA.COLUMNS", "The catalogue"),
        ("SELECT * FROM UNNEST([STRUCT(5 AS k)]) WITH OFFSET", "UNNEST WITH OFFSET without"),
        ("SELECT * FROM UNNEST([5, 6]) AS k WITH OFFSET AS at", "* over UNNEST"),
        ("SELECT k.* FROM UNNEST([STRUCT(5 AS n)]) AS k WITH OFFSET", "* over UNNEST"),
        ("SELECT 5 AS n EXCEPT DISTINCT SELECT 6 UNION ALL SELECT 7", "Different set operations"),
        ("SELECT 5 AS n UNION ALL SELECT 6 INTERSECT DISTINCT SELECT 6", "Different set"),
        ("SELECT 5 AS n UNION DISTINCT SELECT 6 UNION ALL SELECT 7", "Different set operations"),
        ("SELECT n FROM raw.names ORDER  BY n UNION ALL SELECT 6", "ORDER BY before UNION ALL"),
        ("SELECT n FROM raw.names LIMIT 1 EXCEPT DISTINCT SELECT 6", "LIMIT before EXCEPT"),
        ("SELECT 'p\\000q' AS x", "The character NUL"),
        ("SELECT 'p\0q' AS x", "The character NUL"),
        ("SELECT 5 AS `p\0q`", "The character NUL"),
    ],
)
def test_what_is_not_proven_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(UsageError) as refusal:
        translated(sql)
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


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT JSON_VALUE('{\"a\": 1,', '$.a') AS x", "broken"),
        ("SELECT JSON_VALUE('{\"a\": \"\\\\ud83d\"}', '$.a') AS x", "ud83d"),
        ("SELECT REGEXP_EXTRACT_ALL('aaa', 'a*') AS x", "matches at least one character"),
        ("SELECT CAST('inf' AS FLOAT64) AS x", "infinite or NaN"),
        ("SELECT NUMERIC '0.1' + 0.2 AS x", "NUMERIC with FLOAT64"),
        ("SELECT DATE '2025-04-05' - 1 AS x", "DATE_ADD(d, INTERVAL n DAY)"),
        ("SELECT * FROM (SELECT 1 AS a) CROSS JOIN (SELECT 2 AS a)", "two columns named a"),
        ("SELECT DATE '2025-04-05' AS d UNION ALL SELECT '2025-04-06'", "DATE before the text"),
    ],
)
def test_what_only_a_value_or_a_type_shows_is_refused_by_name(
    folder: Path, sql: str, named: str
) -> None:
    refusal = run(folder, sql).exception
    assert isinstance(refusal, UsageError)
    assert named in str(refusal)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT CAST('2025-04-05 24:00:00' AS DATETIME) AS x", "Invalid datetime: 2025-04-05 24"),
        ("SELECT TIMESTAMP('2025-04-05 01:00:00', 'IST') AS x", "Invalid time zone: IST."),
        ("SELECT CAST('9223372036854775808' AS INT64) AS x", "Bad INT64 value"),
        ("SELECT NUMERIC 'x' AS x", "Invalid NUMERIC value: x."),
        ("SELECT 'a' LIKE name AS x FROM (SELECT 'b\\\\' AS name)", "ends with a backslash"),
        ("SELECT name FROM raw.names WHERE name = n", "argument types: STRING, INT64"),
        ("SELECT n + 1 AS m, m + 1 AS k FROM raw.names", "Unrecognized name: m."),
        ("SELECT n + 1 AS m FROM raw.names WHERE m > 1", "Unrecognized name: m."),
        ("SELECT n FROM raw.names UNION ALL SELECT name FROM raw.names", "incompatible types"),
    ],
)
def test_an_error_says_what_is_wrong_without_duckdbs_words(
    folder: Path, sql: str, says: str
) -> None:
    error = str(run(folder, sql).exception)
    assert says in error
    assert "DuckDB" not in error
    assert "!" not in error.replace("\\", "")


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("CAST('-0x2a' AS INT64)", "-42"),
        ("SAFE_CAST('3e1' AS NUMERIC)", "30.000000000"),
        ("CAST('2025-04-05 23:59:60' AS DATETIME)", "2025-04-06 00:00:00"),
        ("STRING(TIMESTAMP '2025-04-05 01:00:00+00', '+05:30')", "2025-04-05 06:30:00+05:30"),
        ("TRIM('xyx', '')", "xyx"),
        ("ROUND(2.675, 2)", "2.67"),
        ("JSON_VALUE('{\"k\": 1, \"k\": 2}', '$.k')", "1"),
        ("(SELECT k FROM UNNEST([STRUCT('p' AS k), STRUCT('q')]) WHERE k > 'p')", "q"),
    ],
)
def test_a_value_is_googles(folder: Path, sql: str, value: str) -> None:
    assert run(folder, f"SELECT {sql} AS x").output == f"x\n{value}\n"


def test_an_alias_that_hides_a_column_is_meant_where_googlesql_means_it(folder: Path) -> None:
    source = "(SELECT 3 AS a UNION ALL SELECT 5)"
    assert run(folder, f"SELECT -a AS a FROM {source} ORDER BY a + 0").output == "a\n-5\n-3\n"
    assert run(folder, f"SELECT -a AS a FROM {source} WHERE a > 3").output == "a\n-5\n"


def test_parentheses_say_the_order_of_set_operations(folder: Path) -> None:
    sql = (
        "(SELECT n FROM raw.names ORDER BY n LIMIT 1) UNION ALL "
        "(SELECT n FROM raw.names INTERSECT DISTINCT SELECT 8) ORDER BY n LIMIT 5"
    )
    assert run(folder, sql).output == "n\n7\n"


def test_the_file_itself_is_no_dataset(folder: Path) -> None:
    error = run(folder, "SELECT * FROM w.sqlite_master").exception
    assert "Not found: dataset w." in str(error)


def test_a_statement_is_read_from_a_file_or_from_standard_input(
    folder: Path, tmp_path: Path
) -> None:
    """As an argument, one that begins with a comment would be taken for an option."""
    sql = "-- how many\nSELECT n FROM raw.names\n"
    (tmp_path / "names.sql").write_text(sql)
    command = ["query", "--config", str(folder / "adcanary.yaml"), "--format", "csv", "--file"]
    for name, standard_input in ((str(tmp_path / "names.sql"), None), ("-", sql)):
        done = CliRunner().invoke(app, [*command, name], input=standard_input)
        assert (done.exit_code, done.output) == (0, "n\n7\n")


@pytest.mark.parametrize("arguments", [[], ["SELECT 1 AS n", "--file", "-"]])
def test_a_query_is_given_once(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["query", *arguments], input="SELECT 1 AS n")
    assert isinstance(done.exception, UsageError)
    assert "--file FILE" in str(done.exception)


def test_nothing_but_the_error_is_printed_of_a_command(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(folder, "LOAD httpfs")
    assert "unsupported syntax" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_a_program_reads_bools_and_bytes_as_bq_writes_them(folder: Path, format_: str) -> None:
    sql = "SELECT TRUE AS a, FALSE AS b, CAST(NULL AS BOOL) AS c, MD5('') AS d, [TRUE] AS e"
    lines = run(folder, sql, "--format", format_).output.splitlines()
    assert lines[1].replace("\t", ",") == "true,false,,1B2M2Y8AsgTpgAmY7PhCfg==,[true]"


def test_the_guides_queries_are_of_proven_parts_only() -> None:
    queries = re.findall(r"```sql\n(.*?)```", page(GUIDE), re.DOTALL)
    assert len(queries) > 9
    for query in queries:
        assert translated(query)


def test_the_guide_lists_every_proven_function() -> None:
    (listed,) = re.findall(r"<!-- proven -->\n(.*?)\n<!-- /proven -->", page(GUIDE), re.DOTALL)
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
