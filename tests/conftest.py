"""What tests of several rooms need: the BigQuery emulator, and time; and which tests are fast."""

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="only tests without the emulator, a build, a browser or a fitted model",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    fast: bool = config.getoption("--fast")
    return True if fast and collection_path.name in SLOW_ROOMS else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--fast"):
        return
    slow = [item for item in items if is_slow(item)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in set(slow)]


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
