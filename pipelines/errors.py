"""Every error adcanary raises on purpose, in one tree.

AdcanaryError
├── ConfigError              adcanary.yaml or the environment is wrong         exit 2
├── UsageError               a command was called with wrong arguments          exit 2
├── InputError               a file or a row of input is wrong                 exit 1
├── AuditError               a batch failed its expectations; nothing published exit 1
├── IntegrityError           published data contradicts itself (broken chain)  exit 1
├── CurrencyMismatch         two currencies were added or compared             exit 1
├── RateUnknown              an amount can't be converted: no exchange rate    exit 1
├── ConstraintsConflict      no allocation can hold all limits and targets     exit 1
├── FileRefused              a file can't be read or written: room, permission exit 1
├── DecisionRefused          a decision on a proposal isn't allowed            exit 1
├── SourceError              an ad platform or export
│   ├── SourceUnavailable    (Transient) no answer, 5xx, quota                 exit 3
│   ├── SourceParked         (Terminal)  the platform asks to be left alone for hours exit 3
│   └── SourceRejected       (Terminal)  permission, unknown account           exit 3
│       ├── CredentialRefused            the token or key itself is refused
│       └── WrongTimeZone                the account's days are in another time zone
└── WarehouseError           BigQuery or DuckDB
    ├── WarehouseUnavailable (Transient) no answer                             exit 3
    ├── WarehouseLocked      (Transient) another process holds the DuckDB file exit 3
    └── StatementError       (Terminal)  a statement was refused               exit 1
        └── MissingTableError            a table that it reads isn't there

``Transient`` and ``Terminal`` are mixins: flows retry what is Transient, and nothing else.
An error says what was wrong and where (its message), what was kept, and what to do next. What it
quotes of a platform or a file can't act on a terminal, and holds no secret of this process.
"""

from __future__ import annotations

import errno
from datetime import datetime

from pipelines.plain_text import masked, visible


class Transient:
    """The same call may succeed later: retry it."""


class Terminal:
    """The same call will fail again until a person changes something."""


class AdcanaryError(Exception):
    """Root of the tree.

    Args:
        message: what is wrong, and where (file, account, column, row).
        kept: what happened to published and staged data, such as "nothing was written."
        fix: what the reader can do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, kept: str | None = None, fix: str | None = None) -> None:
        message = masked(visible(message))
        super().__init__(message)
        self.message = message
        self.kept = kept
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.message]
        if self.kept:
            lines.append(f"Kept: {self.kept}")
        if self.fix:
            lines.append(f"Next: {self.fix}")
        return "\n".join(lines)


class ConfigError(AdcanaryError, Terminal):
    exit_code = 2


class UsageError(AdcanaryError, Terminal):
    exit_code = 2


class InputError(AdcanaryError, Terminal):
    exit_code = 1


class AuditError(AdcanaryError, Terminal):
    exit_code = 1


class IntegrityError(AdcanaryError, Terminal):
    exit_code = 1


class CurrencyMismatch(AdcanaryError, Terminal):
    exit_code = 1


class RateUnknown(AdcanaryError, Terminal):
    exit_code = 1


class DecisionRefused(AdcanaryError, Terminal):
    exit_code = 1


class ConstraintsConflict(AdcanaryError, Terminal):
    """``names``: of a least set that can't be met together; ``remedies``: a change of one of them
    each, after which all can."""

    def __init__(
        self,
        message: str,
        *,
        kept: str | None,
        fix: str | None,
        names: tuple[str, ...],
        remedies: tuple[str, ...],
    ) -> None:
        super().__init__(message, kept=kept, fix=fix)
        self.names = names
        self.remedies = remedies


class FileRefused(AdcanaryError, Terminal):
    """What the system said of a file that no part of adcanary had an answer for."""

    @classmethod
    def of(cls, error: OSError) -> FileRefused:
        """Which file, why, and what to do about it."""
        files = [str(file) for file in (error.filename, error.filename2) if file is not None]
        where = " and ".join(files) or "A file"
        fix = "Look at the file and its folder, and run the command again."
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            fix = "Make room on the disk, or raise the limit (`ulimit -f`), and run it again."
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            fix = "Let this user read and write the file and its folder, and run it again."
        return cls(
            f"{where} can't be read or written: {error.strerror or error}.",
            kept="published data is unchanged by the step that failed.",
            fix=fix,
        )


class SourceError(AdcanaryError):
    exit_code = 3


class SourceUnavailable(SourceError, Transient):
    """``retry_seconds``: how long the platform asks to wait, if it says."""

    retry_seconds: float | None = None


class SourceParked(SourceError, Terminal):
    """A quota that takes hours to reset is used up: the account is left alone until ``until``
    (UTC)."""

    def __init__(self, message: str, *, until: datetime, kept: str | None, fix: str | None) -> None:
        super().__init__(message, kept=kept, fix=fix)
        self.until = until


class SourceRejected(SourceError, Terminal):
    pass


class CredentialRefused(SourceRejected):
    pass


class WrongTimeZone(SourceRejected):
    pass


class WarehouseError(AdcanaryError):
    exit_code = 3


class WarehouseUnavailable(WarehouseError, Transient):
    pass


class WarehouseLocked(WarehouseError, Transient):
    pass


class StatementError(WarehouseError, Terminal):
    exit_code = 1


class MissingTableError(StatementError):
    pass
