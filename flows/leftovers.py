"""Removes what Prefect leaves of a flow run that was killed: its environment, secrets included.

Prefect writes it into a folder under TMPDIR (seen in 3.8.8), which a killed worker never removes.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

_FOLDERS = "prefect-workspace-attempt-*"
# One that a worker has just made has no process yet.
_NEW_SECONDS = 600.0


def remove_leftovers() -> list[Path]:
    """Remove the folders that no process of this machine names; which those were.

    Nothing is removed where the system doesn't list its processes.
    """
    if not Path("/proc/self").exists():
        return []
    commands = b"".join(_command(process) for process in Path("/proc").glob("[0-9]*"))
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(_FOLDERS):
        new = time.time() - folder.stat().st_mtime < _NEW_SECONDS
        if not new and str(folder).encode() not in commands:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
