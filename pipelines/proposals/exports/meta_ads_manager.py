"""Meta Ads Manager's bulk import (Campaigns > Export & import > Import ads in bulk).

Columns are those of the template that Ads Manager itself exports, as public files of 2026 have
them (read on 2026-11-30; Meta's own help page on bulk import wasn't at hand): *Campaign ID* with
the prefix ``cg:``, by which a spreadsheet doesn't round it, *Campaign Name*, *Campaign Status*
(ACTIVE or PAUSED), *Campaign Daily Budget* in units of the account's currency, where Meta's API
counts in hundredths. A campaign is found by its id.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.proposals.exports.cells import amount, table
from pipelines.proposals.exports.selection import Edit

PLATFORM = "meta_ads"
BY_NAME = False
_ID, _NAME = "Campaign ID", "Campaign Name"
_STATUS, _BUDGET = "Campaign Status", "Campaign Daily Budget"
CAUTION = (
    "Where ad sets have budgets of their own, change those by hand instead: a campaign's budget "
    "in the file would take their place. Review what the import would change before publishing."
)
_STATUSES = {"ENABLED": "ACTIVE", "PAUSED": "PAUSED"}


def write(edits: Sequence[Edit]) -> str:
    """One account's file; a column that nothing would fill is left out."""
    rows = [
        {
            _ID: f"cg:{edit.campaign.campaign_id}",
            _NAME: edit.campaign.name or "",
            _STATUS: _STATUSES[edit.status] if edit.status else "",
            _BUDGET: amount(edit.budget) if edit.budget else "",
        }
        for edit in edits
    ]
    columns = [c for c in (_ID, _NAME, _STATUS, _BUDGET) if any(row[c] for row in rows)]
    return table(columns, ([row[c] for c in columns] for row in rows))
