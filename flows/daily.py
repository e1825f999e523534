"""The daily flow: ingest, transform, decide, propose. This is the whole platform, top to bottom.

``python -m flows.daily --config adcanary.yaml`` runs it once, without a deployment.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from prefect import flow

from flows.decide import decide
from flows.ingest import ingest
from flows.propose import propose
from flows.retries import HOUR
from flows.server import served
from flows.transform import transform


@flow(name="daily", timeout_seconds=12 * HOUR)
def daily(config: Path | None = None, jobs: list[str] | None = None) -> None:
    """One day, from what the platforms report to what a person may decide.

    What fails, fails alone, and the flow at the end: accounts that could not be ingested (a
    proposal for one with old data fails its freshness guardrail), jobs that could not run (their
    last results stand).

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
        jobs: only these decision jobs; by default all.

    Raises:
        AccountsFailed: accounts could not be ingested; names each.
        JobsFailed: jobs could not run; names each.
    """
    ingested = ingest(config, return_state=True)
    transform(config)
    decided = decide(config, jobs, return_state=True)
    propose(config)
    for state in (ingested, decided):
        state.result()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path)
    with served():
        daily(parser.parse_args().config)
