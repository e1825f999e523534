"""The record of what people asked about their data: who ran it, why, when, and what it reached."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipelines.contracts import load_contract
from pipelines.privacy.linkage import Person
from pipelines.privacy.tombstones import digest
from pipelines.warehouse import Statement
from pipelines.warehouse.base import insert_row

Action = Literal["erase", "withdraw", "export"]


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        requested_by: who runs it: a person, or ``ingest`` where consent was withdrawn.
        reason: why, such as the ticket it came with; never the person's name.
        requested_at: now, UTC.
    """

    action: Action
    requested_by: str
    reason: str
    requested_at: datetime
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def record(self, person: Person, rows: Mapping[str, int]) -> Statement:
        """The statement that writes it into raw.privacy_requests, not proved yet."""
        return insert_row(
            load_contract("raw.privacy_requests"),
            {
                "request_id": self.request_id,
                "action": self.action,
                "subject": digest(person.seeds[0]),
                "requested_by": self.requested_by,
                "reason": self.reason,
                "requested_at": self.requested_at,
                "ids": len(person.ids),
                "shared_ids": len(person.shared),
                "table_rows": json.dumps(dict(rows), sort_keys=True),
            },
        )

    def proved(self, at: datetime) -> Statement:
        """The statement that records that a scan found none of the ids."""
        return Statement(
            "UPDATE raw.privacy_requests SET proved_at = @at WHERE request_id = @request_id",
            {"at": at, "request_id": self.request_id},
            expect_rows=1,
        )
