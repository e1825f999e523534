"""What a build's command and flow say: counts that add up, and every warning in words."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import transform
from pipelines.build_results import BuildResult, Failure
from pipelines.cli import main

WARNING = Failure(
    "spend_has_a_rate", "test", ("spend",), 3, "No rate is known", "Got 3", Path("a/b.sql")
)
RESULT = BuildResult(models=9, tests=6, warnings=(WARNING,), seconds=2.4)
SAID = "test spend_has_a_rate (of spend): 3 failing row(s): No rate is known\n    SQL: a/b.sql"


def test_the_counts_add_up() -> None:
    assert str(RESULT) == "9 models built, 6 tests passed, 1 warned, 2 s"
    assert "warned" not in str(BuildResult(9, 7, (), 2.4))


def test_a_test_that_could_not_run_gives_dbts_own_message() -> None:
    broken = Failure("x", "test", (), None, "No rate is known", "no such column", None)
    assert str(broken) == "test x: no such column"


def test_the_command_says_each_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "adcanary.yaml").write_text("now: 2026-05-01T00:00:00Z\n")
    monkeypatch.setattr("pipelines.build.build", lambda *_, **__: RESULT)
    shown = CliRunner().invoke(main.app, ["build", "--config", str(tmp_path / "adcanary.yaml")])
    assert shown.output == f"Warning: {SAID}\n{RESULT}\n"


def test_the_flow_logs_each_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "adcanary.yaml").write_text("now: 2026-05-01T00:00:00Z\n")
    monkeypatch.setattr(transform, "build", lambda *_, **__: RESULT)
    monkeypatch.setattr(transform, "get_run_logger", lambda: logging.getLogger("flow"))
    with caplog.at_level(logging.INFO, "flow"):
        transform.build_models.fn(tmp_path / "adcanary.yaml")
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("WARNING", SAID),
        ("INFO", str(RESULT)),
    ]
