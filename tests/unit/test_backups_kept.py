"""Old backups go, the newest stay, and nothing else in the folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.backups import prune
from pipelines.config import Settings, load_settings
from pipelines.errors import UsageError
from pipelines.sources.registry import configured_names

NEW = [f"w-2026010{day}T030000Z.duckdb" for day in range(1, 5)]
OTHERS = ["w-before-upgrade.duckdb", "other-20260101T030000Z.duckdb", "w-20260101T030000Z.txt"]


def settings(folder: Path, text: str = "warehouse: {kind: duckdb, path: w.duckdb}\n") -> Settings:
    (folder / "adcanary.yaml").write_text(text)
    return load_settings(folder / "adcanary.yaml")


@pytest.mark.parametrize(("keep", "stay"), [(2, NEW[2:]), (9, NEW), (0, NEW[3:])])
def test_the_newest_backups_stay_at_least_one_and_what_a_person_named_does(
    tmp_path: Path, keep: int, stay: list[str]
) -> None:
    own = settings(tmp_path)
    folder = own.warehouse.path.parent / "backups"
    folder.mkdir()
    for name in (*NEW, *OTHERS):
        (folder / name).touch()
    gone = prune(own, keep)
    assert {path.name for path in gone} == {*NEW} - {*stay}
    assert {path.name for path in folder.iterdir()} == {*stay, *OTHERS}


def test_a_source_that_is_not_configured_is_left_out_and_one_that_does_not_exist_refused(
    tmp_path: Path,
) -> None:
    own = settings(tmp_path, "sources:\n  fx_rates: {}\n")
    assert configured_names(own, ["fx_rates"]) == ["fx_rates"]
    assert configured_names(own, ["shopify"]) == []
    with pytest.raises(UsageError, match="There is no source 'shopfy'"):
        configured_names(own, ["shopfy"])
