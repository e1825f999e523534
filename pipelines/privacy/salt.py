"""Refuses a salt that is not the one this warehouse's ids were hashed with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from pipelines.errors import ConfigError
from pipelines.warehouse import Statement, Warehouse


def check_salt(warehouse: Warehouse, salt: str) -> None:
    """Remember the salt's fingerprint the first time; hold every later salt against it.

    Raises:
        ConfigError: the salt is another one; says what would break and what to do.
    """
    fingerprint = _fingerprint(salt)
    known = _known(warehouse)
    if not known:
        warehouse.transaction(
            [
                Statement(
                    "INSERT INTO raw.hash_salt (fingerprint, first_used_at) "
                    "SELECT @fingerprint, @now FROM (SELECT 1) AS one "
                    "WHERE NOT EXISTS (SELECT 1 FROM raw.hash_salt)",
                    {"fingerprint": fingerprint, "now": datetime.now(UTC)},
                )
            ],
            label="salt",
        )
        known = _known(warehouse)
    _hold(known, fingerprint)


def hold_against(warehouse: Warehouse, salt: str) -> datetime | None:
    """Hold a salt against the one that this warehouse has used; changes nothing.

    Returns:
        Since when it has been used; None where none has been.

    Raises:
        ConfigError: it is another one.
    """
    known = _known(warehouse)
    if known:
        _hold(known, _fingerprint(salt))
    return min(known.values(), default=None)


def _hold(known: Mapping[str, datetime], fingerprint: str) -> None:
    if set(known) != {fingerprint}:
        since = min(known.values())
        raise ConfigError(
            "ADCANARY_HASH_SALT is not the salt that this warehouse has used since "
            f"{since:%Y-%m-%d}. With another one every person gets new ids: visits and orders no "
            "longer join, customers look new, erased people come back, and nobody can be found for "
            "an erasure.",
            kept="nothing was pulled or changed.",
            fix="Set ADCANARY_HASH_SALT to the salt used before. To change it for good, see "
            "'Another salt' in docs/privacy.md.",
        )


def _fingerprint(salt: str) -> str:
    return hashlib.sha256(f"adcanary-salt-fingerprint:{salt}".encode()).hexdigest()


def _known(warehouse: Warehouse) -> dict[str, datetime]:
    rows = warehouse.query("SELECT fingerprint, first_used_at FROM raw.hash_salt").to_pylist()
    return {row["fingerprint"]: row["first_used_at"] for row in rows}
