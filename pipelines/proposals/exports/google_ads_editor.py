"""Google Ads Editor's CSV import (Account > Import > From file).

Columns are those of "CSV file columns" in Google Ads Editor's help,
https://support.google.com/google-ads/editor/answer/57747, as read on 2026-11-30: headers in
English, in any capitals; *Campaign daily budget* is one of four names of that column, in units of
the account's currency, greater than zero; a blank cell changes nothing. Editor finds a campaign by
its name, and would make a new one of a name that it doesn't know.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.proposals.exports.cells import amount, table
from pipelines.proposals.exports.selection import Edit

PLATFORM = "google_ads"
BY_NAME = True
COLUMNS = ("Campaign", "Campaign daily budget", "Campaign status")
CAUTION = (
    "Get the account's recent changes in Editor first. Before posting, the import must show no "
    "added campaign: Editor knows them by name."
)
_STATUSES = {"ENABLED": "Enabled", "PAUSED": "Paused"}


def write(edits: Sequence[Edit]) -> str:
    """One account's file."""
    return table(
        COLUMNS,
        (
            (
                edit.campaign.name or "",
                amount(edit.budget) if edit.budget else "",
                _STATUSES[edit.status] if edit.status else "",
            )
            for edit in edits
        ),
    )
