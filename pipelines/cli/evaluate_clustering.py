"""``adcanary evaluate clustering``: clusters of people by interest, on a file or in the sandbox."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import Format, out, print_object, print_tables, rounded
from pipelines.cli.options import (
    ConfigOption,
    FormatOption,
    SeedOption,
    open_settings,
    refuse_given,
)


def clustering(
    ctx: typer.Context,
    *,
    texts: Annotated[
        Path | None,
        typer.Option(help="CSV file: person, text[, label]. Without it, the sandbox's last run."),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="With --texts: use, tfidf, all, or sentence-transformers:FOLDER.")
    ] = "use",
    seed: SeedOption = 1,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Score clusters of people by interest: against labels, or the sandbox's truth."""
    from pipelines.evaluate.clustering import score_sandbox, score_texts

    if texts is not None:
        scores = score_texts(texts, encoder, seed)
    else:
        refuse_given(ctx, ("encoder", "seed"), "without a file", "Pass --texts.")
        settings, warehouse = open_settings(config, create=False)
        scores = {"sandbox": score_sandbox(warehouse, settings)}
    if format_ is Format.JSON:
        print_object({name: asdict(score) for name, score in scores.items()})
        return
    of_encoder: list[dict[str, object]] = [
        {
            "of": name,
            "verdict": score.verdict,
            "people": score.people,
            "left out": score.left_out,
            "clusters": score.clusters,
            "stability": rounded(score.stability),
            "adjusted Rand index": rounded(score.adjusted_rand_index),
            "right": rounded(score.right),
            "confidence": rounded(score.confidence),
        }
        for name, score in scores.items()
    ]
    interests: list[dict[str, object]] = [
        {"of": name, **asdict(interest), "share": rounded(interest.share)}
        for name, score in scores.items()
        for interest in score.interests
    ]
    print_tables([of_encoder, interests], format_)
    if format_ is Format.TABLE:
        for score in scores.values():
            out.print(score.reason, highlight=False, soft_wrap=True)
