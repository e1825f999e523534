"""What the checks look at: the settings, the warehouse, and each platform asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from threading import Lock
from typing import TypeVar

from pipelines.config import Settings
from pipelines.doctor.scopes import writes
from pipelines.errors import (
    AdcanaryError,
    SourceParked,
    SourceRejected,
    StatementError,
    WarehouseError,
    WarehouseLocked,
    WarehouseUnavailable,
)
from pipelines.landing.parking import refuse_if_parked
from pipelines.secret_settings import Secrets
from pipelines.sources.base import (
    Account,
    Grant,
    HearsClock,
    Quota,
    Reaches,
    ShowsGrant,
    ShowsQuota,
    Source,
)
from pipelines.sources.calls.quoting import quoted
from pipelines.sources.calls.retries import tried_once
from pipelines.sources.registry import SOURCES, open_source, source_names
from pipelines.warehouse import Warehouse, open_warehouse

T = TypeVar("T")
_AT_ONCE = 4
_PATIENCE = 5.0


@dataclass
class Asked:
    """What one source's platform said.

    Args:
        source: None where it could not be opened, for ``error``.
        accounts: each as the platform describes it, or the error that it answered with.
        grants: what the credential may do, by account; for the first alone, where the platform
            has no roles on accounts.
        refused: the grant by which the credential may change ads: nothing more was asked with it.
    """

    name: str
    source: Source | None = None
    error: AdcanaryError | None = None
    accounts: dict[str, Account | AdcanaryError] = field(default_factory=dict)
    grants: dict[str, Grant | AdcanaryError] = field(default_factory=dict)
    refused: str | None = None

    @property
    def quotas(self) -> tuple[Quota, ...]:
        return self.source.quotas if isinstance(self.source, ShowsQuota) else ()

    @property
    def clock_offset(self) -> timedelta | None:
        return self.source.clock_offset if isinstance(self.source, HearsClock) else None

    def errors(self, kind: type[AdcanaryError]) -> list[AdcanaryError]:
        """The errors of a kind that accounts and grants were answered with."""
        answers = (self.error, *self.accounts.values(), *self.grants.values())
        return [answer for answer in answers if isinstance(answer, kind)]


class Case:
    """One installation, looked at once.

    Args:
        offline: no platform is asked.
    """

    def __init__(self, settings: Settings, secrets: Secrets, *, offline: bool = False) -> None:
        self.settings, self.secrets, self.offline = settings, secrets, offline
        self._lock = Lock()
        self._unavailable: WarehouseError | None = None

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, of which nothing is created. One that doesn't answer is asked once, and
        who holds DuckDB's file isn't waited for long.

        Raises:
            WarehouseLocked, WarehouseUnavailable: try again later.
        """
        with self._lock:
            if self._unavailable is not None:
                raise self._unavailable
            return self._opened

    @cached_property
    def _opened(self) -> Warehouse:
        target = self.settings.warehouse
        patience = min(target.lock_timeout_seconds, _PATIENCE)
        target = target.model_copy(update={"lock_timeout_seconds": patience})
        settings = self.settings.model_copy(update={"warehouse": target})
        warehouse = open_warehouse(settings, create=False)
        if self.has_warehouse:
            try:
                warehouse.datasets()  # one that doesn't answer is waited for here, and only once
            except (WarehouseLocked, WarehouseUnavailable) as error:
                self._unavailable = error
                raise
            except StatementError:  # a check of its own says so
                pass
        return warehouse

    @property
    def has_warehouse(self) -> bool:
        """Whether there is one yet: DuckDB's file comes with the first command that writes."""
        target = self.settings.warehouse
        return target.kind == "bigquery" or target.path.exists()

    @property
    def source_names(self) -> list[str]:
        """The configured sources, files last."""
        configured = any(getattr(self.settings.sources, name) is not None for name in SOURCES)
        return source_names(self.settings) if configured or self.settings.sources.files else []

    @cached_property
    def asked(self) -> Mapping[str, Asked]:
        """Every configured source's platform, asked; files aren't read."""
        names = [name for name in self.source_names if not name.startswith("files:")]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return dict(zip(names, threads.map(self._ask, names), strict=True))

    def _ask(self, name: str) -> Asked:
        asked = Asked(name)
        with tried_once():
            try:
                asked.source = source = open_source(self.settings, self.secrets, name)
            except AdcanaryError as error:
                asked.error = error
                return asked
            for account_id in source.account_ids:
                if parked := self._parked(source, account_id):
                    asked.accounts[account_id] = parked
                    continue
                self._ask_grant(asked, source, account_id)
                if asked.refused:
                    break
                asked.accounts[account_id] = _answer(name, partial(_account, source, account_id))
        return asked

    def _ask_grant(self, asked: Asked, source: Source, account_id: str) -> None:
        known = list(asked.grants.values())
        of_accounts = not known or (isinstance(known[0], Grant) and known[0].role is not None)
        if not isinstance(source, ShowsGrant) or not of_accounts:
            return
        grant = asked.grants[account_id] = _answer(asked.name, partial(source.grant, account_id))
        if isinstance(grant, Grant):
            asked.refused = writes(asked.name, grant)

    def _parked(self, source: Source, account_id: str) -> SourceParked | None:
        """The error that leaves an account alone which its platform asked to leave alone."""
        if not self.has_warehouse:
            return None
        try:
            refuse_if_parked(self.warehouse, source.name, account_id)
        except SourceParked as error:
            return error
        except WarehouseError:  # no table yet, or nobody knows
            return None
        return None


def _account(source: Source, account_id: str) -> Account:
    account = source.account(account_id)
    if isinstance(source, Reaches):
        source.reach(account_id)
    return account


def _answer(name: str, ask: Callable[[], T]) -> T | AdcanaryError:
    """What a platform answers; what can't be read of it is an error of its own, and no other's."""
    try:
        return ask()
    except AdcanaryError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one strange answer hides no other
        said = quoted(f"{type(error).__name__}: {error}")
        return SourceRejected(
            f"{name}: its answer can't be read ({said}).",
            fix="Check the url; if it is right, the platform has changed its API: update adcanary.",
        )
