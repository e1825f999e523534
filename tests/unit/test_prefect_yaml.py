"""prefect.yaml: Prefect ignores misspelt keys and leaves removed schedules live: both are held."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.cli.deploy._models import DeploymentConfig
from prefect.flows import Flow

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "prefect.yaml").read_text()
)["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_key_is_one_that_prefect_knows(deployment: dict[str, Any]) -> None:
    assert set(deployment) <= set(DeploymentConfig.model_fields)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_deployment_states_its_schedules(deployment: dict[str, Any]) -> None:
    assert isinstance(deployment["schedules"], list)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_entrypoint_is_a_flow_that_takes_the_parameters(deployment: dict[str, Any]) -> None:
    path, name = deployment["entrypoint"].split(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(flow, Flow)
    assert set(deployment["parameters"]) <= set(flow.parameters.properties)
    # as a worker does: text from the file becomes what the flow asks for
    assert flow.validate_parameters(deployment["parameters"])["config"] == Path("adcanary.yaml")
