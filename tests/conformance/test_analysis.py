"""Google's analyzer accepts every statement that BigQuery is sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

from tests.conformance.analyzer import Analyzer, NotGoogleSQLError
from tests.conformance.catalogue import Catalogue, from_contracts
from tests.conformance.judge import Judged, explains, judge, known, unexplained
from tests.conformance.recorded import call_sites, run_commands
from tests.conformance.statements import PROJECT, DbtBuilds, Sent, build_twice, files
from tests.wire.bigquery_emulator import Emulator

pytestmark = [pytest.mark.xdist_group("conformance_analysis"), pytest.mark.emulator]


@pytest.fixture(scope="module")
def builds(
    analyzer: Analyzer, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> DbtBuilds:
    """The dbt project, built on a BigQuery in full and by day."""
    return build_twice(emulator, tmp_path_factory.mktemp("builds"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The contracts; what the statements below make comes to it."""
    return from_contracts(PROJECT)


@pytest.fixture(scope="module")
def judged(analyzer: Analyzer, builds: DbtBuilds, catalogue: Catalogue) -> Judged:
    """Everything, judged in the order in which it is sent."""
    contracts = files("sql/contracts")
    queries = [sent for sent in files("sql", "pipelines") if sent not in contracts]
    return judge(analyzer, catalogue, [*contracts, *builds.full, *builds.by_day, *queries])


@pytest.fixture(scope="module")
def commands(
    judged: Judged, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> list[Sent]:
    """What the Python rooms send while commands run on the marts that were made before."""
    return run_commands(tmp_path_factory.mktemp("commands"), catalogue)


def test_every_statement_that_python_sends_is_googlesql(
    analyzer: Analyzer, catalogue: Catalogue, commands: list[Sent]
) -> None:
    found = unexplained(judge(analyzer, catalogue, commands).refused)
    assert found == [], "\n".join(found)


def test_every_function_that_sends_sql_was_heard(commands: list[Sent]) -> None:
    unheard = {entry["function"] for entry in known("unheard")}
    sites, heard = call_sites(), {sent.origin for sent in commands}
    assert sites
    assert sites - heard - unheard == set()
    assert unheard & heard == set(), "these were heard: take them off the list"
    assert unheard - sites == set(), "these are no more: take them off the list"


def test_every_statement_is_googlesql(judged: Judged) -> None:
    found = unexplained(judged.refused)
    assert found == [], "\n".join([*found, f"{len(judged.follow)} more lack what these would make"])


def test_nothing_follows_from_a_refusal_that_is_explained(judged: Judged) -> None:
    assert not judged.follow or unexplained(judged.refused)


def test_every_file_of_sql_is_analysed(judged: Judged) -> None:
    accepted = {sent.origin for sent, _ in judged.accepted}
    refused = {refusal.sent.origin for refusal in (*judged.refused, *judged.follow)}
    written = {sent.origin for sent in files("sql", "pipelines")}
    assert written
    assert written <= accepted | refused


def test_every_model_and_data_test_is_sent_in_full_and_all_but_views_by_day(
    builds: DbtBuilds,
) -> None:
    tests, tables = builds.nodes("test"), builds.tables()
    in_full = {*builds.nodes("model"), *tests}
    of_tables = {n for n, test in tests.items() if {*test["depends_on"]["nodes"]} <= {*tables}}
    assert tables
    assert of_tables
    for wanted, sent in ((in_full, builds.full), ({*tables, *of_tables}, builds.by_day)):
        missing = wanted - {statement.node for statement in sent}
        assert missing == set(), "\n".join(builds.failures)


def test_every_table_that_is_built_by_day_is_merged(builds: DbtBuilds, judged: Judged) -> None:
    by_day = {
        name for name, node in builds.nodes("model").items() if "by_day" in node["config"]["meta"]
    }
    assert by_day
    kinds: dict[str, set[str]] = defaultdict(set)
    for sent, analyses in judged.accepted:
        kinds[sent.node] |= {a.kind for a in analyses}
    merged = {name for name, found in kinds.items() if "resolved_merge_stmt_node" in found}
    refused = {refusal.sent.node for refusal in (*judged.refused, *judged.follow)}
    assert by_day <= merged | refused


def test_a_days_build_reads_whole_only_what_is_listed(builds: DbtBuilds, judged: Judged) -> None:
    by_day, whole = set[str](), set[str]()
    for sent, analyses in judged.accepted:
        if sent.node and sent in builds.by_day:
            for table, is_by_days in (read for each in analyses for read in each.reads):
                (by_day if is_by_days else whole).add(table.removeprefix(f"{PROJECT}."))
    of_the_run = {table for table in whole if "__dbt_tmp" in table or "__work_" in table}
    assert whole - of_the_run == {entry["table"] for entry in known("read_whole")}
    assert by_day


def test_a_contracts_ddl_gives_its_columns_and_types(analyzer: Analyzer) -> None:
    from_files = Catalogue(PROJECT)
    judge(analyzer, from_files, files("sql/contracts"))
    assert from_files.tables == from_contracts(PROJECT).tables


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("order_id", "no_such_column", "Unrecognized name: no_such_column"),
        ("order_id", "order_id + 1", r"No matching signature for operator \+"),
        ("order_id", "list_sort([order_id])", "Function not found: list_sort"),
    ],
)
def test_a_wrong_statement_is_refused_with_file_and_line(
    analyzer: Analyzer, wrong: str, right: str, message: str
) -> None:
    sent = Sent(
        f"select\n  customer_id,\n  {wrong}\nfrom raw.orders", "dbt/models/staging/shop/x.sql"
    )
    catalogue = from_contracts(PROJECT)
    assert judge(analyzer, catalogue, [sent]).refused == []
    broken = replace(sent, sql=sent.sql.replace(wrong, right))
    (refusal,) = judge(analyzer, catalogue, [broken]).refused
    with pytest.raises(AssertionError, match=message):
        assert not str(refusal)
    assert refusal.place == f"dbt/models/staging/shop/x.sql, line 3 of the statement: {right}"


def test_each_entry_of_refused_is_still_needed(judged: Judged) -> None:
    outdated = [
        entry
        for entry in known("refused")
        if not any(explains(entry, refusal) for refusal in judged.refused)
    ]
    assert outdated == []


@pytest.mark.parametrize("limit", known("limits"), ids=lambda limit: limit["what"])
def test_each_limit_of_the_analyzer_is_still_one(analyzer: Analyzer, limit: dict[str, str]) -> None:
    catalogue = from_contracts(PROJECT)
    if limit["where"] == "analysis":
        with pytest.raises(NotGoogleSQLError):
            analyzer.analyze(limit["statement"], catalogue)
        return
    analyzer.analyze(limit["statement"], catalogue)
    with pytest.raises(NotGoogleSQLError):
        analyzer.evaluate(limit["statement"], Catalogue(PROJECT), {})
