"""What tests of several rooms need: the BigQuery emulator, and time; and which tests are fast."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.wire import bigquery_emulator
from tests.wire.bigquery_emulator import Emulator

# how long an example takes says how busy the machine is, and fails nothing
settings.register_profile("adcanary", deadline=None)
settings.load_profile("adcanary")

# Left out of a fast run: rooms of whole processes, tests that share something costly (a group has
# one worker for it), tests that ask for it, and those that are marked.
SLOW_ROOMS = {"conformance", "e2e", "faults"}
SLOW_MARKS = {"slow", "emulator", "xdist_group"}
SLOW_FIXTURES = {"analyzer", "browser", "built", "children", "emulator", "on_duckdb"}
_FAST_SECONDS = 3.0
_BEGAN = pytest.StashKey[float]()


@pytest.fixture(scope="session", autouse=True)
def compiled_programs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """What JAX compiles in one process, the others of the run take, and no later run."""
    run = tmp_path_factory.getbasetemp()
    folder = (run if worker_id == "master" else run.parent) / "compiled"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="only tests without the emulator, a build, a browser or a fitted model",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A module that is slow as a whole isn't imported: many bring what takes seconds."""
    if not config.getoption("--fast"):
        return None
    is_slow_module = collection_path.suffix == ".py" and bool(_module_marks(collection_path))
    return True if collection_path.name in SLOW_ROOMS or is_slow_module else None


def _module_marks(path: Path) -> set[str]:
    """The slow ones of the marks that a module gives all its tests."""
    text = path.read_text()
    if "\npytestmark = " not in text:
        return set()
    given = [
        ast.walk(line.value)
        for line in ast.parse(text).body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "pytestmark"
    ]
    return {n.attr for nodes in given for n in nodes if isinstance(n, ast.Attribute)} & SLOW_MARKS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--fast"):
        return
    slow = [item for item in items if is_slow(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in set(slow)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_BEGAN] = _cpu_seconds()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    if call.when == "teardown":
        item.user_properties.append(("cpu_seconds", _cpu_seconds() - item.stash[_BEGAN]))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """After a fast run, the tests that were not fast, with their fixtures and processes."""
    if not config.getoption("--fast"):
        return
    reports = [r for held in terminalreporter.stats.values() for r in held if hasattr(r, "when")]
    seconds = {r.nodeid: dict(r.user_properties)["cpu_seconds"] for r in reports if _ended(r)}
    for test in sorted((t for t in seconds if seconds[t] > _FAST_SECONDS), key=seconds.__getitem__):
        terminalreporter.write_line(f"{seconds[test]:.1f} s of CPU: mark {test} as slow")


def _ended(report: pytest.TestReport) -> bool:
    return report.when == "teardown" and bool(report.user_properties)


def _cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def is_slow(item: pytest.Item) -> bool:
    """Whether a fast run leaves the test out: by its marks, or by what it asks for."""
    marks = {mark.name for mark in item.iter_markers()}
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(marks & SLOW_MARKS or fixtures & SLOW_FIXTURES)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One BigQuery emulator for the session; every test takes a project of its own in it."""
    if not bigquery_emulator.available():
        pytest.skip("there is no BigQuery emulator in .emulator: run `make emulator`")
    running = bigquery_emulator.start(tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()
