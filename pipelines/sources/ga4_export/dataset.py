"""Reads the GA4 BigQuery export where it is: its daily and intraday tables, a query a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cached_property

import pyarrow as pa
from google.api_core.exceptions import ClientError, GoogleAPICallError, NotFound, RetryError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from requests.exceptions import RequestException

from pipelines.errors import SourceError, SourceRejected, SourceUnavailable
from pipelines.source_settings import Ga4ExportSettings
from pipelines.sources.base import Account, Batch, Window
from pipelines.sources.ga4_export.events import Day, day_of_events, together
from pipelines.sources.ga4_export.schema import KEPT, LEFT_OUT, TABLE, export_schema
from pipelines.sources.ga4_export.source import require_property

_KINDS = ("events", "events_intraday")
_FAILED = (GoogleAPICallError, RetryError, GoogleAuthError, RequestException)
_TOO_MANY = 429


class Ga4DatasetSource:
    """Events of one GA4 property from its export dataset, as :class:`.Ga4ExportSource`'s.

    Only what lands is selected, so only that is billed. A column of the table that nobody knows
    is selected too and becomes drift.

    Args:
        settings: the property, its dataset and its time zone.
        salt: of the hash of user ids.
        retry_seconds: how long one call is tried again where BigQuery does not answer.
    """

    # the same events as the files': a property may move from one to the other
    name = "ga4_export"
    tables = (TABLE,)
    span = None
    max_window_days = 31

    def __init__(
        self,
        settings: Ga4ExportSettings,
        salt: str,
        *,
        retry_seconds: float = 30.0,
    ) -> None:
        if settings.dataset is None:
            raise ValueError("the export in BigQuery needs a dataset")
        self.account_ids = (settings.property_id,)
        self.lookback_days = settings.lookback_days
        self._dataset = settings.dataset
        self._settings, self._salt = settings, salt
        self._retry = DEFAULT_RETRY.with_timeout(retry_seconds)

    def account(self, account_id: str) -> Account:
        """The property as configured; the export names no currency or time zone.

        Raises:
            SourceRejected: another property, or a dataset that is not there or not ours to read.
        """
        require_property(account_id, self._settings)
        try:
            self._client.get_dataset(self._dataset, retry=self._retry)
        except _FAILED as error:
            raise self._error(error, f"the dataset {self._dataset}") from error
        return Account(account_id, f"GA4 property {account_id}", "XXX", self._settings.time_zone)

    def pull(self, account_id: str, window: Window) -> Iterator[Batch]:
        """Every consented event of the window's days; all days' tables must be there."""
        require_property(account_id, self._settings)
        pulled_at = datetime.now(UTC)
        read = together([self._day(day.start) for day in window.split(1)])
        yield read.as_batch(self.name, account_id, window, pulled_at)

    def snapshot(self, account_id: str, day: date) -> Iterator[Batch]:
        """Nothing: events are facts of their day."""
        yield from ()

    @cached_property
    def _client(self) -> bigquery.Client:
        project, endpoint = self._dataset.split(".")[0], self._settings.api_endpoint
        if endpoint is None:
            return bigquery.Client(project)
        return bigquery.Client(
            project, AnonymousCredentials(), client_options={"api_endpoint": endpoint}
        )

    def _day(self, day: date) -> Day:
        # a second look: the daily table may replace the intraday one between the two
        for kind in (*_KINDS, _KINDS[0]):
            name = f"{self._dataset}.{kind}_{day:%Y%m%d}"
            try:
                exported = self._table(name)
            except NotFound:
                continue
            except _FAILED as error:
                raise self._error(error, f"the table {name}") from error
            return day_of_events(exported, day, name, self._settings, self._salt)
        raise SourceUnavailable(
            f"ga4_export: property {self._settings.property_id} has no export for {day} (looked "
            f"for {self._dataset}.events_{day:%Y%m%d} and events_intraday_{day:%Y%m%d}).",
            kept=KEPT,
            fix="Wait for the daily export of that day, or ask for a window that ends before it.",
        )

    def _table(self, name: str) -> pa.Table:
        table = self._client.get_table(name, retry=self._retry)
        config = bigquery.QueryJobConfig(labels={"app": "adcanary", "step": "ga4_export"})
        columns = ", ".join(_columns(table.schema))
        job = self._client.query(
            f"SELECT {columns} FROM `{name}`", job_config=config, retry=self._retry
        )
        events: pa.Table = job.result(retry=self._retry).to_arrow(create_bqstorage_client=False)
        return events

    def _error(self, error: Exception, what: str) -> SourceError:
        where = f"ga4_export: property {self._settings.property_id}: {what}"
        code = getattr(error, "code", None)
        if isinstance(error, ClientError) and code != _TOO_MANY:
            return SourceRejected(
                f"{where} can't be read ({code}): {error.message}",
                kept=KEPT,
                fix="Check sources.ga4_export.dataset, and grant BigQuery Data Viewer on it and "
                "BigQuery Job User on its project.",
            )
        return SourceUnavailable(
            f"{where}: BigQuery does not answer ({type(error).__name__}).",
            kept=KEPT,
            fix="Run again later; check the credentials and the network.",
        )


def _columns(schema: list[bigquery.SchemaField]) -> Iterator[str]:
    """The select list: what lands of the columns that the table has, and what nobody knows."""
    known = export_schema()
    for field in schema:
        if field.name in known.names:
            yield f"{_selected(field, known.field(field.name).type, '')} AS `{field.name}`"
        elif field.name not in LEFT_OUT:
            yield f"`{field.name}`"


def _selected(field: bigquery.SchemaField, wanted: pa.DataType, parent: str) -> str:
    """A column, or of a struct the wanted fields that it has: BigQuery bills by leaf."""
    path = f"{parent}`{field.name}`"
    if not pa.types.is_struct(wanted) or field.mode == "REPEATED":
        return path
    names = {f.name: f.type for f in wanted}
    inner = ", ".join(
        f"{_selected(f, names[f.name], f'{path}.')} AS `{f.name}`"
        for f in field.fields
        if f.name in names
    )
    return f"IF({path} IS NULL, NULL, STRUCT({inner}))" if inner else "NULL"
