"""One analyzer for the session, and what BigQuery was sent."""

from collections.abc import Iterator

import pytest

from tests.conformance import zetasql_server
from tests.conformance.analyzer import Analyzer


@pytest.fixture(scope="session")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyzer]:
    """Google's analyzer; the tests skip where it was not installed."""
    if not zetasql_server.available():
        pytest.skip("Google's SQL analyzer is not in .analyzer: run `make analyzer`")
    folder = tmp_path_factory.mktemp("analyzer")
    zetasql_server.make_stubs(folder)
    server = zetasql_server.start(folder / "server.log")
    yield Analyzer(server)
    server.stop()
