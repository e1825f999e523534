"""How a call to a platform is tried again: five times, further and further apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import tenacity

from pipelines.errors import SourceUnavailable

ATTEMPTS = 5
LONGEST_WAIT = 60.0
_attempts: ContextVar[int] = ContextVar("attempts", default=ATTEMPTS)


def attempts() -> int:
    """How often a call is tried."""
    return _attempts.get()


def waits() -> bool:
    """Whether there is time to wait as a platform's quota asks."""
    return _attempts.get() > 1


@contextmanager
def tried_once() -> Iterator[None]:
    """Calls within ``with`` fail at their first failure, and nothing waits after one: for whoever
    only wants to know."""
    before = _attempts.set(1)
    try:
        yield
    finally:
        _attempts.reset(before)


def retrying(
    backoff: float, sleep: Callable[[float], None], *, longest_wait: float = LONGEST_WAIT
) -> tenacity.Retrying:
    """Calls a function again where it raises SourceUnavailable; the last error is raised.

    Tried as often as :func:`attempts` says when this is called.

    Args:
        backoff: seconds before the second try; doubled for each further one. An error's
            ``retry_seconds`` are waited where they are more.
        longest_wait: seconds between two tries at most.
    """

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "retry_seconds", None) or 0.0
        return float(min(max(asked, backoff * 2 ** (state.attempt_number - 1)), longest_wait))

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(SourceUnavailable),
        stop=tenacity.stop_after_attempt(attempts()),
        wait=wait,
        sleep=sleep,
        reraise=True,
    )
