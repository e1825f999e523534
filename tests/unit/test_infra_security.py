"""Rows about people are shown to whoever's work reads them, and columns that name somebody to
nobody else: sql/security against the contracts, dbt's models and the code."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import sqlglot
import yaml
from sqlglot import exp

from pipelines.contracts import load_contracts
from pipelines.privacy.declared import RECORDS, person_tables
from tests.unit.docs_pages import page
from tests.unit.test_infra_access import ACCESS, ROOT, local_values, sql_of
from tests.unit.test_privacy_declared import PATHS

SECURITY = ROOT / "sql" / "security"
MODELS = ROOT / "dbt" / "models"
PEOPLE = {"engineers", "privacy_officers", "analysts", "approvers"}
# how dbt's models name a person, beside the ids that contracts declare
DERIVED = re.compile(
    r"(probable_)?person_(id|method|match_probability)|client_key|anonymous_id|user_id"
    r"|(\w+_)?node(_id|_type|_key)?|(left|right)_(id|type)|component_id|session_(id|key)"
)
# a row is one person's, whatever its columns
OF_ONE_PERSON = re.compile(r"^(identity_|experiment_(exposures|outcomes)$|person_)")
PERSON_TABLES = {table for table in person_tables() if table in load_contracts()}


def statements(name: str) -> list[exp.Expression]:
    text = (SECURITY / f"{name}.sql").read_text()
    return [s for s in sqlglot.parse(text, read="bigquery") if isinstance(s, exp.Create)]


@cache
def views(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """View → the table that it shows, and the columns that it leaves out."""
    shown = {}
    for statement in statements(name):
        query = statement.expression
        (star,) = query.expressions
        left_out = star.args.get("except_") or star.args.get("except") or []
        source = query.find(exp.Table)
        shown[statement.this.name] = (
            f"{source.db}.{source.name}",
            frozenset(column.name for column in left_out),
        )
    return shown


@cache
def policies() -> dict[str, set[str]]:
    """Table → who sees its rows."""
    text = (SECURITY / "person_rows.sql").read_text()
    form = re.compile(
        r"CREATE OR REPLACE ROW ACCESS POLICY \w+\nON (\S+)\nGRANT TO \((.*?)\)\n"
        r"FILTER USING \(TRUE\);",
        re.DOTALL,
    )
    assert len(form.findall(text)) == text.count("CREATE")
    return {table: set(re.findall(r"\$\{(\w+)\}", who)) for table, who in form.findall(text)}


@cache
def marts() -> dict[str, set[str]]:
    """Each mart and its documented columns."""
    return {
        model["name"]: {column["name"] for column in model.get("columns", [])}
        for path in (MODELS / "marts").rglob("*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
    }


IDS = {
    column.path.rsplit(".", 1)[-1]
    for table in person_tables().values()
    for column in table.columns
    if column.kind not in RECORDS
}


def names_somebody(column: str) -> bool:
    return column in IDS or DERIVED.fullmatch(column) is not None


def test_every_contract_with_a_persons_ids_shows_its_rows_to_those_who_are_named() -> None:
    assert {*policies()} == PERSON_TABLES


@pytest.mark.parametrize("table", sorted(PATHS))
def test_every_column_of_a_contract_that_names_somebody_is_covered(table: str) -> None:
    named = {p for p in PATHS[table] if p.rsplit(".", 1)[-1] in IDS}
    declared = person_tables().get(table)
    stated = {c.path for c in declared.columns if c.kind not in RECORDS} if declared else set()
    # customer_id of an ad account is no person's
    assert not named & stated or table in policies()
    assert stated <= named


def _kinds() -> dict[str, str]:
    """Model → how it is materialised."""
    project: Any = yaml.safe_load((ROOT / "dbt" / "dbt_project.yml").read_text())
    kinds = {}
    for path in MODELS.rglob("*.sql"):
        config, kind = project["models"]["adcanary"], "view"
        for part in path.relative_to(MODELS).parts[:-1]:
            config = config.get(part, {})
            kind = config.get("+materialized", kind)
        text = path.read_text()
        written = re.search(r"materialized='(\w+)'", text)
        kinds[path.stem] = written[1] if written else "table" if "by_day(" in text else kind
    return kinds


KINDS = _kinds()
FILES = {path.stem: path for path in MODELS.rglob("*.sql")}


def contracts_behind(table: str) -> set[str]:
    """The contracts whose rows whoever queries a table reads: through views, down to tables."""
    dataset, name = table.split(".")
    if dataset in {"raw", "contracts", "canary"}:
        return {table}
    if KINDS.get(name) != "view":
        return set()
    text = FILES[name].read_text()
    sources = {".".join(s) for s in re.findall(r"\bsource\('(\w+)',\s*'(\w+)'\)", text)}
    models = re.findall(r"\bref\('(\w+)'\)", text)
    dataset_of = {m: FILES[m].relative_to(MODELS).parts[0] for m in models if m in FILES}
    return sources.union(*(contracts_behind(f"{d}.{m}") for m, d in dataset_of.items()))


def _read_by(process: str) -> set[str]:
    """The person tables that a process's own SQL reads, also through views."""
    rooms = {"jobs": "pipelines/jobs", "proposals": "pipelines/proposals"}
    room = rooms["proposals" if process == "review" else process]
    tables = re.findall(
        r"\b(?:FROM|JOIN)\s+`?((?:marts|contracts|intermediate)\.\w+)", sql_of(room)
    )
    return PERSON_TABLES & set[str]().union(*map(contracts_behind, tables))


def test_rows_about_people_are_shown_to_whoever_reads_them_and_to_nobody_else() -> None:
    from pipelines.jobs.registry import JOBS

    written = {table for job in JOBS.values() for table in job.tables}
    needed: dict[str, set[str]] = {}
    for table in PERSON_TABLES:
        dataset = table.partition(".")[0]
        # an erasure looks everywhere, and dbt reads all of raw
        needed[table] = {"engineers", "privacy_officers", "ingest", "transform"}
        needed[table] |= {"retention"} if ACCESS[dataset]["retention"] == "write" else set()
        for process in ("jobs", "proposals", "review"):
            if table in _read_by(process) or (process == "jobs" and table in written):
                needed[table].add(process)
        shown = set[str]().union(*(contracts_behind(t) for t, _ in views("reporting").values()))
        needed[table] |= {"analysts"} if table in shown else set()
    assert policies() == needed


def test_those_who_are_named_are_principals_of_terraform() -> None:
    accounts = local_values(ROOT / "infra/terraform/modules/identities/main.tf")["processes"]
    assert set.union(*policies().values()) <= {*accounts, *PEOPLE}
    text = (SECURITY / "person_rows.sql").read_text()
    kinds = re.findall(r"'(group|serviceAccount):\$\{(\w+)\}'", text)
    assert {name for kind, name in kinds if kind == "group"} <= PEOPLE
    assert {name for kind, name in kinds if kind == "serviceAccount"} <= {*accounts}


def test_analysts_see_every_mart_and_every_result_but_those_of_one_person_each() -> None:
    withheld = {f"marts.{name}" for name in {*marts()} - {v for v in views("reporting")}}
    results = {t for t in load_contracts() if t.startswith("contracts.")}
    shown = {table for table, _ in views("reporting").values()}
    results |= {"raw.load_ledger"}
    assert shown == {f"marts.{n}" for n in marts()} - withheld | (results - PERSON_TABLES)
    for table in withheld:
        name = table.partition(".")[2]
        by_columns = any(names_somebody(column) for column in marts()[name])
        assert by_columns or OF_ONE_PERSON.match(name), f"{table} is nobody's: analysts may see it"


@pytest.mark.parametrize("view", sorted(views("reporting")))
def test_a_view_for_analysts_names_nobody(view: str) -> None:
    table, left_out = views("reporting")[view]
    name = table.partition(".")[2]
    columns = (
        marts()[name]
        if table.startswith("marts.")
        else {c.name for c in load_contracts()[table].columns}
    )
    assert view == name
    assert not OF_ONE_PERSON.match(name)
    assert left_out <= columns
    assert {column for column in columns - left_out if names_somebody(column)} == set()


def test_the_analysts_guide_asks_of_what_analysts_see_but_for_two_questions_about_people() -> None:
    guide = page(ROOT / "docs" / "analysts.md")
    shown = {table for table, _ in views("reporting").values()}
    unseen: dict[str, set[str]] = {}
    for question in re.split(r"^## ", guide, flags=re.MULTILINE):
        for block in re.findall(r"```sql\n(.*?)```", question, re.DOTALL):
            tables = set(re.findall(r"\b(?:FROM|JOIN) ((?:marts|contracts|raw)\.\w+)", block))
            if tables - shown:
                unseen.setdefault(question.partition(".")[0], set()).update(tables - shown)
    assert unseen == {
        "3": {"marts.persistent_touchpoints"},
        "9": {"marts.identity_map", "marts.identity_skipped"},
    }


def test_approvers_see_all_of_the_ledger_and_nothing_else() -> None:
    ledger = {t for t in load_contracts() if t.startswith("canary.")}
    assert {table for table, _ in views("approvals").values()} == ledger
    assert all(f"canary.{view}" == table for view, (table, _) in views("approvals").items())
