"""Which failures a task retries: what is Transient in the tree of errors, and nothing else; and the
unit of the flows' timeouts, after which one that hangs ends as failed."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from pipelines.errors import Transient

HOUR = 3600.0


async def is_transient(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """True if the task's exception may pass: see pipelines/errors.py."""
    result = await state.aresult(raise_on_failure=False)
    return isinstance(result, Transient)


# Options of every task that talks to a platform or the warehouse.
RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
}
