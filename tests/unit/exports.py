"""Exports to try a mapping on: a small one of Google Ads, and what a source makes of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from pipelines.secret_settings import Secrets
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Window
from pipelines.sources.files.ads.source import AdsFile
from pipelines.sources.files.source import open_source

EVER = Window(date(2020, 1, 1), date(2030, 1, 1))
NAMES = ("Tag", "Kampagnen-ID", "Impr.", "Klicks", "Kosten", "Conversions")
ROWS = (
    ("2025-11-03", "70001", "410", "12", "18.40", "1.5"),
    ("2025-11-04", "70001", "395", "9", "17.05", "0"),
)
SPENT = 35_450_000
MAPPING: dict[str, Any] = {
    "platform": "google_ads",
    "account_id": {"constant": "5550001111"},
    "time_zone": "Europe/Zurich",
    "currency": {"constant": "CHF"},
    "level": "campaign",
    "date": {"column": "Tag", "format": "%Y-%m-%d"},
    "columns": {
        "campaign_id": "Kampagnen-ID",
        "impressions": "Impr.",
        "clicks": "Klicks",
        "cost": "Kosten",
        "conversions": "Conversions",
        "conversion_value": "absent",
    },
    "status": {"campaign": {"constant": "ENABLED"}},
}


def text(*rows: tuple[str, ...], names: tuple[str, ...] = NAMES, delimiter: str = ";") -> str:
    """A header and rows as lines of CSV; without rows, those of :data:`ROWS`."""
    return "".join(delimiter.join(row) + "\n" for row in (names, *(rows or ROWS)))


def source(path: Path, **keys: Any) -> AdsFile:
    """A source over a file, by :data:`MAPPING` with further or other keys."""
    mapping = path.with_name("mapping.yaml")
    mapping.write_text(yaml.safe_dump({"delimiter": ";"} | MAPPING | keys, allow_unicode=True))
    return ads_file("google", path, mapping)


def ads_file(platform: str, path: Path, mapping: Path) -> AdsFile:
    """A source over a file, by a mapping of ads."""
    opened = open_source(FileSettings(platform=platform, path=path, mapping=mapping), Secrets())
    assert isinstance(opened, AdsFile)
    return opened


def landed(path: Path, content: str | bytes, **keys: Any) -> pa.Table:
    """The campaign rows of a file with some content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return rows(source(path, **keys))


def rows(source: AdsFile) -> pa.Table:
    """The campaign rows of a source's one account."""
    (account,) = source.account_ids
    (batch,) = source.pull(account, EVER)
    return batch.rows if isinstance(batch.rows, pa.Table) else batch.rows.read_all()


def spent(table: pa.Table) -> int:
    """All costs, in micros."""
    return sum(table["cost_micros"].to_pylist())
