"""The propose flow: from the jobs' results to proposals for a person to decide on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from flows.automations import EXPIRED
from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.config import Settings, load_settings
from pipelines.proposals.events import SERVICE
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.propose import Proposed
from pipelines.proposals.propose import propose as append_new
from pipelines.proposals.scorecard.run import score_all
from pipelines.proposals.scorecard.standing import barred_jobs
from pipelines.proposals.terms import Terms, unlike_file
from pipelines.warehouse import open_warehouse


@task(name="scorecard", **RETRIES)
def score_proposals(config: Path | None, as_of: date | None) -> dict[str, str]:
    """Score earlier proposals by what came of them; the jobs that may not propose, with why."""
    settings = load_settings(config)
    warehouse = open_warehouse(settings)
    day = as_of or settings.yesterday()
    score_all(Ledger(warehouse, None), day, settings.clock(), settings.reporting_currency)
    return barred_jobs(warehouse, day)


@task(name="propose", **RETRIES)
def draft_proposals(config: Path | None, as_of: date | None) -> Proposed:
    """Draft, check and append proposals; the same finding is not proposed twice."""
    settings = load_settings(config)
    ledger = open_ledger(open_warehouse(settings), settings)
    terms = Terms.of(settings, ledger.policy(), as_of)
    if note := unlike_file(terms.policy, settings):
        get_run_logger().warning("%s", note)
    return append_new(ledger, terms, created_by=SERVICE.name)


@flow(name="propose", timeout_seconds=HOUR)
def propose(config: Path | None = None, as_of: date | None = None) -> Proposed:
    """Score what was proposed, then propose from the latest results.

    Proposals that expired undecided are an event, ``adcanary.proposals.expired``, for automations.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
        as_of: last day of evidence; by default yesterday, where amounts are reported.
    """
    barred = score_proposals(config, as_of)
    proposed = draft_proposals(config, as_of)
    link = page_link(load_settings(config))
    lines = [
        f"{len(proposed.created)} new, {len(proposed.existing)} known, "
        f"{len(proposed.superseded)} superseded, {len(proposed.expired)} expired",
        "",
        *(f"- {link(proposal_id)}" for proposal_id in proposed.created),
        *(f"- {text(r)}" for r in (*proposed.refused, *map(_barred, barred.items()))),
    ]
    create_markdown_artifact(key="proposals", markdown="\n".join(lines))
    if proposed.expired:
        emit_event(
            EXPIRED,
            resource={"prefect.resource.id": "adcanary.proposals"},
            payload={"proposals": list(proposed.expired)},
        )
    return proposed


def page_link(settings: Settings) -> Callable[[str], str]:
    """A proposal's id as a link to the review page, in Markdown; the id, where none is named."""
    url = settings.review.url
    return lambda id_: f"[{text(id_)}]({url.rstrip('/')}/proposals/{id_})" if url else text(id_)


def _barred(job: tuple[str, str]) -> str:
    name, reason = job
    return f"{name} may not propose: {reason}."
