"""Ids of ads that are not as their platform spells them, whatever source they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipelines.landing.spool import Spool
from pipelines.platform_ids import canonical_id
from pipelines.platforms import Level, platform_table

_LEVELS: Mapping[str, Level] = {
    "account_id": "account",
    "campaign_id": "campaign",
    "adgroup_id": "adgroup",
    "ad_id": "ad",
}
_SHOWN = 3


def misspelt(spool: Spool) -> Iterator[tuple[str, list[str], str]]:
    """Ids of ads that are not in their platform's one spelling: each column's, and why in words."""
    platform, names = spool.batch.platform, spool.contract.column_names
    if platform is None or platform not in platform_table().platforms:
        return
    for column, level in _LEVELS.items():
        if column not in names:
            continue
        wrong: dict[str, str] = {}
        # a missing one is another fault
        for (id_,) in spool.query(
            f"SELECT DISTINCT {column} FROM spool WHERE {column} IS NOT NULL"
        ):
            try:
                stored = canonical_id(platform, level, id_)
            except ValueError as error:
                wrong[id_] = f"'{id_}' {error}"
                continue
            if stored != id_:
                wrong[id_] = f"'{id_}' is spelt {stored}"
        if wrong:
            shown = "; ".join(sorted(wrong.values())[:_SHOWN])
            yield column, sorted(wrong), f"{column} is as {platform} spells ids: {shown}"
