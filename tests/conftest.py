"""What tests of several rooms need: the BigQuery emulator, and time."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.wire import bigquery_emulator
from tests.wire.bigquery_emulator import Emulator

# how long an example takes says how busy the machine is, and fails nothing
settings.register_profile("adcanary", deadline=None)
settings.load_profile("adcanary")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One BigQuery emulator for the session; every test takes a project of its own in it."""
    if not bigquery_emulator.available():
        pytest.skip("there is no BigQuery emulator in .emulator: run `make emulator`")
    running = bigquery_emulator.start(tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()
