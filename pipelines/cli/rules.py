"""``adcanary rules``: why a budget would change, and which parameters would have been better."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import AsOfOption, ConfigOption, FormatOption, day

rules_app = typer.Typer(
    help="Budgets of ad sets by rules: why, and which would be better.", no_args_is_help=True
)


@rules_app.command("explain")
def explain(
    ad_set: Annotated[
        str,
        typer.Option(
            "--ad-set", help="Its id; or that of a campaign whose ad groups hold no budget."
        ),
    ],
    as_of: AsOfOption = None,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Show every rule, whether it held, and the budget after each layer.

    An outcome is "counts" for a rule that had a part in the budget, "holds" for one that holds and
    had none (an earlier one of its group counts, a bound doesn't bind, or the ad set is frozen),
    "no", or "unknown" where a feature isn't known.
    """
    from pipelines.config import load_settings
    from pipelines.jobs.rules.explain import explain as explained
    from pipelines.jobs.rules.job import RulesJob
    from pipelines.warehouse import open_warehouse

    settings = load_settings(config)
    evidence = day(as_of) or settings.yesterday()
    answer = explained(open_warehouse(settings), RulesJob().settings(settings), ad_set, evidence)
    rows = list(answer.rows)
    if format_ is not Format.TABLE:
        print_rows(rows, format_)
        return
    unit = answer.trace.unit
    print_plainly(
        f"{unit.platform} account {unit.account_id}, budget for {answer.state.day} by the rules "
        f"'{answer.book}': " + ", ".join(f"{name} {money}" for name, money in answer.budgets)
    )
    print_plainly(answer.state.note)
    print_rows(rows, format_)


@rules_app.command("tune")
def tune(  # noqa: PLR0917
    out: Annotated[
        Path,
        typer.Option(help="Folder for the trials and the result; a run with the same one goes on."),
    ] = Path("rules-tuning"),
    iterations: Annotated[int, typer.Option(min=1, help="Sets of parameters to try.")] = 100,
    weeks: Annotated[int, typer.Option(min=20, max=208, help="Weeks of history to use.")] = 104,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 20260101,
    as_of: AsOfOption = None,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Search the parameters that would have brought most for the money, and judge them.

    Tunes on the earlier weeks, judges on the later ones, and writes an override (tuned.yaml) where
    the tuned rules beat the default and an equal split there. Otherwise the default stays.
    """
    import yaml

    from pipelines.cli.progress import counted
    from pipelines.config import load_settings
    from pipelines.jobs.rules import tune as tuning
    from pipelines.jobs.rules.backtest import read_episodes
    from pipelines.jobs.rules.rulebook import DEFAULT, load_rulebooks
    from pipelines.warehouse import open_warehouse

    settings = load_settings(config)
    last = day(as_of) or settings.yesterday()
    book = load_rulebooks(settings.jobs.rules.folder)[DEFAULT]
    start = last - timedelta(weeks=weeks)
    episodes = read_episodes(open_warehouse(settings), start, last)
    out.mkdir(parents=True, exist_ok=True)
    with counted("sets of parameters") as progress:
        tuned = tuning.tune(
            book,
            episodes,
            iterations=iterations,
            seed=seed,
            journal=out / "trials.log",
            progress=progress,
        )
    rows = [
        {
            **{n: round(v, 5) for n, v in zip(tuning.OBJECTIVES, c.objectives, strict=True)},
            "chosen": c is tuned.chosen,
        }
        for c in tuned.pareto
    ]
    if tuned.better:
        text = yaml.safe_dump(tuning.override(book, tuned.chosen.values), sort_keys=False)
        (out / "tuned.yaml").write_text(f"# {tuned.reason}\n{text}")
    if format_ is Format.TABLE:
        print_plainly(tuned.reason)
        if tuned.better:
            print_plainly(f"Written: {out / 'tuned.yaml'}; copy it to jobs.rules.folder to use it.")
    print_rows(rows, format_)


@rules_app.command("discover")
def discover(
    out: Annotated[Path, typer.Option(help="File for the rules found.")] = Path("discovered.yaml"),
    weeks: Annotated[int, typer.Option(min=20, max=208, help="Weeks of history to use.")] = 104,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 20260101,
    as_of: AsOfOption = None,
    config: ConfigOption = None,
) -> None:
    """Find segments of ad sets whose later order-book return differs, and write them as rules.

    One half of the weeks finds them, the other tests them; a rule moves a budget by a few percent.
    """
    import yaml

    from pipelines.config import load_settings
    from pipelines.jobs.rules.backtest import read_episodes
    from pipelines.jobs.rules.discover import discover as discovered
    from pipelines.warehouse import open_warehouse

    settings = load_settings(config)
    last = day(as_of) or settings.yesterday()
    start = last - timedelta(weeks=weeks)
    segments, tested = discovered(read_episodes(open_warehouse(settings), start, last), seed)
    if not segments:
        print_plainly(f"None of {tested} candidates returns otherwise than the rest; no rule.")
        return
    rules = {
        f"discovered_{n}": segment.rule(50 + n).model_dump(exclude_defaults=True)
        for n, segment in enumerate(segments, start=1)
    }
    out.write_text(yaml.safe_dump({"rules": rules}, sort_keys=False))
    rows = [
        {
            "when": s.when,
            "lift": round(s.lift, 2),
            "low": round(s.low, 2),
            "high": round(s.high, 2),
            "p": round(s.p_value, 4),
            "units": s.units,
        }
        for s in segments
    ]
    print_rows(rows, Format.TABLE)
    print_plainly(
        f"{len(segments)} of {tested} candidates pass; written: {out}. Read them before use."
    )
