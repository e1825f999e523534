"""``adcanary rules``: why a budget would change."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import AsOfOption, ConfigOption, FormatOption, day

rules_app = typer.Typer(help="Budgets of ad sets by rules: why.", no_args_is_help=True)


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
    from pipelines.warehouse import open_warehouse

    settings = load_settings(config)
    evidence = day(as_of) or settings.yesterday()
    answer = explained(open_warehouse(settings), settings, ad_set, evidence)
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
