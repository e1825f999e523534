"""``python -m flows.deploy``: all that Prefect's server has to know, made or brought up to date.

The work pool, the limits, every deployment of prefect.yaml and the automations. Run it from the
checkout, with PREFECT_API_URL set, at every upgrade and change of prefect.yaml.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import yaml
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from flows.automations import create_automations
from flows.limits import create_limits
from pipelines.errors import AdcanaryError, ConfigError
from pipelines.secret_settings import Secrets

POOL = "adcanary"
TAG = "adcanary"
"""Every deployment of ours has it: so those are known that prefect.yaml no longer names."""
_BLOCK = "adcanary-alerts"


def deploy(prefect_file: Path, *, alerts: str | None = None, prune: bool = False) -> list[str]:
    """Make the server know what is in the checkout.

    Args:
        prefect_file: prefect.yaml, or what Terraform gives for Cloud Run.
        alerts: a notification block, as ``type/name``, that alerts go through; by default Slack,
            where ADCANARY_SLACK_WEBHOOK is set.
        prune: delete deployments of ours that the file doesn't name. They stay scheduled otherwise.

    Returns:
        What was done, in sentences.

    Raises:
        ConfigError: no server is named, it refuses the file, or there is no such block; or the
            file is for containers, whose worker hasn't made the work pool.
    """
    if not PREFECT_API_URL.value():
        raise ConfigError(
            "No Prefect server is named, so a deployment would be in none that runs.",
            kept="nothing was deployed.",
            fix="Set PREFECT_API_URL, as in http://127.0.0.1:4200/api.",
        )
    client = get_client(sync_client=True)
    deployments = _read(prefect_file)
    _make_pool(in_containers=any("job_variables" in d["work_pool"] for d in deployments))
    create_limits()
    _prefect_deploy(prefect_file)
    named = {deployment["name"] for deployment in deployments}
    block_id = _block(alerts)
    said = [f"{len(named)} deployments of {prefect_file.name} are scheduled as it says."]
    for deployment in client.read_deployments(
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    ):
        if deployment.name in named:
            continue
        if prune:
            client.delete_deployment(deployment.id)
            said.append(f"{deployment.name}, which the file doesn't name, was deleted.")
        else:
            said.append(
                f"{deployment.name} isn't in the file, and still runs: delete it with --prune."
            )
    said.append(f"{len(create_automations(block_id))} automations watch them.")
    if block_id is None:
        said.append(
            "Alerts go nowhere but the server's own list: set ADCANARY_SLACK_WEBHOOK, or name a "
            "notification block with --alerts type/name."
        )
    return said


def _read(prefect_file: Path) -> list[dict[str, Any]]:
    try:
        deployments: list[dict[str, Any]] = yaml.safe_load(prefect_file.read_text())["deployments"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{prefect_file} can't be read as a prefect.yaml: {type(error).__name__}: {error}",
            kept="nothing was deployed.",
            fix="Run this from the checkout, or name the file with --prefect-file.",
        ) from error
    return deployments


def _make_pool(*, in_containers: bool) -> None:
    """The pool of processes of one machine, if it isn't there. One of containers is its worker's
    to make, which knows what a container takes."""
    client = get_client(sync_client=True)
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        if in_containers:
            raise ConfigError(
                f"There is no work pool '{POOL}' yet, and these deployments run in containers.",
                kept="nothing was deployed.",
                fix="Start the worker first, which makes it (docs/infrastructure.md).",
            ) from None
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


def _prefect_deploy(prefect_file: Path) -> None:
    command = ["--no-prompt", "deploy", "--all", "--prefect-file", str(prefect_file)]
    ended = subprocess.run(
        [sys.executable, "-m", "prefect", *command], check=False, capture_output=True, text=True
    )
    if ended.returncode:
        raise ConfigError(
            f"`prefect deploy` refused {prefect_file}:\n{(ended.stdout + ended.stderr)[-2000:]}",
            kept="deployments before the refused one were made.",
            fix="Mend the file, and deploy again.",
        )


def _block(alerts: str | None) -> UUID | None:
    """The notification block that is named, or Slack's, which is made."""
    if alerts is None:
        webhook = Secrets().slack_webhook
        if not webhook or not webhook.get_secret_value():
            return None
        return cast(UUID, SlackWebhook(url=webhook).save(_BLOCK, overwrite=True))
    try:
        block = Block.load(alerts)
    except ValueError as error:
        raise ConfigError(
            f"The server has no block {alerts}.",
            kept="the deployments were made; automations are as they were.",
            fix="Make it on the server's page (Blocks), and name it as type/name.",
        ) from error
    if not isinstance(block, NotificationBlock):
        raise ConfigError(
            f"The block {alerts} can't send messages.",
            kept="the deployments were made; automations are as they were.",
            fix="Name a notification block, such as slack-webhook/NAME.",
        )
    return block._block_document_id


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prefect-file", type=Path, default=Path("prefect.yaml"))
    parser.add_argument("--alerts", metavar="TYPE/NAME", help="notification block for alerts")
    parser.add_argument("--prune", action="store_true", help="delete what the file doesn't name")
    arguments = parser.parse_args()
    try:
        for sentence in deploy(
            arguments.prefect_file, alerts=arguments.alerts, prune=arguments.prune
        ):
            print(sentence)
    except AdcanaryError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except httpx.HTTPStatusError as error:  # such as 401, of a workspace that wants a key
        print(
            f"Prefect's server at {PREFECT_API_URL.value()} answers {error.response.status_code}: "
            f"{error.response.text[:300]}\n"
            "Kept: what was deployed before is as it was.\n"
            "Next: check PREFECT_API_URL and PREFECT_API_KEY; then deploy again.",
            file=sys.stderr,
        )
        raise SystemExit(3) from None
    except httpx.TransportError as error:
        print(
            f"Prefect's server at {PREFECT_API_URL.value()} can't be reached: {error}\n"
            "Kept: what was deployed before is as it was.\n"
            "Next: start it, or correct PREFECT_API_URL; then deploy again.",
            file=sys.stderr,
        )
        raise SystemExit(3) from None
