"""The report of a market: rows for people, one object for programs, a picture for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.jobs.figures import panels
from pipelines.sandbox.lab.loop import ADCANARY, CAPPED, STATUS_QUO
from pipelines.sandbox.lab.score import SeedScore, coverage, figures

_COLOURS = ("#b5541c", "#555555", "#7a5195", "#c98a00", "#1f4e79", "#4878a8")


def arm_rows(scores: Sequence[SeedScore]) -> list[dict[str, Any]]:
    """A row an arm: means over seeds."""
    most = sum(s.gain(CAPPED) for s in scores)
    usual = sum(s.arms[STATUS_QUO].conversions for s in scores)
    rows = []
    for name in scores[0].arms:
        arms = [s.arms[name] for s in scores]
        gain = sum(s.gain(name) for s in scores)
        brought = sum(a.spend / a.cac for a in arms)
        rows.append(
            {
                "arm": name,
                "conversions": round(float(np.mean([a.conversions for a in arms]))),
                "over status quo": f"{gain / usual:+.1%}",
                "CAC": round(sum(a.spend for a in arms) / brought, 2),
                "share of the gain": f"{gain / most:.0%}" if most > 0 else None,
                "weeks over the CAC ceiling": sum(a.cac_violations for a in arms),
            }
        )
    return rows


def seed_rows(scores: Sequence[SeedScore]) -> list[dict[str, Any]]:
    """A row a seed, of the platform."""
    return [
        {
            "seed": s.seed,
            "captured": _percent(s.captured_gain),
            "coverage": _percent(coverage(s.claims)),
            "claims": len(s.claims),
            "CAC violations": s.arms[ADCANARY].cac_violations,
            "increases over": s.increases_over,
            "caps broken": sum(s.broken.values()),
            "last weeks": f"{s.arms[ADCANARY].ending - 1:+.1%}",
            "proposed": s.proposals,
            "approved": s.approved,
            "tests": s.tests,
            "seconds": round(s.seconds),
        }
        for s in scores
    ]


def refusal_rows(scores: Sequence[SeedScore]) -> list[dict[str, Any]]:
    """Why less was approved than could have been, the most frequent first."""
    return [{"refused": why, "times": n} for why, n in figures(scores)["refused"].items()]


def report_object(market: str, weeks: int, scores: Sequence[SeedScore]) -> dict[str, Any]:
    """Everything, by seed and in all."""
    return {
        "market": market,
        "weeks": weeks,
        "seeds": [s.seed for s in scores],
        "interval": "p10 to p90, as the proposals state it",
        **figures(scores),
        "regret_by_week": np.mean([s.regret(ADCANARY) for s in scores], axis=0).round(2).tolist(),
        "arms": {row["arm"]: _of_arm(row) for row in arm_rows(scores)},
        "by_seed": [_of_seed(s) for s in scores],
    }


def _of_arm(row: dict[str, Any]) -> dict[str, Any]:
    return {key.replace(" ", "_").lower(): value for key, value in row.items() if key != "arm"}


def _of_seed(s: SeedScore) -> dict[str, Any]:
    return {
        "seed": s.seed,
        **figures([s]),
        "regret_by_week": s.regret(ADCANARY).round(2).tolist(),
        "useless_share": s.useless,
        "hints": [asdict(hint) for hint in s.hints],
        "arms": {
            name: {
                "conversions": round(arm.conversions, 1),
                "orders": arm.orders,
                "spend": round(arm.spend, 2),
                "cac": round(arm.cac, 2),
                "cac_violations": arm.cac_violations,
                "last_weeks_over_status_quo": round(arm.ending - 1, 4),
            }
            for name, arm in s.arms.items()
        },
    }


def draw(market: str, scores: Sequence[SeedScore], path: Path) -> Path:
    """Two panels: orders over the status quo's by arm and week, and what was claimed and came."""
    with panels(
        path, 2, columns=2, size=(6.0, 4.0), title=f"The closed loop: {market}", dpi=110
    ) as (gains, claimed):
        for name, colour in zip(scores[0].arms, _COLOURS, strict=True):
            over = [s.arms[name].weekly - s.arms[STATUS_QUO].weekly for s in scores]
            mean = np.mean(over, axis=0)
            weeks = np.arange(1, len(mean) + 1)
            gains.plot(weeks, mean, color=colour, label=name, lw=2 if name == ADCANARY else 1.2)
        gains.set_xlabel("week")
        gains.set_ylabel("orders a week over the status quo, mean over seeds")
        gains.legend(fontsize=7)
        every = [claim for s in scores for claim in s.claims]
        for held, colour in ((True, "#4878a8"), (False, "#b5541c")):
            own = [c for c in every if c.held is held]
            middle = [c.claimed.p50 for c in own]
            ends = [
                [c.claimed.p50 - c.claimed.p10 for c in own],
                [c.claimed.p90 - c.claimed.p50 for c in own],
            ]
            label = f"{'inside' if held else 'outside'} the interval ({len(own)})"
            claimed.errorbar(
                [c.true for c in own],
                middle,
                yerr=ends,
                fmt=".",
                ms=3,
                lw=0.4,
                color=colour,
                label=label,
            )
        if every:
            line = [min(c.true for c in every), max(c.true for c in every)]
            claimed.plot(line, line, color="#555555", lw=1)
        claimed.set_xlabel("true change of a week's orders, by proposal")
        claimed.set_ylabel("claimed: p10, p50, p90")
        claimed.legend(fontsize=7)
    return path


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
