"""``adcanary evaluate uplift``: effects, rankings and their checks, on a file or in the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format, err, out, print_object, print_rows, print_tables
from pipelines.cli.options import (
    ConfigOption,
    FormatOption,
    SeedOption,
    open_settings,
    refuse_given,
)
from pipelines.errors import UsageError

_NOTHING = "nothing was read."
_OF_FILE = (
    *("treatment", "control", "outcome", "arm", "holdout", "truth", "columns", "covariates"),
    *("unit", "placebo", "share", "detectable", "engine", "seed"),
)


def uplift(
    ctx: typer.Context,
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="CSV file with a row a unit; without one, the sandbox's experiment."),
    ] = None,
    treatment: Annotated[
        str | None, typer.Option(help="Column that says which arm a unit was in.")
    ] = None,
    control: Annotated[str | None, typer.Option(help="What it has in the control arm.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Column with the outcome: 0 and 1, or numbers.")
    ] = None,
    arm: Annotated[
        str | None, typer.Option(help="The arm to compare, where there are several.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="CSV file of other units, to judge the ranking on.")
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(help="Columns with the true mean outcome without and with: mu0,mu1."),
    ] = None,
    columns: Annotated[
        str, typer.Option(help="Names of all columns of a file without a header: a,b,x1..x25.")
    ] = "",
    covariates: Annotated[
        str, typer.Option(help="Use these columns only; by default, all known before.")
    ] = "",
    unit: Annotated[str | None, typer.Option(help="Column that says who the unit is.")] = None,
    placebo: Annotated[
        str | None, typer.Option(help="Column with an outcome from before the treatment.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(help="Share of units that was meant to be treated.")
    ] = None,
    detectable: Annotated[
        float, typer.Option(min=0.01, max=10, help="Smallest relative lift that matters.")
    ] = 0.25,
    engine: Annotated[str, typer.Option(help="A learner, or all.")] = "all",
    seed: SeedOption = 1,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Score uplift learners: average effect, Qini, AUUC, segments, and whether to believe them.

    Every column that was known before the treatment is used; those left out are listed with why.
    """
    from pipelines.evaluate.uplift import rows_of, score_uplift
    from pipelines.evaluate.uplift_file import Columns, names_of, unused
    from pipelines.jobs.uplift.analysis import Plan

    if data is None:
        refuse_given(ctx, _OF_FILE, "without a file", "Pass the file with --data.")
        _score_sandbox(config, format_)
        return
    if treatment is None or control is None or outcome is None:
        raise UsageError(
            "A file needs --treatment, --control and --outcome.",
            kept=_NOTHING,
            fix="Say which column has the arm, what it has in the control arm, and the outcome.",
        )
    if share is not None and not 0 < share < 1:
        raise UsageError(
            f"No share of units is {share:g}.", kept=_NOTHING, fix="Pass one between 0 and 1."
        )
    names = names_of(truth or "")
    if truth is not None and len(names) != 2:
        raise UsageError(
            f"--truth '{truth}' doesn't name two columns.",
            kept=_NOTHING,
            fix="Pass the mean outcome without and with the treatment, as in mu0,mu1.",
        )
    read = Columns(
        treatment=treatment,
        control=control,
        outcome=outcome,
        arm=arm,
        truth=(names[0], names[1]) if truth is not None else None,
        names=names_of(columns),
        covariates=names_of(covariates),
        unit=unit,
        placebo=placebo,
    )
    plan = Plan(detectable=detectable, share=share, seed=seed)
    with err.status("uplift", spinner="dots") as status:
        score = score_uplift(data, read, plan, status.update, holdout=holdout, engine=engine)
    figures = score.figures()
    if format_ is Format.JSON:
        print_object(figures)
        return
    segments = [
        {
            "segment": each["segment"],
            "n": each["n"],
            "uplift": f"{each['uplift']:.4g}",
            "95% interval": "{:.4g} to {:.4g}".format(*each["interval"]),
            "q": f"{each['q']:.2g}",
        }
        for each in figures["segments"]
    ]
    print_tables([rows_of(figures), segments], format_)
    said = out if format_ is Format.TABLE else err
    for line in (f"{score.verdict}: {score.reason}", *unused(score.brought)):
        said.print(line, highlight=False, soft_wrap=True, markup=False)


def _score_sandbox(config: Path | None, format_: Format) -> None:
    from pipelines.evaluate.uplift_sandbox import score_experiment

    settings, warehouse = open_settings(config, create=False)
    figures = score_experiment(warehouse, settings)
    if format_ is Format.JSON:
        print_object(figures)
        return
    print_rows(
        [
            {
                "segment": each["segment"],
                "n": each["n"],
                "uplift": f"{each['uplift']:.4f}",
                "95% interval": "{:.4f} to {:.4f}".format(*each["interval"]),
                "truth": f"{each['truth']:.4f}",
            }
            for each in figures["segments"]
        ],
        format_,
    )
    if format_ is Format.TABLE:
        line = f"{figures['verdict']}; √PEHE {figures['root_pehe']:.4f}: {figures['reason']}"
        out.print(line, highlight=False, soft_wrap=True, markup=False)
