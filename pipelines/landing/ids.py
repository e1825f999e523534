"""The guard of ids, whatever source they come from: nobody's are NULL, others are well spelt."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts import Contract
from pipelines.errors import AuditError
from pipelines.placeholders import SHIPPED
from pipelines.platform_ids import canonical_id
from pipelines.platforms import Level, platform_table
from pipelines.privacy.declared import declared
from pipelines.sources.base import Batch

_LEVELS: Mapping[str, Level] = {
    "account_id": "account",
    "campaign_id": "campaign",
    "adgroup_id": "adgroup",
    "ad_id": "ad",
}
_SHOWN = 3
Columns = dict[str, pa.ChunkedArray | pa.Array]


def without_placeholders(columns: Columns, contract: Contract) -> Columns:
    """A batch's columns with NULL for every id of a person, device or click that is nobody's."""
    person = declared(contract.table)
    ids = {column.path for column in person.columns} if person else set()
    nullable = {column.name for column in contract.columns if column.nullable}
    return {
        name: SHIPPED.real_values(values) if name in ids & nullable else values
        for name, values in columns.items()
    }


def refuse_misspelt(columns: Columns, batch: Batch) -> None:
    """Hold the ids of ads to their platform's one spelling: two would be two campaigns.

    Raises:
        AuditError: ids that are spelt otherwise, or are none; which, and what one looks like.
    """
    platform = batch.platform
    if platform is None or platform not in platform_table().platforms:
        return
    for column, level in _LEVELS.items():
        if column not in columns:
            continue
        wrong, distinct = [], pc.unique(columns[column]).to_pylist()
        for id_ in distinct:
            if id_ is None:  # a missing one is the audit's
                continue
            try:
                stored = canonical_id(platform, level, id_)
            except ValueError as error:
                wrong.append(f"'{id_}' {error}")
                continue
            if stored != id_:
                wrong.append(f"'{id_}' is spelt {stored}")
        if wrong:
            raise AuditError(
                f"{batch.source}, account {batch.account_id}, {batch.window}: {len(wrong)} ids in "
                f"{column} are not as {platform} spells them (for {batch.table}): "
                + "; ".join(sorted(wrong)[:_SHOWN]),
                kept="published data is unchanged; nothing from this batch was staged.",
                fix="Correct the source, or the file; ids are texts, and spreadsheets round them.",
            )
