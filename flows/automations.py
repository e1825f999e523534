"""What Prefect's server watches for: runs that fail, crash, hang or don't come, and what they told.

Each names a runbook (docs/runbooks/). They are the server's, so they hold while no worker does.
Nothing that a platform said goes into a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

EXPIRED = "adcanary.proposals.expired"
"""The event that proposals expired before anybody decided on them; its payload names them."""

GATES, RECORD = "gates", "verify"
OTHERS = ("daily*", "ingest*", "transform", "decide*", "propose", "retention", "backup")
"""The deployments whose failure is nothing but that; those of the gates and the record are more."""

_RUN = "prefect.flow-run"
_ANY_RUN = {"prefect.resource.id": f"{_RUN}.*"}
_ENDED = {f"{_RUN}.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled")}
_BEAT = f"{_RUN}.heartbeat"
# Prefect's flows beat every three minutes; three beats missed are a dead process.
_SILENCE = timedelta(minutes=10)
# The daily run, and two hours for it.
_DAY = timedelta(hours=26)


def automations(block_id: UUID | None) -> list[AutomationCore]:
    """Every automation there is.

    Args:
        block_id: the notification block that messages go through; None: they are in the server's
            list of events alone.
    """
    return [
        _told(block_id, "a flow failed", "flow-failed", _runs("Failed", OTHERS)),
        _told(block_id, "a gate failed", "gate-failed", _runs("Failed", [GATES])),
        _told(block_id, "the record is broken", "ledger-broken", _runs("Failed", [RECORD])),
        _told(
            block_id, "a flow crashed", "flow-crashed", _runs("Crashed", [*OTHERS, GATES, RECORD])
        ),
        _told(
            block_id, "a flow doesn't start", "flow-late", _runs("Late", [*OTHERS, GATES, RECORD])
        ),
        _told(
            block_id,
            "no daily run completed for a day",
            "late-data",
            _runs("Completed", ["daily", "daily-propose"], posture=Posture.Proactive, within=_DAY),
            about_run=False,
        ),
        _told(
            block_id,
            "proposals expired undecided",
            "expired-proposals",
            EventTrigger(
                match={"prefect.resource.id": "adcanary.proposals"},
                expect={EXPIRED},
                posture=Posture.Reactive,
                threshold=1,
            ),
            about_run=False,
        ),
        AutomationCore(
            name="adcanary: a flow that stopped beating has crashed",
            description="Its process was killed, with its worker: docs/runbooks/flow-crashed.md",
            trigger=EventTrigger(
                match=_ANY_RUN,
                after={_BEAT},
                expect={_BEAT, *_ENDED},
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=_SILENCE,
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat: killed.")],
        ),
    ]


def create_automations(block_id: UUID | None) -> list[str]:
    """Make the automations on the server, or bring them up to date; their names."""
    client = get_client(sync_client=True)
    wanted = automations(block_id)
    for automation in wanted:
        existing = client.read_automations_by_name(automation.name)
        for known in existing[:1]:
            client.update_automation(known.id, automation)
        for double in existing[1:]:
            client.delete_automation(double.id)
        if not existing:
            client.create_automation(automation)
    return [automation.name for automation in wanted]


def _runs(
    state: str,
    deployments: Sequence[str],
    *,
    posture: Posture = Posture.Reactive,
    within: timedelta = timedelta(0),
) -> EventTrigger:
    """Runs of these deployments that reach a state; or, proactively, that none does in a time."""
    related: dict[str, Any] = {
        "prefect.resource.role": "deployment",
        "prefect.resource.name": list(deployments),
    }
    return EventTrigger(
        match=_ANY_RUN,
        match_related=related,
        expect={f"{_RUN}.{state}"},
        posture=posture,
        threshold=1,
        within=within,
    )


def _told(
    block_id: UUID | None,
    what: str,
    runbook: str,
    trigger: EventTrigger,
    *,
    about_run: bool = True,
) -> AutomationCore:
    run = "{{ deployment.name }}, run {{ flow_run.name }}: {{ flow_run|ui_url }}\n"
    body = f"{run if about_run else ''}What to do: docs/runbooks/{runbook}.md"
    message = None
    if block_id:
        message = SendNotification(
            block_document_id=block_id, subject=f"adcanary: {what}", body=body
        )
    return AutomationCore(
        name=f"adcanary: {what}",
        description=f"docs/runbooks/{runbook}.md",
        trigger=trigger,
        actions=[message or DoNothing()],
    )
