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
from flows.transform import transform


@flow(name="daily")
def daily(config: Path | None = None) -> None:
    """One day, from what the platforms report to what a person may decide.

    Raises:
        AccountsFailed: at the end, if accounts could not be ingested; names each. A proposal for an
            account with old data fails its freshness guardrail.
    """
    ingested = ingest(config, return_state=True)
    transform(config)
    decide(config)
    propose(config)
    ingested.result()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path)
    daily(parser.parse_args().config)
