"""The simulated platforms that the wire tests pull from, and the BigQuery they write to."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines import build
from pipelines.canonical import sha256
from pipelines.config import Settings
from pipelines.sandbox.market.market import Market
from pipelines.sandbox.serving.certificate import ensure_certificate
from pipelines.sandbox.serving.clock import Clock
from pipelines.warehouse import WorkingCopy
from tests.wire import budget_rows
from tests.wire.bigquery_emulator import Emulator
from tests.wire.built_rows import Built, build_rows
from tests.wire.warm_dbt import warm_dbt

if TYPE_CHECKING:
    from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer
    from pipelines.sandbox.platforms.meta_ads.server import MetaServer
    from pipelines.warehouse.bigquery import BigQueryWarehouse

TODAY = date(2026, 7, 1)

# gRPC reads its roots once, when the process opens its first TLS channel: before any test runs
_FOLDER = tempfile.TemporaryDirectory(prefix="adcanary-tls-")
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(ensure_certificate(Path(_FOLDER.name)))


@pytest.fixture(scope="session", autouse=True)
def _parsed_once() -> Iterator[None]:
    """Builds with the same variables share what dbt parsed, as builds of one warehouse do, and
    every build what Python imported (``warm_dbt``).

    dbt parses anew (five seconds of CPU) where the path of the file is another one. So it is shown
    every copy under one path, a link, and a new folder gets what an earlier build parsed.
    """
    run_dbt, cold = build._run_dbt, build._DBT

    with (
        tempfile.TemporaryDirectory(prefix="adcanary-dbt-") as shared,
        pytest.MonkeyPatch.context() as patch,
        ExitStack() as warm,
    ):
        link = Path(shared) / "copy"

        def run(
            settings: Settings,
            folder: Path,
            chosen: list[str],
            copy: WorkingCopy | None,
            on_progress: Callable[[str], None],
        ) -> build._Run:
            if copy is None:
                return run_dbt(settings, folder, chosen, copy, on_progress)
            if build._DBT is cold:
                patch.setattr(build, "_DBT", warm.enter_context(warm_dbt(Path(shared))))
            link.unlink(missing_ok=True)
            link.symlink_to(copy.path.parent)
            linked = replace(copy, path=link / copy.path.name)
            parsed = folder / "partial_parse.msgpack"
            key = "|".join((str(build.PROJECT), copy.path.name, chosen[0]))
            known = Path(shared) / sha256(key)
            if known.exists() and not parsed.exists():
                shutil.copyfile(known, parsed)
            result = run_dbt(settings, folder, chosen, linked, on_progress)
            if parsed.exists() and not known.exists():
                shutil.copyfile(parsed, known)
            return result

        patch.setattr(build, "_run_dbt", run)
        yield


@pytest.fixture(scope="session")
def market() -> Market:
    """Half a year that ends the day before ``TODAY``."""
    return Market(start=date(2026, 1, 1), end=date(2026, 6, 30))


@pytest.fixture(scope="module")
def _google(market: Market) -> Iterator[GoogleAdsServer]:
    from pipelines.sandbox.platforms.google_ads.server import GoogleAdsServer

    with GoogleAdsServer(market, Clock(TODAY), Path(_FOLDER.name)) as server:
        yield server


@pytest.fixture
def google(_google: GoogleAdsServer) -> Iterator[GoogleAdsServer]:
    """Google Ads on ``TODAY``; what a test changed of it is undone."""
    yield _google
    _google.clock.today = TODAY
    _google.page_rows = 10_000
    _google.mutations.clear()
    _google.faults.switch_off()


@pytest.fixture(scope="module")
def _meta(market: Market) -> Iterator[MetaServer]:
    from pipelines.sandbox.platforms.meta_ads.server import MetaServer

    with MetaServer(market, Clock(TODAY)) as server:
        yield server


@pytest.fixture
def meta(_meta: MetaServer) -> Iterator[MetaServer]:
    """Meta on ``TODAY``; what a test changed of it is undone."""
    yield _meta
    _meta.clock.today = TODAY
    _meta.page_rows = 1000
    _meta.usage_percent = 12
    _meta.mutations.clear()
    _meta.faults.switch_off()


@pytest.fixture
def bigquery(emulator: Emulator) -> BigQueryWarehouse:
    """An empty BigQuery project on the emulator."""
    from pipelines.warehouse.bigquery import BigQueryWarehouse

    return BigQueryWarehouse(budget_rows.settings(emulator.rest_url))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """One build of the hand-made rows; who changes it works on a copy."""
    return build_rows(tmp_path_factory.mktemp("hand_made"))
