"""Each process has the rights that its code needs in BigQuery, and no others; each secret reaches
the process that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from pipelines.contracts import load_contracts
from pipelines.jobs.registry import JOBS
from pipelines.privacy.declared import DATASETS, person_tables
from pipelines.secret_settings import Secrets
from pipelines.source_settings import SourceSecrets
from pipelines.warehouse import bigquery
from pipelines.warehouse.base import STAGE_DATASET

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "infra" / "terraform" / "modules"
LEVELS = ("see", "read", "write", "edit", "own")
SQL_DATASETS = ("raw", "staging", "intermediate", "marts", "contracts", "canary")
FOR_PEOPLE = {"reporting", "approvals"}

_READ = re.compile(rf"\b(?:FROM|JOIN)\s+`?({'|'.join(SQL_DATASETS)})\.\w+")
_WRITTEN = re.compile(rf"\b(?:INTO|UPDATE|DELETE FROM)\s+`?({'|'.join(SQL_DATASETS)})\.\w+")


def plain(value: Any) -> Any:
    """What python-hcl2 read, without the quotes and marks that it keeps."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items() if not k.startswith("__")}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.strip('"') if isinstance(value, str) else value


def local_values(path: Path) -> dict[str, Any]:
    """The locals of a file."""
    return {
        k: v for block in hcl2.loads(path.read_text())["locals"] for k, v in plain(block).items()
    }


ACCESS: dict[str, dict[str, str]] = local_values(MODULES / "warehouse" / "access.tf")["access"]
DATASETS_OF_DBT = {"staging", "intermediate", "marts"}


def sql_of(*rooms: str) -> str:
    """All SQL and Python of some rooms or files."""
    paths = [p for room in rooms for p in ([ROOT / room] if (ROOT / room).is_file() else [])]
    paths += [p for room in rooms for p in (ROOT / room).rglob("*") if p.suffix in {".py", ".sql"}]
    return "\n".join(path.read_text() for path in paths)


def datasets_of(tables: Iterable[str]) -> set[str]:
    return {table.partition(".")[0] for table in tables}


def stages_in(text: str) -> set[str]:
    return {STAGE_DATASET} if re.search(r"warehouse\.stage\(|\.drop_stages\(", text) else set()


def needs(process: str) -> tuple[set[str], set[str]]:
    """The datasets that a process reads and those whose rows it changes, by its code."""
    if process == "transform":
        models = sql_of("dbt/models")
        sources = set(re.findall(r"\bsource\('(\w+)'", models))
        return sources | DATASETS_OF_DBT, DATASETS_OF_DBT | {"contracts"}  # of a build, a row
    if process == "retention":
        expiring = datasets_of(t.table for t in person_tables().values() if t.day)
        return expiring, expiring | {STAGE_DATASET, "contracts"}
    rooms = {
        "ingest": ("pipelines/landing", "pipelines/privacy/salt.py"),
        "jobs": ("pipelines/jobs",),
        "proposals": ("pipelines/proposals",),
        "review": ("pipelines/proposals",),
        "monitor": ("pipelines/monitors", "pipelines/landing/newest_days.sql"),
    }
    text = sql_of(*rooms[process])
    written = set(_WRITTEN.findall(text)) | stages_in(text)
    if process == "jobs":
        written |= datasets_of(t for job in JOBS.values() for t in job.tables)
    return set(_READ.findall(text)), written


PROCESSES = ("ingest", "transform", "jobs", "proposals", "monitor", "retention", "review")


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_reads_what_its_code_reads_and_changes_what_its_code_changes(
    process: str,
) -> None:
    reads, writes = needs(process)
    granted = {name: access.get(process, "see") for name, access in ACCESS.items()}
    level = {name: LEVELS.index(given) for name, given in granted.items()}
    assert {name for name in level if level[name] >= LEVELS.index("read")} == reads | writes
    assert {name for name in level if level[name] >= LEVELS.index("write")} == writes


def test_only_stages_and_what_dbt_makes_are_tables_that_a_process_may_drop() -> None:
    droppable = {name for name, access in ACCESS.items() if {"edit", "own"} & {*access.values()}}
    assert droppable == DATASETS_OF_DBT | {STAGE_DATASET}


def test_every_dataset_of_the_application_is_there_and_those_for_people() -> None:
    assert {*ACCESS} == {*DATASETS} | FOR_PEOPLE
    assert {contract.dataset for contract in load_contracts().values()} <= {*ACCESS}


def test_people_read_what_is_made_for_them_and_nothing_else() -> None:
    people = {"analysts", "approvers", "engineers", "privacy_officers"}
    given = {(name, who) for name, access in ACCESS.items() for who in {*access} & people}
    assert given == {("reporting", "analysts"), ("approvals", "approvers")}


def test_an_erasure_reaches_every_dataset_of_the_application() -> None:
    assert set(local_values(MODULES / "warehouse" / "access.tf")["personal"]) == {*DATASETS}


def test_stages_expire_as_they_do_where_the_application_makes_their_dataset() -> None:
    variables = plain(hcl2.loads((MODULES / "warehouse" / "variables.tf").read_text())["variable"])
    (days,) = (v["stage_expiry_days"]["default"] for v in variables if "stage_expiry_days" in v)
    assert days == bigquery._STAGE_DAYS


def _models() -> dict[str, tuple[str, bool, set[str]]]:
    """Each model: its dataset, whether it is a view, and the datasets that it reads."""
    models = ROOT / "dbt" / "models"
    of = {path.stem: path.relative_to(models).parts[0] for path in models.rglob("*.sql")}
    project = yaml.safe_load((ROOT / "dbt" / "dbt_project.yml").read_text())["models"]["adcanary"]
    read = {}
    for path in models.rglob("*.sql"):
        text, parts = path.read_text(), path.relative_to(models).parts
        config: dict[str, Any] = project
        kind = "view"
        for part in parts[:-1]:
            config = config.get(part, {})
            kind = config.get("+materialized", kind)
        written = re.search(r"materialized='(\w+)'", text)
        kind = written[1] if written else "incremental" if "by_day(" in text else kind
        refs = {of[name] for name in re.findall(r"ref\('(\w+)'\)", text) if name in of}
        sources = set(re.findall(r"\bsource\('(\w+)'", text))
        read[path.stem] = (of[path.stem], kind == "view", refs | sources)
    return read


def test_a_view_may_read_what_its_sql_reads() -> None:
    needed: dict[str, set[str]] = {}
    for dataset, is_view, reads in _models().values():
        for name in reads - {dataset} if is_view else ():
            needed.setdefault(name, set()).add(dataset)
    for path in (ROOT / "sql" / "security").glob("*.sql"):
        for view, name in re.findall(
            r"VIEW (\w+)\.\w+ AS\nSELECT .+\nFROM (\w+)\.", path.read_text()
        ):
            needed.setdefault(name, set()).add(view)
    written = local_values(MODULES / "warehouse" / "main.tf")["authorised"]
    authorised = {name: set(re.findall(r"\w+", str(value))) for name, value in written.items()}
    # marts name intermediate from the second apply on
    authorised["marts"] -= {"concat", "var", "datasets_are_there"}
    assert authorised == needed


def test_a_secret_is_read_by_the_process_that_uses_it() -> None:
    secrets = local_values(MODULES / "secrets" / "main.tf")
    assert set(secrets["ingest"]) == {*SourceSecrets.model_fields, "hash_salt"}
    assert {*secrets["ingest"], *secrets["review"]} == {*Secrets.model_fields}
    assert secrets["worker"] == ["prefect_api_key"]


def test_the_salt_is_added_and_read_by_privacy_officers_and_by_no_other_people() -> None:
    blocks = plain(hcl2.loads((MODULES / "secrets" / "main.tf").read_text())["resource"])
    members = {
        name: body["member"]
        for block in blocks
        for name, body in block.get("google_secret_manager_secret_iam_member", {}).items()
    }
    text = (MODULES / "secrets" / "main.tf").read_text()
    assert members["salt"] == '${var.members["privacy_officers"]}'
    assert members["added"] == '${var.members["engineers"]}'
    assert re.search(r'"added" \{\n  for_each = .* if name != local\.salt', text)
