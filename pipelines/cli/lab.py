"""``adcanary lab …``: the platform decides for a simulated market, and is scored by its truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import (
    Format,
    err,
    native_output_aside,
    out,
    print_object,
    print_plainly,
    print_rows,
)
from pipelines.cli.options import ConfigOption, FormatOption, open_settings
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.warehouse import Warehouse

lab_app = typer.Typer(no_args_is_help=True, help="Let the platform decide for a simulated market.")


@lab_app.callback()
def _lab() -> None:
    """Let the platform decide for a simulated market."""


@lab_app.command("closed-loop")
def closed_loop(
    *,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Weeks to decide for.")] = 26,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Markets to run.")] = 1,
    first_seed: Annotated[int, typer.Option(min=0, help="The first market's seed.")] = 100,
    market: Annotated[
        str, typer.Option(help="sandbox, varied, or an adversarial one: see docs/lab.md.")
    ] = "sandbox",
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report and a picture.")
    ] = None,
    keep_hints: Annotated[
        bool,
        typer.Option("--hints", help="Write contracts.policy_hints to a sandbox's warehouse."),
    ] = False,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Run a market week by week: proposals that pass are approved and carried out in it.

    Prints what the platform brought beside the status quo, an equal split, a buyer's rule and the
    best allocations that know the truth. A seed takes minutes.
    """
    from pipelines.sandbox.lab.hints import write_hints
    from pipelines.sandbox.lab.loop import run_seed
    from pipelines.sandbox.lab.scenario import scenario_of
    from pipelines.sandbox.lab.score import SeedScore, score
    from pipelines.sandbox.lab.summary import (
        arm_rows,
        draw,
        refusal_rows,
        report_object,
        seed_rows,
    )

    scenario = scenario_of(market)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UsageError(
            f"{folder} is a file.",
            kept="nothing was run.",
            fix="Pass --out with a folder, or with a name that isn't taken.",
        )
    warehouse = _sandboxs_warehouse(config) if keep_hints else None
    scores: list[SeedScore] = []
    with native_output_aside(), err.status("") as status:
        for seed in range(first_seed, first_seed + seeds):
            run = run_seed(scenario, seed, weeks, _teller(status.update, f"{market}, seed {seed}"))
            scores.append(score(run))
    if warehouse is not None:
        write_hints(warehouse, [hint for scored in scores for hint in scored.hints])
    whole = report_object(market, weeks, scores)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{market}.json").write_text(json.dumps(whole, indent=1) + "\n")
        draw(market, scores, folder / f"{market}.png")
    if format_ is Format.JSON:
        print_object(whole)
        return
    if format_ is not Format.TABLE:
        print_rows(seed_rows(scores), format_)
        return
    out.print(f"{market}: {scenario.about}; {weeks} weeks.", highlight=False, soft_wrap=True)
    print_rows(arm_rows(scores), format_)
    print_rows(seed_rows(scores), format_)
    print_rows(refusal_rows(scores), format_)
    if folder is not None:
        print_plainly(f"Report: {folder / market}.json, picture: {folder / market}.png")


def _teller(show: Callable[[str], None], of: str) -> Callable[[str], None]:
    return lambda step: show(f"{of}: {step}")


def _sandboxs_warehouse(config: Path | None) -> Warehouse:
    """What a simulated market teaches has no place among the results of a real one."""
    settings, warehouse = open_settings(config)
    if settings.now is None:
        raise UsageError(
            f"{settings.path} isn't of a sandbox: it fixes no clock (now).",
            kept="nothing was run or written.",
            fix="Leave out --hints, or pass --config with a sandbox's adcanary.yaml.",
        )
    return warehouse
