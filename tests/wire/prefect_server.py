"""The environment of a Prefect server that a test starts, and of what speaks to it."""

from __future__ import annotations

import os
from pathlib import Path


def environment(folder: Path, api_url: str = "") -> dict[str, str]:
    """The environment of a process that keeps everything of Prefect's in ``folder``."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return own | {
        "HOME": str(folder),
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **({"PREFECT_API_URL": api_url} if api_url else {}),
    }
