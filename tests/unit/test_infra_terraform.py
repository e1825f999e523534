"""infra/terraform is right: terraform itself says so, on the schema of Google's provider, where
there is a terraform; and what may never be in it is looked for in its text, everywhere."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from prefect.cli.deploy._models import PrefectYamlModel

from tests.unit.terraform_google import ROOT, SCHEMA, TERRAFORM, binary, terraform
from tests.unit.terraform_schema import types_used
from tests.unit.test_infra_access import plain

FILES = sorted(TERRAFORM.rglob("*.tf"))
MODULES = sorted({path.parent for path in FILES})
needs_terraform = pytest.mark.skipif(binary() is None, reason="there is no terraform here")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where terraform keeps what it needs, with the modules looked up."""
    folder = tmp_path_factory.mktemp("terraform")
    got = terraform(TERRAFORM, folder, "get")
    assert got.returncode == 0, got.stderr
    return folder


@needs_terraform
def test_it_is_formatted(home: Path) -> None:
    assert terraform(TERRAFORM, home, "fmt", "-check", "-recursive").stdout == ""


@pytest.mark.slow
@needs_terraform
def test_terraform_finds_it_valid(home: Path) -> None:
    validated = terraform(TERRAFORM, home, "validate", "-json")
    answer = json.loads(validated.stdout)
    assert (answer["valid"], answer["error_count"]) == (True, 0), validated.stdout


@pytest.mark.slow
@needs_terraform
def test_its_own_tests_pass(home: Path) -> None:
    tested = terraform(TERRAFORM, home, "test", "-no-color")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", tested.stdout)


WRONG = {
    "an argument that there isn't": ("force_destroy ", "force_destroyed "),
    "one that is missing": ("  location                    = var.location\n", ""),
    "a block that there isn't": ("retention_policy {", "retention {"),
    "a value of another kind": ("= var.retention_days * 24", '= "long" * 24'),
    "an unknown variable": ("var.lock_retention", "var.locked"),
}


@pytest.mark.slow
@needs_terraform
@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_would_be_seen(wrong: str, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(TERRAFORM / "modules" / "audit", folder)
    assert json.loads(terraform(folder, tmp_path, "validate", "-json").stdout)["valid"]
    text = (folder / "main.tf").read_text()
    before, after = WRONG[wrong]
    assert before in text
    (folder / "main.tf").write_text(text.replace(before, after, 1))
    assert not json.loads(terraform(folder, tmp_path, "validate", "-json").stdout)["valid"]


def test_the_schema_has_every_type_that_is_used_and_no_other() -> None:
    schema = json.loads(SCHEMA.read_text())
    known = {(kind, type_) for kind in ("resource", "data") for type_ in schema[kind]}
    assert known == types_used()


def test_the_schema_is_of_the_version_that_is_asked_for() -> None:
    major, minor, _ = json.loads(SCHEMA.read_text())["version"].split(".")
    assert f'version = "~> {major}.{minor}"' in (TERRAFORM / "versions.tf").read_text()


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in folder.glob("*.tf"):
        for block in plain(hcl2.loads(path.read_text())).get(kind, []):
            yield from block.items()


@pytest.mark.parametrize("folder", MODULES, ids=lambda p: str(p.relative_to(TERRAFORM)))
def test_every_variable_is_described_and_used_and_every_output_is_described(folder: Path) -> None:
    variables, outputs = dict(_blocks(folder, "variable")), dict(_blocks(folder, "output"))
    assert all(entry["description"].endswith((".", "…")) for entry in variables.values())
    assert all(entry["description"] for entry in outputs.values())
    assert all("type" in entry for entry in variables.values())
    body = "\n".join(p.read_text() for p in folder.glob("*.tf") if p.name != "variables.tf")
    rules = (folder / "variables.tf").read_text()
    unused = {v for v in variables if not re.search(rf"\bvar\.{v}\b", body)}
    assert unused == set(), rules


def test_every_output_of_a_module_is_used() -> None:
    text = "\n".join(path.read_text() for path in FILES)
    unused = {
        f"{folder.name}.{name}"
        for folder in MODULES
        if folder != TERRAFORM
        for name, _ in _blocks(folder, "output")
        if not re.search(rf"\bmodule\.{folder.name}\.{name}\b", text)
    }
    # datasets are made in an order, and named by their own names
    assert unused == {"dataset.name"}


def test_nobody_is_let_in_whom_nobody_named() -> None:
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"all(Authenticated)?Users|projectReaders|specialGroup", text), path


def test_no_role_is_of_the_whole_project_but_running_jobs_and_a_few_of_ours() -> None:
    roles = [
        plain(body["role"])
        for folder in MODULES
        for type_, named in _blocks(folder, "resource")
        if type_ == "google_project_iam_member"
        for body in named.values()
    ]
    assert sorted(roles) == [
        "${google_project_iam_custom_role.worker.name}",
        "roles/bigquery.jobUser",
        "roles/bigquery.resourceViewer",
    ]
    text = "\n".join(path.read_text() for path in FILES)
    assert not re.search(r"roles/(owner|editor|viewer)\b|roles/\w+\.admin\b", text)


def test_no_service_account_has_a_key_or_a_scope_of_an_ad_platform() -> None:
    text = "\n".join(path.read_text() for path in FILES)
    assert not re.search(r"service_account_key|adwords|auth/\w+|ads_management", text)


def test_no_value_of_a_secret_is_in_the_state() -> None:
    assert "google_secret_manager_secret_version" not in "".join(p.read_text() for p in FILES)


@pytest.mark.parametrize("type_", ["google_bigquery_dataset", "google_storage_bucket"])
def test_what_holds_data_is_not_destroyed(type_: str) -> None:
    made = [
        body
        for folder in MODULES
        for kind, named in _blocks(folder, "resource")
        if kind == type_
        for body in named.values()
    ]
    assert made
    assert all(body["lifecycle"][0]["prevent_destroy"] is True for body in made)


def test_the_example_sets_every_variable_that_has_no_default_and_knows_no_other() -> None:
    text = (TERRAFORM / "terraform.tfvars.example").read_text()
    variables = dict(_blocks(TERRAFORM, "variable"))
    given = set(plain(hcl2.loads(text)))
    required = {name for name, entry in variables.items() if "default" not in entry}
    mentioned = set(re.findall(r"^(?:# )?(\w+) +=", text, re.MULTILINE))
    assert required <= given <= {*variables}
    assert mentioned <= {*variables}


VARIABLES = {
    "prefect_file": str(ROOT / "prefect.yaml"),
    "work_pool": "adcanary",
    "image": "images/adcanary@sha256:0",
    "region": "europe-west1",
    "service_accounts": {
        name: f"adcanary-{name}@p.iam.gserviceaccount.com"
        for name in ("ingest", "transform", "jobs", "proposals", "monitor", "retention", "review")
    },
    "secrets": {
        "ingest": {"ADCANARY_HASH_SALT": "adcanary-hash-salt"},
        "review": {"ADCANARY_REVIEW_KEY": "adcanary-review-key"},
    },
}


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The deployments on Cloud Run, as terraform makes them of prefect.yaml."""
    folder = tmp_path_factory.mktemp("deployments") / "module"
    shutil.copytree(TERRAFORM / "modules" / "deployments", folder)
    (folder / "given.auto.tfvars.json").write_text(json.dumps(VARIABLES))
    home = folder.parent
    for arguments in (["init"], ["apply", "-auto-approve"]):
        ran = terraform(folder, home, *arguments, "-input=false")
        assert ran.returncode == 0, ran.stderr
    output = terraform(folder, home, "output", "-raw", "prefect_yaml")
    content: dict[str, Any] = yaml.safe_load(output.stdout)
    return content


@needs_terraform
def test_prefect_reads_every_key_of_the_deployments_on_cloud_run(
    deployments: dict[str, Any],
) -> None:
    read = PrefectYamlModel.model_validate(deployments)
    assert read.model_dump(by_alias=True, exclude_unset=True) == deployments


@needs_terraform
def test_the_day_on_cloud_run_is_the_daily_flow_a_step_under_each_identity(
    deployments: dict[str, Any],
) -> None:
    by_name = {entry["name"]: entry for entry in deployments["deployments"]}
    project = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    schedules = {entry["name"]: entry["schedules"] for entry in project}
    assert by_name["daily-ingest"]["schedules"] == schedules["daily"]
    steps = [f"daily-{flow}" for flow in ("ingest", "transform", "decide", "propose")]
    assert set(by_name) == {*steps, *schedules} - {"daily", "backup"}
    (jobs,) = (d["parameters"]["jobs"] for d in project if d["name"] == "daily")
    assert by_name["daily-decide"]["parameters"]["jobs"] == jobs
    for before, after in pairwise(steps):
        (trigger,) = by_name[after]["triggers"]
        assert trigger["match_related"]["prefect.resource.name"] == before
        assert by_name[after]["schedules"] == []
    # as in flows/daily.py: accounts that failed keep nothing else from running
    assert "prefect.flow-run.Failed" in by_name["daily-transform"]["triggers"][0]["expect"]
    assert by_name["daily-decide"]["triggers"][0]["expect"] == ["prefect.flow-run.Completed"]


@needs_terraform
def test_a_flow_on_cloud_run_has_its_own_identity_and_its_own_secrets(
    deployments: dict[str, Any],
) -> None:
    given = {
        entry["name"]: entry["work_pool"]["job_variables"] for entry in deployments["deployments"]
    }
    accounts = {name: v["service_account_name"] for name, v in given.items()}
    assert accounts["daily-decide"] == "adcanary-jobs@p.iam.gserviceaccount.com"
    assert len({*accounts.values()}) == 6
    assert {name.split("-")[0] for name, v in given.items() if v["env_from_secrets"]} == {
        "ingest",
        "daily",
    }
    assert not given["daily-decide"]["env_from_secrets"]
    assert all(v["image"] == "images/adcanary@sha256:0" for v in given.values())
