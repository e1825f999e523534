"""What may not run twice at once, whichever deployments start it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound

from pipelines.errors import ConfigError

BUILD = "adcanary-build"
"""dbt's models: on BigQuery, two builds at once would make the same tables."""

# How long a killed process keeps others waiting.
_LEASE_SECONDS = 120.0


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold a limit while what follows runs; another that holds it is waited for.

    Raises:
        ConfigError: the server doesn't know the limit. Prefect would go on without.
    """
    try:
        get_client(sync_client=True).read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        raise ConfigError(
            f"Prefect's server has no concurrency limit '{name}', so two builds could run at once.",
            kept="nothing was built.",
            fix="Deploy with `python -m flows.deploy`, which makes it.",
        ) from None
    with concurrency(name, lease_duration=_LEASE_SECONDS, strict=True):
        yield


def create_limits(*, anew: bool = False) -> None:
    """Make the limits on the server that PREFECT_API_URL names.

    Args:
        anew: also take back slots that a killed run holds. A server keeps what it lends in its
            memory, and the number lent in its database (seen in 3.9.1), so one that is
            started again would wait for ever.
    """
    client = get_client(sync_client=True)
    if anew:
        with suppress(ObjectNotFound):
            client.delete_global_concurrency_limit_by_name(BUILD)
    client.upsert_global_concurrency_limit_by_name(BUILD, 1)
