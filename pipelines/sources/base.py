"""What every source is: the window it is asked for and the batches it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

# what an error of a source says was kept
KEPT = "published data is unchanged."


@dataclass(frozen=True)
class Window:
    """Days from ``start`` to ``end``, both inclusive, in the account's own time zone."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a window can't end ({self.end}) before it starts ({self.start})")

    def split(self, days: int) -> Iterator[Window]:
        """The window as consecutive windows of at most ``days`` days."""
        start = self.start
        while start <= self.end:
            end = min(start + timedelta(days=days - 1), self.end)
            yield Window(start, end)
            start = end + timedelta(days=1)

    def days(self) -> Iterator[date]:
        """Every day of it, in order."""
        for offset in range((self.end - self.start).days + 1):
            yield self.start + timedelta(days=offset)

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


@dataclass(frozen=True)
class Account:
    """An account as its platform describes it; its days are days in ``time_zone``."""

    account_id: str
    name: str
    currency_code: str
    time_zone: str


@dataclass(frozen=True)
class Unreadable:
    """A row or line that its source can't read: it is set aside, and the others land.

    Landing keeps ``row`` without what is a person's, and of ``text`` no letter and no digit.

    Args:
        key: what names it, nothing of a person: by columns of its table, or as ``file`` and
            ``line`` (of a table: ``row``), counted as an editor counts them, from 1.
        why: what of it can't be read, without its value.
        day: the row's day, None where that can't be read either.
        row: what it holds, by field, as far as a person may see it.
        text: the line, where it can't be taken apart.
    """

    key: Mapping[str, str]
    why: str
    day: date | None = None
    row: Mapping[str, Any] | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Where it is, for a person to read."""
        if "file" not in self.key:
            return ", ".join(f"{name}={value}" for name, value in self.key.items())
        return " ".join(v if name == "file" else f"{name} {v}" for name, v in self.key.items())


@dataclass(frozen=True)
class Batch:
    """Rows of one table, one account and one window: the unit that is staged and published.

    Args:
        table: the raw table, ``raw.<name>``.
        platform: the ad platform, None for what isn't one.
        window: the days this batch replaces, complete: a row the source no longer gives is gone.
        rows: columns of the table's contract, less ``_run_id``: a table, or a stream of record
            batches that is read once, in bounded memory. A further column is drift: it is kept
            in ``_extra``, as JSON, and reported.
        pulled_at: when the pull began, UTC.
        dropped_rows: rows not handed on for want of consent, counted.
        refused_rows: rows not handed on because they aren't the platform's: forged or foreign.
        account_spend: micros that the platform reports for the whole account, by day, where
            the rows are its campaigns: they must sum to it exactly, or the audit fails. A day
            that is not in it had no spend.
        withdrawn: hashed ids of people who withdrew their consent in the window; what is
            stored of them is erased.
        complete: whether it is all there is of its days. One that isn't replaces the campaigns
            that it holds (in a table without campaigns: the rows), and leaves others as they are.
        unreadable: rows of its days that the source could not read.
        rows_read: how many rows or lines the source read, those that it could not read too, where
            that is not the number of ``rows``: some are summed, or dropped.
        note: what a person should know of the rows.
    """

    source: str
    table: str
    account_id: str
    platform: str | None
    window: Window
    rows: pa.Table | pa.RecordBatchReader
    pulled_at: datetime
    dropped_rows: int = 0
    account_spend: Mapping[date, int] | None = field(default=None, repr=False)
    withdrawn: tuple[str, ...] = field(default=(), repr=False)
    complete: bool = True
    unreadable: tuple[Unreadable, ...] = ()
    refused_rows: int = 0
    note: str = ""
    rows_read: int = 0


@dataclass(frozen=True)
class Grant:
    """What a platform says that a credential may do; for `adcanary doctor`.

    Args:
        scopes: as the platform names them; None where it doesn't say.
        role: of the credential's user on the account, in the platform's word; None as above.
        may_change: whether that role may change ads; None where the platform leaves it open.
        note: what the platform leaves open, and why.
        expires_at: when the credential ends, UTC; None where it doesn't, or nothing says so.
    """

    scopes: frozenset[str] | None = None
    role: str | None = None
    may_change: bool | None = None
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Quota:
    """How much of a quota is used, as the last reply said.

    Args:
        used: its share, 1 for all of it; None where the platform only says what is left.
        text: in the platform's own measure.
    """

    name: str
    used: float | None
    text: str


class Source(Protocol):
    """A platform, export or shop that can be pulled.

    Every method raises :class:`pipelines.errors.SourceUnavailable` for what may pass and
    :class:`pipelines.errors.SourceRejected` for what won't, naming source and account.
    """

    name: str
    lookback_days: int
    max_window_days: int

    @property
    def tables(self) -> tuple[str, ...]:
        """The raw tables that :meth:`pull` gives, a batch each, in order."""

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts it was configured with; a file's may have to be read from it."""

    @property
    def span(self) -> Window | None:
        """The days an export file covers; None where the calendar decides."""

    def account(self, account_id: str) -> Account:
        """Ask the platform about one account; fails for an unknown one."""

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Delivery in the window: one batch a table, after everything was read."""

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """What only the present state can tell (entities, budgets), seen on ``day``."""


@runtime_checkable
class TracksChanges(Protocol):
    """A source whose old rows change at any time, such as an order refunded after months."""

    def changed_windows(self, account_id: str, since: date) -> list[Window]:
        """The days before ``since`` of which a row changed on or after ``since``.

        Asked in every ordinary run with the first day of the look-back; the days are then
        pulled again as a whole, so that a published day is always complete.
        """


@runtime_checkable
class ExportFile(Protocol):
    """A source that is one file: what it has is known before it is landed."""

    platform: str

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def complete(self) -> bool:
        """As :attr:`Batch.complete` of its batches."""


@runtime_checkable
class ShowsGrant(Protocol):
    """A source whose platform says what the credential may do."""

    def grant(self, account_id: str) -> Grant:
        """Ask the platform; raises as :class:`Source` does."""


@runtime_checkable
class ShowsQuota(Protocol):
    """A source whose platform says with each reply how much of a quota is used."""

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """As of the last reply; empty before the first."""


@runtime_checkable
class HearsClock(Protocol):
    """A source whose platform says with each reply what time it is."""

    @property
    def clock_offset(self) -> timedelta | None:
        """How far this machine's clock was ahead at the last reply; None before the first."""


@runtime_checkable
class Reaches(Protocol):
    """A source whose ``account`` asks nobody."""

    def reach(self, account_id: str) -> None:
        """Make a small call that shows whether the platform answers and takes the credential."""
