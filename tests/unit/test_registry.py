"""The table of sources: a name is a room, a section of adcanary.yaml, and opens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.config import load_settings
from pipelines.errors import ConfigError, UsageError
from pipelines.secret_settings import Secrets
from pipelines.source_settings import SourcesSettings
from pipelines.sources.registry import SOURCES, open_source, source_names

ROOMS = Path(__file__).parents[2] / "pipelines" / "sources"
CONFIG = """
sources:
  fx_rates: {}
  meta_ads: {accounts: [act_1]}
  google_ads: {accounts: ["1112223334"]}
  files:
    - {platform: meta, path: ads.csv, mapping: meta.yaml}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "adcanary.yaml"
    path.write_text(CONFIG)
    return path


def test_a_source_is_a_room_with_a_section_of_its_name() -> None:
    rooms = {p.parent.name for p in ROOMS.glob("*/source.py")}
    assert rooms == {*SOURCES, "files"}
    sections = set(SourcesSettings.model_fields) - {"files", "account_lookback_days"}
    assert sections == set(SOURCES)


def test_a_source_that_lacks_a_secret_names_its_variable(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADCANARY_META_ACCESS_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="ADCANARY_META_ACCESS_TOKEN"):
        open_source(load_settings(config), Secrets(), "meta_ads")


def test_sources_are_named_in_the_order_of_the_table_and_files_after_them(config: Path) -> None:
    settings = load_settings(config)
    assert source_names(settings) == ["google_ads", "meta_ads", "fx_rates", "files:ads.csv"]
    assert source_names(settings, "files") == ["files:ads.csv"]
    there_are = "google_ads, meta_ads, fx_rates, files:ads.csv"
    with pytest.raises(UsageError, match=rf"No source .bing_ads. .*there are: {there_are}\)"):
        source_names(settings, "bing_ads")


def test_a_source_that_is_not_configured_does_not_open(tmp_path: Path) -> None:
    empty = tmp_path / "adcanary.yaml"
    empty.write_text("sources: {}")
    for name in ("meta_ads", "files", "account_lookback_days", "registry"):
        with pytest.raises(KeyError):
            open_source(load_settings(empty), Secrets(), name)


def test_naming_the_sources_imports_none_of_them() -> None:
    code = (
        "import sys; from pipelines.sources import registry; "
        "print([m for m in sys.modules if m.startswith('pipelines.sources.') "
        "and m.endswith('.source')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
