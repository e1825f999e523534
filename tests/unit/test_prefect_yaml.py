"""prefect.yaml: Prefect ignores misspelt keys, leaves removed schedules live, and is an hour early
where a change of clocks skips the hour: all are held."""

import copy
import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.flows import Flow

CONTENT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())
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


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_entrypoint_is_a_flow_that_takes_the_parameters(deployment: dict[str, Any]) -> None:
    path, name = deployment["entrypoint"].split(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(flow, Flow)
    assert set(deployment["parameters"]) <= set(flow.parameters.properties)
    # as a worker does: text from the file becomes what the flow asks for
    assert flow.validate_parameters(deployment["parameters"])["config"] == Path("adcanary.yaml")
