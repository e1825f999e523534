"""Starts and stops ZetaSQL's server, which `make analyzer` installs, and makes its Python stubs."""

from __future__ import annotations

import importlib
import importlib.resources
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
from grpc_tools import protoc

ROOT = Path(__file__).parents[2]
ANALYZER = ROOT / ".analyzer"
SERVER = ANALYZER / "server"
PROTOS = ANALYZER / "protos"
START_SECONDS = 30.0

# The server ends when the shell's standard input does: however this process ends, nothing stays.
_LAUNCH = '"$0" "$@" < /dev/null & cat > /dev/null; kill $!'


@dataclass(frozen=True)
class Server:
    """A running server.

    Args:
        channel: connected to it.
        process: the shell that keeps it.
    """

    channel: grpc.Channel
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server and wait for it."""
        self.channel.close()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)


def available() -> bool:
    """Whether `make analyzer` was run."""
    return SERVER.exists()


def make_stubs(folder: Path) -> None:
    """Compile the protocol into Python modules in ``folder``, and let them be imported."""
    google = importlib.resources.files("grpc_tools") / "_proto"
    files = [str(path.relative_to(PROTOS)) for path in sorted(PROTOS.rglob("*.proto"))]
    arguments = [f"-I{PROTOS}", f"-I{google}", f"--python_out={folder}"]
    status = protoc.main(["protoc", *arguments, f"--grpc_python_out={folder}", *files])
    if status != 0:
        raise RuntimeError(f"protoc ended with {status}")
    sys.path.insert(0, str(folder))


def stub(name: str) -> ModuleType:
    """A module of the protocol, such as ``zetasql.public.type_pb2``; after :func:`make_stubs`."""
    return importlib.import_module(name)


def start(log: Path) -> Server:
    """Start a server on a free loopback port.

    Raises:
        RuntimeError: it ended, or did not answer within half a minute; with the end of its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", _LAUNCH, str(SERVER), "127.0.0.1", str(port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    any_size: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        # a proxy of the environment has no business with loopback
        ("grpc.enable_http_proxy", 0),
    ]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=any_size)
        try:
            grpc.channel_ready_future(channel).result(timeout=0.5)
        except grpc.FutureTimeoutError:
            channel.close()
            continue
        return Server(channel, process)
    process.kill()
    process.wait()
    raise RuntimeError(f"ZetaSQL's server did not start:\n{log.read_text()[-2000:]}")
