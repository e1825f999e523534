"""A Prefect server for one run, where none is named: it ends with the process that asked for it.

Prefect starts one itself, which goes on listening when its process is killed (seen in 3.9.1).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.limits import create_limits

_START_SECONDS = 120.0
_STOP_SECONDS = 10.0

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
# It serves one run, which nobody looks at in a browser, and starts no other.
_LEAN = {
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
}


@contextmanager
def served() -> Iterator[None]:
    """Run what follows on the server of PREFECT_API_URL, or on one that is started for it.

    Its record of runs is in PREFECT_HOME, as that of any server of this machine.

    Raises:
        RuntimeError: the server ended, or did not answer in time; with the end of its log.
    """
    if PREFECT_API_URL.value():
        yield
        return
    with running() as url, temporary_settings({PREFECT_API_URL: url}):
        create_limits(anew=True)
        yield


@contextmanager
def running(environment: dict[str, str] | None = None) -> Iterator[str]:
    """A server on a free loopback port; yields the URL of its API.

    Args:
        environment: of its process; by default this one's, and no more services than one run needs.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-c", _LAUNCH, "server", "start", "--host", "127.0.0.1"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path.home(),  # the checkout's prefect.yaml and profiles are none of its business
            env=os.environ | _LEAN if environment is None else environment,
        )
        assert process.stdin is not None
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    end = log.read()[-4000:].decode(errors="replace")
                    raise RuntimeError(f"Prefect's server did not start:\n{end}")
                time.sleep(0.1)
            yield url
        finally:
            process.stdin.close()
            process.wait(timeout=_STOP_SECONDS)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False
