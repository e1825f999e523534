"""The command line with every pause cut to a twentieth of a second: back-off without the wait.

``python -m tests.faults.impatient ingest --all``; nothing else is different.
"""

from __future__ import annotations

import time

LONGEST_PAUSE = 0.05
_sleep = time.sleep


def _impatient(seconds: float) -> None:
    _sleep(min(seconds, LONGEST_PAUSE))


if __name__ == "__main__":
    time.sleep = _impatient
    from pipelines.cli.main import (
        main,  # after the pauses are cut: modules keep the one they import
    )

    main()
