"""Scratch folders on local disk, for rows on their way; gone with the process that made them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "adcanary-scratch-"


def scratch_folder(parent: Path | None = None) -> tempfile.TemporaryDirectory[str]:
    """A new folder, removed at the end of ``with``, or with the object.

    What a killed process left is removed first: it holds rows of people, out of erasure's reach.

    Args:
        parent: where; under TMPDIR by default.
    """
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)
