"""The daily flow: ingest, transform, decide, propose. Read down: this is the whole platform.

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


class AccountsFailed(RuntimeError):
    """Some accounts were not ingested; the others were, and everything after ran on them."""


@flow(name="daily", validate_parameters=False)
def daily(config: Path | None = None) -> None:
    """One day: what the platforms report, to what a person may decide.

    Raises:
        AccountsFailed: at the end, when an account could not be ingested, naming each. What
            rests on its data is refused by freshness, not computed on old figures.
    """
    _, failed = ingest(config)
    transform(config)
    decide(config)
    propose(config)
    if failed:
        raise AccountsFailed("\n".join(failed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path)
    daily(parser.parse_args().config)
