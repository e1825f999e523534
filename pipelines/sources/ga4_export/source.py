"""Reads the GA4 BigQuery export from files: newline JSON, one file a day of the property."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import SourceRejected, SourceUnavailable
from pipelines.secret_settings import Secrets
from pipelines.source_settings import Ga4ExportSettings
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.ga4_export.events import Day, day_of_events, together
from pipelines.sources.ga4_export.lines import read_export
from pipelines.sources.ga4_export.schema import KEPT, TABLE

if TYPE_CHECKING:
    from pipelines.sources.ga4_export.dataset import Ga4DatasetSource

_KINDS = ("events", "events_intraday")
_SUFFIXES = (".json", ".json.gz")


class Ga4ExportSource:
    """Events of one GA4 property, by day in the property's time zone.

    A day is ``events_YYYYMMDD``, complete and rewritten for three days, or while that is not
    there ``events_intraday_YYYYMMDD``; the next pull of the day replaces the one by the other.
    What lands of a day: see :func:`pipelines.sources.ga4_export.events.day_of_events`.

    Args:
        settings: the property, the folder of its files and its time zone.
        salt: of the hash of user ids.
        now: the present instant, UTC.
    """

    name = "ga4_export"
    tables = (TABLE,)
    span = None
    # A month in memory at a time.
    max_window_days = 31

    def __init__(
        self,
        settings: Ga4ExportSettings,
        salt: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if settings.path is None:
            raise ValueError("the export's files need a path")
        self.account_ids = (settings.property_id,)
        self.lookback_days = settings.lookback_days
        self._folder = settings.path
        self._settings, self._salt, self._now = settings, salt, now

    def account(self, account_id: str) -> Account:
        """The property as configured; the export's files name no currency or time zone.

        Raises:
            SourceRejected: another property was asked for.
            SourceUnavailable: the folder is not there.
        """
        require_property(account_id, self._settings)
        if not self._folder.is_dir():
            raise SourceUnavailable(
                f"ga4_export: property {account_id} has no folder at {self._folder}.",
                kept=KEPT,
                fix="Set sources.ga4_export.path to the folder of events_YYYYMMDD.json files.",
            )
        return Account(account_id, f"GA4 property {account_id}", "XXX", self._settings.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Every consented event of the window's days; all days' files must be there."""
        require_property(account_id, self._settings)
        days = [day.start for day in window.split(1)]
        for day in days:
            self._path(day)
        pulled_at = self._now()
        read = together([self._day(day) for day in days])
        yield read.as_batch(self.name, account_id, window, pulled_at)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: events are facts of their day."""
        yield from ()

    def _path(self, day: date) -> Path:
        for kind in _KINDS:
            for suffix in _SUFFIXES:
                path = self._folder / f"{kind}_{day:%Y%m%d}{suffix}"
                if path.is_file():
                    return path
        plain = self._folder / f"events_{day:%Y%m%d}.json"
        raise SourceUnavailable(
            f"ga4_export: property {self._settings.property_id} has no export for {day} (looked "
            f"for {plain} and events_intraday_{day:%Y%m%d}.json, each also as .json.gz).",
            kept=KEPT,
            fix="Wait for the daily export of that day, or ask for a window that ends before it.",
        )

    def _day(self, day: date) -> Day:
        path = self._path(day)
        try:
            exported = read_export(path, day)
        except OSError:
            # the daily file replaced the intraday one in this moment
            path = self._path(day)
            try:
                exported = read_export(path, day)
            except OSError as error:
                raise SourceUnavailable(
                    f"ga4_export: property {self._settings.property_id}: {path} can't be read: "
                    f"{error.strerror or type(error).__name__}.",
                    kept=KEPT,
                    fix="Check the disk and the file's permissions, then ingest the day again.",
                ) from error
        return day_of_events(
            exported.events,
            day,
            str(path),
            self._settings,
            self._salt,
            places=exported.places,
            unreadable=exported.unreadable,
        )


def open_source(
    settings: Ga4ExportSettings, secrets: Secrets
) -> Ga4ExportSource | Ga4DatasetSource:
    """The export where it is, in files or in BigQuery; ConfigError where the salt is missing."""
    salt = secrets.require("hash_salt")
    if settings.dataset is None:
        return Ga4ExportSource(settings, salt)
    # BigQuery's client takes a while to import
    from pipelines.sources.ga4_export.dataset import Ga4DatasetSource

    return Ga4DatasetSource(settings, salt)


def require_property(account_id: str, settings: Ga4ExportSettings) -> None:
    """Raise SourceRejected for another property than the configured one."""
    if account_id != settings.property_id:
        raise SourceRejected(
            f"ga4_export: no property {account_id}; adcanary.yaml has {settings.property_id}.",
            kept=KEPT,
            fix="Set sources.ga4_export.property_id.",
        )
