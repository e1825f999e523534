"""Starts and stops a Prefect server of this environment, as `prefect server start` runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 90.0

# The server ends when its standard input does: however this process ends, nothing stays behind.
_LAUNCH = """
import os, threading
def end():
    while os.read(0, 1):
        pass
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
from prefect.cli import app
app()
"""


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


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server with an empty database in ``folder``, on a free loopback port; yields its API's URL.

    Raises:
        RuntimeError: it ended, or did not answer in time; with the end of its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log, url = folder / "server.log", f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-c", _LAUNCH, "server", "start", "--host", "127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(folder),
        )
    assert process.stdin is not None
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prefect did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.2)
        yield url
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False
