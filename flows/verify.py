"""The verify flow: proves every day that the record of decisions is whole."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.config import load_settings
from pipelines.proposals.ledger import open_ledger
from pipelines.proposals.verify import verify as verify_ledger
from pipelines.warehouse import open_warehouse


@task(name="verify", **RETRIES)
def verify_record(config: Path | None) -> str:
    """Recompute the chain, and hold it to the anchor; what was verified, as sentences."""
    settings = load_settings(config)
    ledger = open_ledger(open_warehouse(settings, create=False), settings)
    return verify_ledger(ledger, settings.clock())


@flow(name="verify", timeout_seconds=HOUR)
def verify(config: Path | None = None) -> str:
    """Verify every event, proposal and recorded change, as ``adcanary audit verify`` does.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.

    Raises:
        IntegrityError: something was altered after the fact; names the row. Make no decisions.
    """
    verified = verify_record(config)
    lines = "\n".join(f"- {text(line)}" for line in verified.splitlines())
    create_markdown_artifact(key="record-of-decisions", markdown=lines)
    return verified
