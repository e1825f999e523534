"""``adcanary evaluate creatives``: the last run in a sandbox against what its ads truly are."""

from __future__ import annotations

from pipelines.cli.console import Format, print_object, print_plainly
from pipelines.cli.options import ConfigOption, FormatOption, open_settings


def creatives(*, format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Score the last run of the creatives job against the sandbox's truth."""
    from pipelines.evaluate.creatives import score_creatives

    settings, warehouse = open_settings(config)
    score = score_creatives(warehouse, settings)
    if format_ is not Format.TABLE:
        print_object(score.figures())
        return
    others = ", ".join(score.others) or "none"
    print_plainly(
        f"Wear: of {score.judged} ads that were judged, the 80% interval holds the truth for "
        f"{score.freshness_held} (freshness) and {score.days_left_held} (days left); "
        f"{score.truly_worn} of {score.fatigued} called FATIGUED are.\n"
        f"Traits: {score.planted_found} of {score.planted} that do something were found; others "
        f"that were recommended: {others}."
    )
