"""``adcanary proposals export``: recorded changes as a file that a person imports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import err, out, print_plainly
from pipelines.cli.options import ConfigOption, day_option, open_settings
from pipelines.errors import UsageError
from pipelines.plain_text import visible
from pipelines.proposals.exports.names import FormatName


def export(  # noqa: PLR0917 - options of a command
    format_: Annotated[FormatName, typer.Option("--format", help="Whose import the file is for.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="File to write; of several accounts, one each, named after it and the account "
            "(default: print it).",
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="Only this account's changes.")
    ] = None,
    since: Annotated[
        datetime | None, day_option("Only what was recorded on this day (UTC) or later.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="What undoes the changes, instead of them.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Write recorded changes as an import file for the platform's own tool.

    Nothing is sent anywhere: a person imports the file, looks at it there and posts it. A file
    holds what the platform, as last landed, shows not to be carried out yet; the rest is named.
    """
    from pipelines.proposals.exports.formats import FORMATS
    from pipelines.proposals.exports.selection import recorded, select
    from pipelines.proposals.ledger import open_ledger
    from pipelines.proposals.market import read_campaigns
    from pipelines.proposals.verify import verified

    settings, warehouse = open_settings(config, create=False)
    chosen = FORMATS[format_]
    records = verified(open_ledger(warehouse, settings))
    began = since.replace(tzinfo=UTC) if since else None
    changes = [
        c
        for c in recorded(records, chosen.platform, rollback=rollback, since=began)
        if account is None or c.key[1] == account
    ]
    selection = select(changes, read_campaigns(warehouse), by_name=chosen.by_name)
    for left in selection.left_out:
        _say(f"Left out {left.proposal_id}: {left.why}.")
        if left.operation and "so already" not in left.why:
            _say(left.operation)
    texts = {name: chosen.write(edits) for name, edits in selection.accounts.items()}
    if not texts:
        print_plainly(f"No recorded change of {chosen.platform} is left to write.")
        return
    _hand_over(texts, file)
    _say(chosen.caution)


def _hand_over(texts: Mapping[str, str], file: Path | None) -> None:
    """Print the one file, or write a file an account."""
    if file is None:
        if len(texts) > 1:
            raise UsageError(
                f"There are changes of {len(texts)} accounts ({', '.join(texts)}), and a file is "
                "of one: amounts are in an account's currency.",
                kept="nothing was written.",
                fix="Pass --out FILE, which becomes a file an account, or --account with one.",
            )
        print(*texts.values(), end="")
        return
    paths = {
        name: file if len(texts) == 1 else file.with_name(f"{file.stem}-{name}{file.suffix}")
        for name in texts
    }
    if taken := [str(path) for path in paths.values() if path.exists()]:
        raise UsageError(
            f"{', '.join(taken)} already exists: an older file might be imported for a newer one.",
            kept="nothing was written.",
            fix="Remove it, or pass --out with another name.",
        )
    for name, path in paths.items():
        path.write_text(texts[name], encoding="utf-8", newline="")
        lines = texts[name].count("\r\n") - 1
        out.print(
            f"Wrote {path}: {lines} campaign(s) of account {name}", highlight=False, soft_wrap=True
        )


def _say(text: str) -> None:
    err.print(visible(text), markup=False, highlight=False, soft_wrap=True)
