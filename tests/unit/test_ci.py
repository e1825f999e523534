"""What is run for a pull request is what anybody runs: targets of the Makefile, and .ci/run's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
GATE = (ROOT / ".ci" / "run").read_text()


def commands() -> list[str]:
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def test_every_step_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    asked = {match[1] for command in commands() if (match := re.fullmatch(r"make (\S+)", command))}
    assert len(asked) == len(set(commands()))
    assert asked <= targets


def test_a_pull_request_runs_what_the_gate_runs() -> None:
    assert set(re.findall(r"^make \S+$", GATE, re.MULTILINE)) <= set(commands())


def test_a_workflow_may_only_read_and_no_job_runs_for_ever() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 90 for job in WORKFLOW["jobs"].values())
