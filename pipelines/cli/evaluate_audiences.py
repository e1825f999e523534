"""``adcanary evaluate audiences``: the last run in a sandbox against the planted mistakes."""

from __future__ import annotations

from pipelines.cli.console import Format, print_rows
from pipelines.cli.options import ConfigOption, FormatOption, open_settings


def audiences(*, format_: FormatOption = Format.TABLE, config: ConfigOption = None) -> None:
    """Score the last run of the audiences job against the mistakes that the sandbox plants.

    By mistake: ad sets that have it, that were said to have it, and both.
    """
    from pipelines.evaluate.audiences import score_audiences

    settings, warehouse = open_settings(config)
    print_rows([score.figures() for score in score_audiences(warehouse, settings)], format_)
