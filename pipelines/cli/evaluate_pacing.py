"""``adcanary evaluate pacing``: simulated months with planted faults."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import Format, print_object, print_rows, rounded
from pipelines.cli.options import FormatOption


def pacing(
    months: Annotated[int, typer.Option(help="Campaign-months that each simulator makes.")] = 200,
    simulator: Annotated[str, typer.Option(help="market, platform, or all.")] = "all",
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated months.")] = 101,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Score pacing on simulated months with planted faults, beside a random alerter.

    Pacing was tuned on the market simulator's seeds 1 to 9, and never on the platform simulator's.
    """
    from pipelines.evaluate.pacing import score_pacing

    scores = score_pacing(months, simulator, seed)
    if format_ is Format.JSON:
        figures = {
            name: {side: score.figures() for side, score in sides.items()}
            for name, sides in scores.items()
        }
        print_object(
            {name: {**by["pacing"], "random": by["random"]} for name, by in figures.items()}
        )
        return
    rows = [(name, side, score) for name, sides in scores.items() for side, score in sides.items()]
    print_rows(
        [
            {"simulator": name, "alerter": side, "healthy months": score.healthy_months}
            | {"alerted": f"{score.alerted:.1%}", "alert-days a month": rounded(score.alert_days)}
            for name, side, score in rows
        ],
        format_,
    )
    print_rows(
        [
            {"simulator": name, "alerter": side, "fault": fault, "events": event.events}
            | {
                key: rounded(value)
                for key, value in event.figures().items()
                if key not in ("events", "misspent_amount")
            }
            for name, side, score in rows
            for fault, event in score.by_fault.items()
        ],
        format_,
    )
