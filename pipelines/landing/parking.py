"""Accounts that a platform asked to leave alone for hours: until then no call is made for them."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.contracts import load_contract
from pipelines.errors import SourceParked
from pipelines.warehouse import Warehouse
from pipelines.warehouse.base import Value, insert_row


def refuse_if_parked(warehouse: Warehouse, source: str, account_id: str) -> None:
    """Raise SourceParked while an account's time is not over. The clock is the real one."""
    rows = warehouse.query(
        "SELECT parked_until, reason FROM raw.account_parking "
        "WHERE source = @source AND account_id = @account_id ORDER BY parked_at DESC LIMIT 1",
        {"source": source, "account_id": account_id},
    ).to_pylist()
    if rows and rows[0]["parked_until"] > datetime.now(UTC):
        until = rows[0]["parked_until"]
        raise SourceParked(
            f"{source} account {account_id}: still parked until {until:%Y-%m-%d %H:%M} UTC "
            f"({rows[0]['reason']})",
            until=until,
            kept="published data is unchanged; the platform was not called.",
            fix="Nothing to do: a run after that time calls it again. `--unpark` calls it now.",
        )


def park(warehouse: Warehouse, source: str, account_id: str, until: datetime, reason: str) -> None:
    """Remember until when an account is parked (UTC), and why."""
    row: dict[str, Value] = {
        "source": source,
        "account_id": account_id,
        "parked_at": datetime.now(UTC),
        "parked_until": until,
        "reason": reason,
    }
    warehouse.transaction(
        [insert_row(load_contract("raw.account_parking"), row)], label="park_account"
    )
