"""Scores uplift learners on units that a person brings, beside the true effects where known."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from pipelines.errors import UsageError
from pipelines.evaluate.uplift_file import Brought, Columns, read_units
from pipelines.job_settings import LearnerName
from pipelines.jobs.base import Progress, significant
from pipelines.jobs.uplift.analysis import COMBINED, Answer, LearnerAnswer, Plan, analyse
from pipelines.jobs.uplift.learners import LEARNERS, suits

ALL = "all"


@dataclass(frozen=True)
class UpliftScore:
    """An analysis beside the truth.

    Args:
        truth: the true effect of each unit that ``pehe`` compares, if it is known.
        headline: the learner, or the combination, whose figures come first.
        seconds: of the whole.
    """

    brought: Brought
    answer: Answer
    truth: np.ndarray[Any, Any] | None
    on_holdout: bool
    headline: str
    seconds: float

    @property
    def verdict(self) -> str:
        return "INCONCLUSIVE" if self.answer.doubts else "PASS"

    @property
    def reason(self) -> str:
        """Why, in sentences for a person."""
        said = self.answer.answers[self.headline]
        if self.answer.doubts:
            return f"No decision should rest on it: {'; '.join(self.answer.doubts)}."
        how = "randomised" if self.answer.randomised else "not randomised, weighted by propensity"
        sample = self.brought.sample
        ranks = said.ranking.qini_interval is not None and said.ranking.qini_interval[0] > 0
        return (
            f"{int(sample.treated.sum()):,} treated and {int((~sample.treated).sum()):,} control "
            f"units, {how}: the treatment changes the outcome by {said.ate.value:+.4g} (95% "
            f"interval {said.ate.low:+.4g} to {said.ate.high:+.4g}), and whom to treat first "
            + ("can be told." if ranks else "can't be told from chance.")
        )

    def figures(self) -> dict[str, Any]:
        """As one JSON object."""
        a, sample = self.answer, self.brought.sample
        worst = max(a.balance.differences, key=lambda n: abs(a.balance.differences[n]), default="")
        return {
            **self._of(a.answers[self.headline]),
            "placebo_p": significant(a.placebo_p),
            "verdict": self.verdict,
            "reason": self.reason,
            "ate_true": None if self.truth is None else float(self.truth.mean()),
            "arm": self.brought.arm,
            "treated": int(sample.treated.sum()),
            "control": int((~sample.treated).sum()),
            "control_mean": significant(a.control_mean),
            "randomised": a.randomised,
            "sample_ratio_p": a.ratio_p,
            "balance": {
                "p": significant(a.balance.p_value),
                "largest_difference": significant(a.balance.largest),
                "covariate": worst or None,
                "largest_weighted": None if a.weighted is None else significant(a.weighted),
            },
            "trimmed": significant(float(1 - a.kept.mean())),
            "e_value": None if a.e_value is None else significant(a.e_value),
            "power": {"have": a.power.have, "needed": a.power.needed, "of": a.power.of},
            "covariates": [str(name) for name in sample.frame.columns],
            "left_out": dict(self.brought.left_out),
            "notes": list(self.brought.notes),
            "segments": [
                {
                    "segment": each.segment.label,
                    "n": each.estimate.units,
                    "uplift": significant(each.estimate.value),
                    "interval": [significant(each.estimate.low), significant(each.estimate.high)],
                    "q": significant(each.q_value),
                }
                for each in a.segments
            ],
            "weights": {name: significant(weight) for name, weight in a.weights.items()},
            "engines": {name: self._of(said) for name, said in a.answers.items()},
            "seconds": round(self.seconds, 2),
        }

    def _of(self, said: LearnerAnswer) -> dict[str, Any]:
        """The figures of one learner."""
        ranking = said.ranking
        error = None
        if self.truth is not None:
            effect = said.new_effect if self.on_holdout else said.effect
            if effect is not None:
                error = float(((effect - self.truth) ** 2).mean())
        return {
            "ate": significant(said.ate.value),
            "ate_interval": [significant(said.ate.low), significant(said.ate.high)],
            "qini": _rounded(ranking.qini),
            "qini_interval": _interval(ranking.qini_interval),
            "auuc": _rounded(ranking.auuc),
            "auuc_interval": _interval(ranking.auuc_interval),
            "pehe": _rounded(error),
            "root_pehe": None if error is None else significant(float(np.sqrt(error))),
        }


def score_uplift(
    data: Path,
    columns: Columns,
    plan: Plan,
    progress: Progress,
    *,
    holdout: Path | None = None,
    engine: str = ALL,
) -> UpliftScore:
    """Analyse the units of a file with one learner, or with all and their combination.

    Args:
        holdout: other units, for Qini, AUUC and PEHE; else those of ``data`` are used, each by
            models that didn't see it.

    Raises:
        UsageError: there is no such engine, or it can't be used on this outcome.
        InputError: a file that can't be used; says why.
    """
    if engine not in (ALL, *LEARNERS):
        raise UsageError(
            f"There is no engine '{engine}'.",
            kept="nothing was read.",
            fix=f"Use one of {', '.join((ALL, *LEARNERS))}.",
        )
    began = time.perf_counter()
    brought = read_units(data, columns)
    if (
        holdout is not None
        and holdout.is_file()
        and data.is_file()
        and holdout.read_bytes() == data.read_bytes()
    ):
        raise UsageError(
            "--holdout has the units of --data: a ranking is judged on others.",
            kept="nothing was fitted.",
            fix="Bring other units, or leave it out: each unit is then judged by models that "
            "didn't see it.",
        )
    new = read_units(holdout, columns, brought) if holdout else None
    headline: str = COMBINED
    if engine != ALL:
        name = cast(LearnerName, engine)
        if not suits(name, brought.sample):
            raise UsageError(
                f"The engine '{engine}' needs an outcome of 0 and 1 and 300 units an arm.",
                kept="nothing was fitted.",
                fix=f"Use one of {', '.join(each for each in LEARNERS if each != name)}.",
            )
        headline, plan = engine, replace(plan, learners=(name,))
    answer = analyse(
        brought.sample,
        brought.halves,
        plan,
        progress,
        placebo=brought.placebo,
        new=new.sample if new else None,
    )
    truth = new.effect if new else brought.effect
    seconds = time.perf_counter() - began
    return UpliftScore(brought, answer, truth, new is not None, headline, seconds)


def _rounded(value: float | None) -> float | None:
    return None if value is None else significant(value)


def _interval(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [significant(v) for v in interval]


def rows_of(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row an engine, as a table shows them."""
    return [
        {
            "engine": name,
            "ATE": _short(each["ate"]),
            "95% interval": _range(each["ate_interval"]),
            "Qini": _short(each["qini"]),
            "Qini 95%": _range(each["qini_interval"]),
            "AUUC": _short(each["auuc"]),
            "√PEHE": _short(each["root_pehe"]),
        }
        for name, each in figures["engines"].items()
    ]


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _range(interval: list[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.4g} to {interval[1]:.4g}"
