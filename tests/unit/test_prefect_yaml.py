"""prefect.yaml: Prefect ignores misspelt keys, leaves removed schedules live, and is an hour early
where a change of clocks skips the hour: all are held. So is what follows what, and who is told."""

import copy
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import Resource, ResourceSpecification
from prefect.flows import Flow

from flows.automations import automations
from flows.deploy import POOL, TAG
from pipelines.jobs.registry import JOBS, job_names
from pipelines.sources.registry import SOURCES

ROOT = Path(__file__).parents[2]
CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS: list[dict[str, Any]] = CONTENT["deployments"]


def read_by_prefect(content: dict[str, Any]) -> dict[str, Any]:
    """What Prefect's own model keeps of a prefect.yaml."""
    return PrefectYamlModel.model_validate(content).model_dump(by_alias=True, exclude_unset=True)


def test_every_key_at_every_depth_is_one_that_prefect_reads() -> None:
    assert read_by_prefect(CONTENT) == CONTENT


@pytest.mark.parametrize("part", [(), ("work_pool",), ("concurrency_limit",)])
def test_a_misspelt_key_would_be_seen(part: tuple[str, ...]) -> None:
    content = copy.deepcopy(CONTENT)
    target = content["deployments"][0]
    for name in part:
        target = target[name]
    target["naem"] = "x"
    assert read_by_prefect(content) != content


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_deployment_states_its_schedules(deployment: dict[str, Any]) -> None:
    assert isinstance(deployment["schedules"], list)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_schedule_is_a_cron_in_utc(deployment: dict[str, Any]) -> None:
    for schedule in deployment["schedules"]:
        assert schedule["timezone"] == "UTC"
        assert len(schedule["cron"].split()) == 5


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    path, name = deployment["entrypoint"].split(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(flow, Flow)
    return flow


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_entrypoint_is_a_flow_that_takes_the_parameters_and_describes_them(
    deployment: dict[str, Any],
) -> None:
    flow = flow_of(deployment)
    assert set(deployment["parameters"]) <= set(flow.parameters.properties)
    assert all(p.get("description") for p in flow.parameters.properties.values())
    # as a worker does: text from the file becomes what the flow asks for
    assert flow.validate_parameters(deployment["parameters"])["config"] == Path("adcanary.yaml")


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_deployment_is_ours_described_bounded_in_time_and_never_twice_at_once(
    deployment: dict[str, Any],
) -> None:
    assert TAG in deployment["tags"]
    assert deployment["description"].endswith(".")
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert flow_of(deployment).timeout_seconds
    assert deployment["work_pool"] == {"name": POOL}


def test_every_source_has_an_ingestion_of_its_own_with_a_schedule_and_a_minute_of_its_own() -> None:
    ingestions = [d for d in DEPLOYMENTS if d["name"].startswith("ingest-")]
    assert {d["name"] for d in ingestions} == {f"ingest-{s}" for s in (*SOURCES, "files")}
    assert all(
        [f"ingest-{s}" for s in d["parameters"]["sources"]] == [d["name"]] for d in ingestions
    )
    crons = [s["cron"] for d in ingestions for s in d["schedules"]]
    assert len(set(crons)) == len(ingestions)


def test_every_job_has_a_schedule() -> None:
    scheduled = [d for d in DEPLOYMENTS if d["schedules"] and "jobs" in d["parameters"]]
    assert {job for d in scheduled for job in d["parameters"]["jobs"]} == set(JOBS)
    for deployment in scheduled:
        jobs = deployment["parameters"]["jobs"]
        assert jobs == job_names(jobs)


def test_what_follows_what_is_as_the_design_has_it() -> None:
    """The graph of deployments: by schedule, or by the end of another's run."""
    graph = {
        d["name"]: [s["cron"] for s in d["schedules"]]
        or [
            f"after {t['match_related']['prefect.resource.name']}: "
            + ", ".join(e.removeprefix("prefect.flow-run.") for e in t["expect"])
            for t in d.get("triggers", [])
        ]
        for d in DEPLOYMENTS
        if not d["name"].startswith("ingest-")
    }
    assert graph == {
        "daily": ["0 13 * * *"],
        "ingest": [],
        "transform": ["after ingest*: Completed, Failed"],
        "decide-hourly": ["40 * * * *"],
        "decide-weekly": ["0 15 * * 1"],
        "decide": [],
        "propose": ["after decide*: Completed, Failed"],
        "gates": ["0 14 * * *"],
        "verify": ["0 4 * * *"],
        "retention": ["0 3 * * *"],
        "backup": ["0 5 * * *"],
    }


@pytest.mark.parametrize("state", ["Failed", "Crashed", "Late"])
@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_a_run_that_ends_badly_or_does_not_start_is_told_once(
    deployment: dict[str, Any], state: str
) -> None:
    def tells(automation: AutomationCore) -> bool:
        trigger = automation.trigger
        assert isinstance(trigger, EventTrigger)
        if (
            trigger.posture is not Posture.Reactive
            or f"prefect.flow-run.{state}" not in trigger.expect
        ):
            return False
        related = {
            "prefect.resource.id": "prefect.deployment.x",
            "prefect.resource.role": "deployment",
            "prefect.resource.name": deployment["name"],
        }
        return ResourceSpecification.model_validate(trigger.match_related).matches(
            Resource.model_validate(related)
        )

    assert len([a for a in automations(None) if tells(a)]) == 1


def test_every_alert_names_a_runbook_that_is_there() -> None:
    for automation in automations(None):
        (named,) = re.findall(r"docs/runbooks/[a-z-]+\.md", automation.description)
        assert (ROOT / named).is_file()
