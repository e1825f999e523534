"""``adcanary evaluate rules``: on simulated accounts whose true response is known."""

from __future__ import annotations

from statistics import fmean
from typing import Annotated

import typer

from pipelines.cli.console import Format, print_object, print_plainly, print_rows
from pipelines.cli.options import FormatOption, SeedOption

_ARMS = ("default", "tuned", "chosen", "status quo")


def rules(
    *,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Accounts to simulate.")] = 3,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="Weeks that each arm runs.")] = 12,
    iterations: Annotated[
        int, typer.Option(min=1, help="Sets of parameters that tuning tries.")
    ] = 60,
    signal: Annotated[
        bool, typer.Option(help="Whether ad sets differ; without it no rule can gain.")
    ] = True,
    seed: SeedOption = 200,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Score the default rules and tuned ones by the regret of an equal split that they save.

    "chosen" is what tuning chose; "tuned" that, where it beat the default on weeks held out, and
    the default where it didn't.
    """
    from pipelines.evaluate.rules import score_rules

    scores = score_rules(range(seed, seed + seeds), weeks, iterations, signal=signal)
    rows = [
        {
            "seed": score.seed,
            "regret of equal split": round(score.regret("equal"), 4),
            **{arm: round(score.reduction(arm), 3) for arm in _ARMS},
            "verdict": "better" if score.tuned.better else "default stays",
        }
        for score in scores
    ]
    means = {arm: fmean(s.reduction(arm) for s in scores) for arm in _ARMS}
    kept = sum(not score.tuned.better for score in scores)
    if format_ is Format.JSON:
        print_object({"reduction": means, "default_stays": kept, "seeds": rows})
        return
    print_rows(rows, format_)
    if format_ is Format.TABLE:
        shares = ", ".join(f"{arm} {means[arm]:.0%}" for arm in _ARMS)
        print_plainly(f"Regret of an equal split saved: {shares}. The default stays {kept} times.")
