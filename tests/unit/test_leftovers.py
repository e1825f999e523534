"""What a killed flow run leaves on disk, with its secrets, is gone after the next one's start."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.leftovers import remove_leftovers


def test_the_folder_of_a_killed_run_goes_and_those_of_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed, running, new, other = (
        tmp_path / name
        for name in (
            "prefect-workspace-attempt-killed",
            "prefect-workspace-attempt-running",
            "prefect-workspace-attempt-new",
            "another-programs-folder",
        )
    )
    for folder in (killed, running, new, other):
        folder.mkdir()
        (folder / "workspace.json").write_text("{}")
        if folder != new:
            os.utime(folder, (time.time() - 7200,) * 2)
    wait = [sys.executable, "-c", "print(flush=True); input()", str(running / "supervisor.json")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(wait, **pipes) as process:
        assert process.stdout is not None
        process.stdout.readline()  # its command line can be read by now
        assert remove_leftovers() == [killed]
        process.kill()
    assert sorted(tmp_path.iterdir()) == sorted([running, new, other])
    assert remove_leftovers() == [running]
