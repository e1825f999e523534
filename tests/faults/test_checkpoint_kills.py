"""A kill within a checkpoint loses nothing; ``checkpoint_kills`` is a study of hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import traced
from tests.faults.checkpoint_kills import study

KILLS = 8


def _may_trace() -> bool:
    try:
        return traced.AVAILABLE and traced.run(lambda: None).status == 0
    except OSError:
        return False


def test_eight_kills_within_checkpoints_lose_nothing(tmp_path: Path) -> None:
    if not _may_trace():
        pytest.skip("needs ptrace on Linux, x86-64")
    report = study(tmp_path, KILLS, batches=2)
    assert report.within == KILLS
    assert report.losses == []
