"""dbt in a process that has imported it already: each run is a fork of it.

Importing dbt is a third of what a small build costs. ``COMMAND`` takes the place of the command
that starts dbt: it hands its files and its environment to the fork and ends as that ends.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_HAND_OVER = """
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
held = sorted(map(int, os.listdir("/dev/fd")))
files = [n for n in held if n != server.fileno() and os.path.exists(f"/dev/fd/{n}")]
asked = {"arguments": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}
data = json.dumps(asked).encode()
socket.send_fds(server, [len(data).to_bytes(8, "big")], files)
server.sendall(data)
status = int(server.recv(16) or -9)
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""

_PROPERTIES = """
version: 2
models: [{name: one, description: one, columns: [{name: one, data_tests: [not_null]}]}]
"""
_PROFILE = "warm: {target: duckdb, outputs: {duckdb: {type: duckdb, path: ':memory:'}}}"


@contextmanager
def warm_dbt(folder: Path) -> Iterator[tuple[str, ...]]:
    """The command that runs dbt, while the process that it forks is there."""
    path = folder / "dbt.socket"
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.wire.warm_dbt", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        yield (sys.executable, "-I", "-S", "-c", _HAND_OVER, str(path))
        process.stdin.close()


def _serve(path: str) -> None:
    _warm(Path(path).parent)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    assert threading.active_count() == 1, threading.enumerate()
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        _run(listener.accept()[0])


def _warm(folder: Path) -> None:
    """Import dbt, and let it make by reading one model what it makes once a process.

    A fork lacks its parent's threads: no database is opened, and no file read by the static parser.
    """
    import dbt.task.build  # noqa: F401
    from dbt.cli.main import dbtRunner

    project = folder / "warm"
    (project / "models").mkdir(parents=True)
    (project / "models" / "one.sql").write_text("select 1 as one")
    (project / "models" / "one.yml").write_text(_PROPERTIES)
    (project / "dbt_project.yml").write_text('{name: warm, version: "0.1.0", profile: warm}')
    (project / "profiles.yml").write_text(_PROFILE)
    where = [f"--project-dir={project}", f"--profiles-dir={project}"]
    quiet = ["--quiet", "--no-version-check", "--no-static-parser", f"--log-path={project}"]
    assert dbtRunner().invoke([*quiet, "parse", *where]).success
    # as pipelines.build has dbt write
    json.dump = lambda value, file, **how: file.write(json.dumps(value, **how))


def _run(client: socket.socket) -> None:
    size, files, *_ = socket.recv_fds(client, 8, 64)
    data = bytearray()
    while len(data) < int.from_bytes(size, "big"):
        data += client.recv(1 << 20)
    asked = json.loads(data)
    child = os.fork()
    if child == 0:
        _become(asked["arguments"], asked["environment"], asked["folder"], files[:3])
    for file in files:
        os.close(file)
    _, status = os.waitpid(child, 0)
    client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    client.close()


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, files: list[int]
) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["dbt", *arguments]
    threading.Thread(target=_end_with_input, daemon=True).start()
    status = 1
    try:
        from dbt.cli.main import cli

        cli()
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    _serve(sys.argv[1])
