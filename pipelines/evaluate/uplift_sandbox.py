"""Scores the uplift job's answer in a sandbox against what its experiment truly changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipelines.config import Settings
from pipelines.errors import UsageError
from pipelines.evaluate.identity import market_arguments
from pipelines.jobs.base import significant
from pipelines.jobs.uplift import UpliftJob
from pipelines.jobs.uplift.analysis import COMBINED, analyse
from pipelines.jobs.uplift.comparisons import Comparison
from pipelines.jobs.uplift.job import comparisons_of, plan_of
from pipelines.sandbox.market.experiment import BANNER, EXPERIMENT
from pipelines.sandbox.market.market import Market
from pipelines.warehouse import Warehouse

_RUN = """SELECT as_of, verdict, reason FROM contracts.job_runs
WHERE job = 'uplift' ORDER BY as_of DESC, finished_at DESC LIMIT 1"""
_DEVICES = Path(__file__).parent / "experiment_devices.sql"


def score_experiment(warehouse: Warehouse, settings: Settings) -> dict[str, Any]:
    """The effects that the latest run found, computed again from its inputs, beside the true ones.

    Raises:
        UsageError: the warehouse is not a sandbox's, or the job hasn't run on its experiment.
    """
    shown = Market(**market_arguments(settings, "uplift")).experiment.shown
    runs = warehouse.query(_RUN).to_pylist()
    limits = settings.jobs.uplift
    compared = None
    if runs:
        inputs = UpliftJob().read(warehouse, runs[0]["as_of"])
        for each in comparisons_of(inputs, limits, runs[0]["as_of"]):
            if isinstance(each, Comparison) and each.experiment == EXPERIMENT:
                compared = each
    if compared is None or compared.variation != BANNER:
        raise UsageError(
            "No run of the uplift job has compared the sandbox's experiment.",
            kept="nothing was changed.",
            fix="Run `adcanary ingest ga4_export`, `adcanary build` and `adcanary job uplift`.",
        )
    devices = {
        row["person_id"]: row["device"]
        for row in warehouse.query(_DEVICES.read_text(), {"experiment": EXPERIMENT}).to_pylist()
    }
    truth = np.array([shown[devices[person]].effect for person in compared.people])
    answer = analyse(
        compared.sample, compared.halves, plan_of(limits), lambda _: None, placebo=compared.placebo
    )
    said = answer.answers[COMBINED]
    rest = ~compared.halves
    return {
        "verdict": runs[0]["verdict"],
        "reason": runs[0]["reason"],
        "people": compared.sample.size,
        "mixed": compared.mixed,
        "ate": significant(said.ate.value),
        "ate_interval": [significant(said.ate.low), significant(said.ate.high)],
        "ate_true": significant(float(truth.mean())),
        "qini": said.ranking.qini,
        "qini_interval": said.ranking.qini_interval,
        "auuc": said.ranking.auuc,
        "placebo_p": significant(answer.placebo_p),
        "pehe": significant(float(((said.effect - truth) ** 2).mean())),
        "root_pehe": significant(float(np.sqrt(((said.effect - truth) ** 2).mean()))),
        "segments": [
            {
                "segment": part.segment.label,
                "n": part.estimate.units,
                "uplift": significant(part.estimate.value),
                "interval": [significant(part.estimate.low), significant(part.estimate.high)],
                "truth": significant(
                    float(truth[part.segment.holds(compared.sample.frame) & rest].mean())
                ),
            }
            for part in answer.segments
        ],
    }
