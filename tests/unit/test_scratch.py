"""Scratch folders do not outlive their process, however it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.scratch import scratch_folder

CHILD = """
from pathlib import Path
from pipelines.scratch import scratch_folder
folder = scratch_folder()
Path(folder.name, "rows.parquet").write_text("rows of people")
print(folder.name, flush=True)
input()
"""


def test_what_a_killed_process_left_goes_with_the_next_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as child:
        assert child.stdout is not None
        left = Path(child.stdout.readline().strip())
        with scratch_folder():
            assert (left / "rows.parquet").exists(), "its process still runs"
        child.kill()
    assert left.exists()
    with scratch_folder():
        assert not left.exists()
    assert not list(tmp_path.iterdir())
