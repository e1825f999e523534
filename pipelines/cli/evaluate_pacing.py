"""``adcanary evaluate pacing``: on a file, or on simulated months with planted faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import Format, err, print_object, print_tables, rounded
from pipelines.cli.options import FormatOption, SeedOption, refuse_given
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.evaluate.pacing import PacingScore


def pacing(
    ctx: typer.Context,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with a row a campaign and day: campaign, date, cost, budget[, platform]"
            "[, currency][, fault]; without one, simulated months."
        ),
    ] = None,
    holidays: Annotated[
        str | None, typer.Option(help="Country of the file's public holidays: US, or DE-BY.")
    ] = None,
    months: Annotated[int, typer.Option(help="Campaign-months that each simulator makes.")] = 200,
    simulator: Annotated[str, typer.Option(help="market, platform, or all.")] = "all",
    seed: SeedOption = 101,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Score pacing on campaign-months with known faults, beside a random alerter of the same rate.

    Pacing was tuned on the market simulator's seeds 1 to 9, and never on the platform simulator's.
    """
    from pipelines.evaluate.pacing import score_pacing

    if data is not None:
        refuse_given(
            ctx,
            ("months", "simulator"),
            "with --data, which brings months of its own",
            "Leave one of them out.",
        )
        _score_file(data, holidays, seed, format_)
        return
    if holidays is not None:
        raise UsageError(
            "--holidays applies to a file, and there is none.",
            kept="nothing was simulated.",
            fix="Pass the file with --data, or leave out --holidays.",
        )
    scores = score_pacing(months, simulator, seed)
    if format_ is Format.JSON:
        print_object({name: _figures(sides) for name, sides in scores.items()})
        return
    print_tables(_tables(scores, format_), format_)


def _score_file(data: Path, holidays: str | None, seed: int, format_: Format) -> None:
    from pipelines.evaluate.pacing import score_file
    from pipelines.evaluate.pacing_file import unused

    brought, scores, events = score_file(data, holidays, seed)
    # without the truth no month is known to be healthy, nor any alert to be right
    known = _figures(scores) if brought.has_truth else {}
    if format_ is Format.JSON:
        of_file = {"has_truth": brought.has_truth, "currency": brought.currency, "events": events}
        print_object(known | of_file)
    else:
        print_tables([*(_tables({data.name: scores}, format_) if known else ()), events], format_)
    for note in unused(brought):
        err.print(note, highlight=False, soft_wrap=True)


def _figures(sides: Mapping[str, PacingScore]) -> dict[str, object]:
    return {**sides["pacing"].figures(), "random": sides["random"].figures()}


def _tables(
    scores: Mapping[str, Mapping[str, PacingScore]], format_: Format
) -> list[list[dict[str, object]]]:
    """The healthy months and the faults; both in one table for programs."""
    rows = [(name, side, score) for name, sides in scores.items() for side, score in sides.items()]
    healthy: list[dict[str, object]] = [
        {"months of": name, "alerter": side, "healthy months": score.healthy_months}
        | {"alerted": f"{score.alerted:.1%}", "alert-days a month": rounded(score.alert_days)}
        for name, side, score in rows
    ]
    faults: list[dict[str, object]] = [
        (own if format_ is not Format.TABLE else {"months of": name, "alerter": side})
        | {"fault": fault, "events": event.events}
        | {
            key: rounded(value)
            for key, value in event.figures().items()
            if key not in ("events", "misspent_amount")
        }
        for (name, side, score), own in zip(rows, healthy, strict=True)
        for fault, event in score.by_fault.items()
    ]
    return [healthy, faults] if format_ is Format.TABLE else [faults]
