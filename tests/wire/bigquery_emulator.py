"""Starts and stops the BigQuery emulator, which lives in an environment of its own.

``make emulator`` makes that environment; the tests that need it skip where it is absent.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson

ROOT = Path(__file__).parents[2]
EMULATOR = ROOT / ".emulator"
PYTHON = EMULATOR / "venv" / "bin" / "python"
PROJECT = "adcanary-test"
START_SECONDS = 60.0

# The emulator ends when its standard input does: however this process ends, nothing stays behind.
_LAUNCH = """
import os, threading
def end():
    while os.read(0, 1):
        pass
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
from bqemulator.cli import main
main()
"""


@dataclass(frozen=True)
class Emulator:
    """A running emulator: ``rest_url`` is BigQuery's API root, ``grpc_port`` the Storage API's."""

    rest_url: str
    grpc_port: int
    project: str
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the process and wait for it; a second call does nothing."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def available() -> bool:
    """Whether the emulator's environment has been made."""
    return PYTHON.exists()


def start(folder: Path, *, project: str = PROJECT) -> Emulator:
    """Start an emulator with an empty warehouse in memory on free loopback ports.

    Args:
        folder: where its log (``emulator.log``) and its uploads go.

    Raises:
        RuntimeError: it ended, or did not answer within a minute; with the end of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "emulator.log"
    environment = {
        "PATH": os.environ.get("PATH", ""),
        # DuckDB keeps its extensions under HOME; `make emulator` put the spatial one here.
        "HOME": str(EMULATOR / "home"),
        "BQEMU_UPLOAD_STAGING_DIR": str(folder / "uploads"),
        # Avro would be fetched from the network, and nothing here loads it.
        "BQEMU_ENABLE_FORMAT_EXTENSIONS": "false",
    }
    options = ["--ephemeral", "--project", project, "--rest-port", "0", "--grpc-port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(PYTHON), "-c", _LAUNCH, "start", *options, "--log-format", "json"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        ports = _ports(log)
        if len(ports) == 2 and _ready(f"http://127.0.0.1:{ports['rest.listen']}"):
            return Emulator(
                f"http://127.0.0.1:{ports['rest.listen']}",
                ports["grpc.listen"],
                project,
                log,
                process,
            )
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise RuntimeError(f"The BigQuery emulator did not start:\n{log.read_text()[-4000:]}")


def _ports(log: Path) -> dict[str, int]:
    """The ports it says it listens on, by event; its log is one JSON object a line."""
    events = (_json(line) for line in log.read_bytes().splitlines())
    return {
        e["event"]: int(e["port"])
        for e in events
        if e.get("event") in {"rest.listen", "grpc.listen"}
    }


def _json(line: bytes) -> dict[str, str]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
