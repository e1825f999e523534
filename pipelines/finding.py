"""What a check says: its name, how it stands, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pipelines.errors import AdcanaryError, Transient
from pipelines.plain_text import masked, visible


class Status(StrEnum):
    """``SKIP``: it could not be told, or there is nothing to tell; the message says why."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Finding:
    """One line of the report; holds no secret of this process.

    Args:
        name: the check, and after a colon what of: ``scopes:meta_ads``.
        unavailable: of a failure, that something didn't answer: later it may.
    """

    name: str
    status: Status
    message: str
    fix: str | None = None
    unavailable: bool = False

    def __post_init__(self) -> None:
        for part in ("name", "message", "fix"):
            text = getattr(self, part)
            if text is not None:
                object.__setattr__(self, part, masked(visible(text)))


def ok(name: str, message: str) -> Finding:
    return Finding(name, Status.OK, message)


def warn(name: str, message: str, fix: str) -> Finding:
    return Finding(name, Status.WARN, message, fix)


def fail(name: str, message: str, fix: str) -> Finding:
    return Finding(name, Status.FAIL, message, fix)


def skip(name: str, why: str) -> Finding:
    return Finding(name, Status.SKIP, why)


def failed(name: str, error: AdcanaryError) -> Finding:
    """An error as a finding."""
    fix = error.fix or "Read the message; `adcanary ingest` would say the same."
    return Finding(name, Status.FAIL, error.message, fix, isinstance(error, Transient))


def looked(what: str, name: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What one question finds; one that itself fails is a finding, and the others go on.

    Args:
        what: what the question is called: ``check``, ``monitor``.
        name: its name.
    """
    try:
        yield from look()
    except AdcanaryError as error:
        yield failed(name, error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are to be run
        message = f"The {what} itself failed: {type(error).__name__}: {error}"
        yield fail(name, message, "Tell adcanary's maintainers, with this message.")
