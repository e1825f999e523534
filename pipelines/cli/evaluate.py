"""``adcanary evaluate …``: scores an engine, on your own data or against the sandbox's truth.

Each command prints a table, or one JSON object with ``--format json``. It exits with 0 once it has
evaluated, whatever the verdict is: that an engine refuses is an answer.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.console import (
    Format,
    native_output_aside,
    out,
    print_rows,
    print_tables,
    rounded,
)
from pipelines.cli.console import print_object as _print_object
from pipelines.cli.evaluate_audiences import audiences
from pipelines.cli.evaluate_bandit import bandit
from pipelines.cli.evaluate_clustering import clustering
from pipelines.cli.evaluate_creatives import creatives
from pipelines.cli.evaluate_pacing import pacing
from pipelines.cli.evaluate_rules import rules
from pipelines.cli.evaluate_uplift import uplift
from pipelines.cli.options import ConfigOption, FormatOption, SeedOption, open_settings
from pipelines.errors import UsageError

evaluate_app = typer.Typer(no_args_is_help=True)

_DIGITS = 5


@evaluate_app.callback()
def _evaluate() -> None:
    """Score an engine on data with known truth.

    Exit codes: 0 evaluated, whatever the verdict is, which --format json has; 1 a file that can't
    be used; 2 wrong usage. CSV and TSV have the first table; JSON has all figures.
    """


@evaluate_app.command("identity")
def identity(
    edges: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of edges, columns left and right: count its components instead."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, help="Use this instead of identity.match_probability."),
    ] = None,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Score identity by precision, recall and F1 over pairs of identifiers.

    Counts the devices, orders and e-mail addresses in marts.identity_map whose person the
    sandbox's truth knows.
    """
    if edges is not None:
        if threshold is not None:
            raise UsageError(
                "--threshold applies to probable links, and --edges has none.",
                kept="nothing was read.",
                fix="Leave out one of the two options.",
            )
        _score_edges(edges, format_)
        return
    from pipelines.evaluate.identity import score_identity

    settings, warehouse = open_settings(config, create=False)
    score = score_identity(warehouse, settings, threshold)
    by_identity = {"deterministic": score.deterministic, "with_links": score.with_links}
    if format_ is Format.JSON:
        _print_object(
            {
                "nodes": score.nodes,
                "nodes_without_truth": score.unknown,
                "threshold": score.threshold,
                "links": score.links,
                **{
                    name: {of: _figures(each) for of, each in scores.items()} or None
                    for name, scores in by_identity.items()
                },
            }
        )
        return
    rows = [
        {"identity": name, "pairs_of": of, **_figures(each)}
        for name, scores in by_identity.items()
        for of, each in scores.items()
    ]
    print_rows(rows, format_)
    if format_ is Format.TABLE:
        links = "no run of the identity_links job has produced links"
        if score.links is not None:
            links = (
                f"{score.links} devices linked with a probability of {score.threshold:g} or more"
            )
        out.print(
            f"{score.nodes} identifiers scored, {score.unknown} more not in the truth; {links}.",
            highlight=False,
            soft_wrap=True,
        )


@evaluate_app.command("mmm")
def mmm(
    data: Annotated[
        Path, typer.Option(help="CSV file of weeks: date[, geo], x<i>_<channel>, c<i>, y.")
    ],
    truth: Annotated[
        Path | None, typer.Option(help="CSV file of the same weeks: contribution_x<i>_<channel>.")
    ] = None,
    engine: Annotated[str, typer.Option(help="An engine, or all.")] = "all",
    seed: SeedOption = 1,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Score media mix engines: contributions, and the lift of the best allocation within 30%.

    The lift is of y in the last 52 weeks, had each channel's spend been so many times what it was.
    """
    from pipelines.evaluate.mmm import score_mmm

    with native_output_aside():
        scores = score_mmm(data, truth, engine, seed)
    if format_ is Format.JSON:
        _print_object({name: score.figures() for name, score in scores.items()})
        return
    of_engine: list[dict[str, object]] = [
        {
            "engine": name,
            "srmse": rounded(score.srmse_mean),
            "coverage_90": rounded(score.coverage_90),
            "lift": f"{score.lift_predicted:+.1%}",
            "90% interval": "{:+.1%} to {:+.1%}".format(*score.lift_interval),
            "true lift": "" if score.lift_true is None else f"{score.lift_true:+.1%}",
            "seconds": round(score.seconds, 1),
        }
        for name, score in scores.items()
    ]
    of_channel: list[dict[str, object]] = [
        {
            "engine": name,
            "channel": channel,
            "contribution": round(mean),
            "90% interval": f"{low:,.0f} to {high:,.0f}",
            "srmse": rounded((score.srmse or {}).get(channel)),
            "recommended spend": f"× {score.allocation[channel]:.2f}",
        }
        for name, score in scores.items()
        for channel, (mean, low, high) in score.contribution.items()
    ]
    print_tables([of_engine, of_channel], format_)
    if format_ is Format.TABLE:
        for doubt in next(iter(scores.values())).doubts:
            out.print(f"No allocation should rest on these weeks: {doubt}", soft_wrap=True)


@evaluate_app.command("attribution")
def attribution(
    paths: Annotated[
        Path,
        typer.Option(
            help="CSV file: path (steps joined by ' > '), total_conversions"
            "[, total_conversion_value][, total_null]."
        ),
    ],
    order: Annotated[
        int, typer.Option(min=1, max=3, help="How many steps the Markov chain remembers.")
    ] = 1,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Credit conversions to channels: by Markov chain, Shapley value, first, last, linear.

    The credits of a model sum to the conversions of the file.
    """
    from pipelines.evaluate.attribution import credit_paths

    conversions, value = credit_paths(paths, order)
    if format_ is Format.JSON:
        _print_object(conversions)
        return
    print_rows(
        [
            {"credited": name, "channel": channel}
            | {model: rounded(credit[channel]) for model, credit in by_model.items()}
            for name, by_model in (("conversions", conversions), ("value", value or {}))
            for channel in by_model.get("markov", ())
        ],
        format_,
    )


@evaluate_app.command("fidelity")
def fidelity(
    predictions: Annotated[
        Path, typer.Option(help="CSV file of predictions: p10, p50, p90, actual[, series].")
    ],
    format_: FormatOption = Format.TABLE,
) -> None:
    """Score predictions against what came, by the gates that a job's predictions must pass."""
    from pipelines.evaluate.fidelity import score_file
    from pipelines.job_settings import FidelitySettings

    scores = score_file(predictions, FidelitySettings())
    if format_ is Format.JSON:
        _print_object(scores)
        return
    print_rows(
        [
            {"series": name}
            | {k: rounded(v) if isinstance(v, float) else v for k, v in scored.items()}
            for name, scored in scores.items()
        ],
        format_,
    )


evaluate_app.command("audiences")(audiences)
evaluate_app.command("bandit")(bandit)
evaluate_app.command("clustering")(clustering)
evaluate_app.command("creatives")(creatives)
evaluate_app.command("pacing")(pacing)
evaluate_app.command("rules")(rules)
evaluate_app.command("uplift")(uplift)


def _score_edges(edges: Path, format_: Format) -> None:
    from pipelines.evaluate.components import score_edges

    components = asdict(score_edges(edges))
    if format_ is Format.JSON:
        _print_object(components)
    else:
        print_rows([components], format_)


def _figures(score: Any) -> dict[str, Any]:
    """A score as printed: rounded shares first, then the counts."""
    shares = {name: getattr(score, name) for name in ("precision", "recall", "f1")}
    return {
        **{n: None if v is None else round(v, _DIGITS) for n, v in shares.items()},
        **asdict(score),
    }
