"""``adcanary evaluate bandit``: what a policy would have earned, from a log or in the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format, err, out, print_object, print_rows, rounded
from pipelines.cli.options import ConfigOption, FormatOption, open_settings, refuse_given

_DIGITS = 5


def bandit(
    ctx: typer.Context,
    *,
    logs: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of decisions: timestamp, item_id, position, click (0 or 1), "
            "propensity_score. Without one, score the job in a sandbox."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            help="The policy to evaluate: uniform; or, learnt from the earlier half of the log and "
            "evaluated on the later one, thompson or lints."
        ),
    ] = "uniform",
    context: Annotated[
        str, typer.Option(help="For lints: columns that decisions may depend on, a,b,c.")
    ] = "",
    truth: Annotated[
        Path | None, typer.Option(help="CSV file of the target policy's own decisions: click.")
    ] = None,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Estimate what a policy would have earned, from the decisions that another one logged.

    Intervals are of 95%. A log of which too little counts for the policy is REFUSED. Without
    --logs, the last decisions of the bandits job are scored by the sandbox's true rates of ads.
    """
    if logs is None:
        refuse_given(
            ctx,
            ("target", "context", "truth"),
            "without a log",
            "Pass --logs.",
        )
        _score_decisions(config, format_)
        return
    from pipelines.evaluate.bandit import score_policy

    columns = tuple(name.strip() for name in context.split(",") if name.strip())
    score = score_policy(logs, target, truth, columns)
    if format_ is Format.JSON:
        print_object(score.figures())
        return
    truth_rate = None if score.truth is None else score.truth.rate.value
    print_rows(
        [
            {
                "estimator": name,
                "clicks a decision": rounded(of.value, _DIGITS),
                "95% interval": f"{of.low:.5f} to {of.high:.5f}",
                "truth": rounded(truth_rate, _DIGITS),
            }
            for name, of in score.estimates.items()
        ],
        format_,
    )
    said = out if format_ is Format.TABLE else err
    evaluation = score.evaluation
    said.print(f"{evaluation.verdict}: {evaluation.reason}", highlight=False, soft_wrap=True)
    if score.truth is not None:
        rate = score.truth.rate
        said.print(
            f"The truth is of {score.truth.rows:,} decisions: {rate.value:.5f}, 95% interval "
            f"{rate.low:.5f} to {rate.high:.5f}.",
            highlight=False,
            soft_wrap=True,
        )


def _score_decisions(config: Path | None, format_: Format) -> None:
    from pipelines.evaluate.bandit_job import score_decisions

    settings, warehouse = open_settings(config, create=False)
    score = score_decisions(warehouse, settings)
    if format_ is Format.JSON:
        print_object(score.figures())
        return
    print_rows(
        [
            {
                "arms": f"{group.arms} {group.arm_kind}",
                "of": group.group,
                "verdict": group.verdict,
                "share of the best": f"{group.share_of_best:.0%}",
                "true gain": f"{group.gain:+.1%}",
                "best possible": f"{group.best_gain:+.1%}",
            }
            for group in score.groups
        ],
        format_,
    )
