"""BigQuery: Parquet load jobs into a stage, one multi-statement transaction to publish it."""

from __future__ import annotations

import hashlib
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO

import google.auth
import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core.exceptions import (
    Conflict,
    Forbidden,
    GoogleAPICallError,
    MethodNotAllowed,
    NotFound,
)
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.cloud.bigquery.table import TableListItem

from pipelines.config import WarehouseSettings
from pipelines.contracts import Contract
from pipelines.errors import ConfigError, MissingTableError, WarehouseUnavailable
from pipelines.warehouse import metering
from pipelines.warehouse.base import STAGE_DATASET, Question, Statement, Value, WorkingCopy
from pipelines.warehouse.bigquery_errors import translated
from pipelines.warehouse.bigquery_tables import (
    CONTRACT_LABEL,
    altered,
    brought,
    changed_columns,
    contract_table,
    deployed_table,
    fingerprint,
    stage_schema,
    table_labels,
)
from pipelines.warehouse.drift import Action, Change, Deployed
from pipelines.warehouse.googlesql import parse_query, script
from pipelines.warehouse.results import as_googlesql

# A call (not a job) is retried for this long if BigQuery does not answer.
_RETRY = DEFAULT_RETRY.with_timeout(30.0)
# For a query whose job BigQuery failed. The client (3.47) takes it for leave to begin one for ten
# minutes whatever _RETRY says, so only the result is asked with it
# (findings/bigquery_query_outlasts_its_retry.sh).
_JOB_RETRY = DEFAULT_JOB_RETRY.with_timeout(120.0)
_STAGE_DAYS = 7
_LOAD_ATTEMPTS = 5
_NEEDED = ("bigquery.tables.getData", "bigquery.tables.updateData", "bigquery.tables.update")
# Datasets beside the contracts' that are written to: dbt's, and landing's.
_BESIDE = {"marts", STAGE_DATASET}
# Calls at a time where every table is looked at.
_LOOKING = 8
# A stage's Parquet stays in memory up to this size.
_SPOOL_BYTES = 32 * 1024**2
# The tables that this process has seen to: whose, and with which columns.
_seen: set[tuple[str | None, str, str, str]] = set()


class BigQueryWarehouse:
    """The cloud warehouse (see :class:`pipelines.warehouse.base.Warehouse`).

    Datasets are those of the SQL (``raw``, ``marts``, …), in ``settings.project`` and
    ``settings.location``. Credentials are the environment's default ones; an
    ``api_endpoint`` of its own, such as an emulator, is called without any.

    Raises:
        ConfigError: no project, or no credentials.
    """

    kind = "bigquery"

    def __init__(self, settings: WarehouseSettings) -> None:
        if settings.project is None:
            raise ConfigError(
                "warehouse.kind is bigquery, but warehouse.project is not set.",
                fix="Set warehouse.project in adcanary.yaml to your Google Cloud project.",
            )
        self.project = settings.project
        self._location = settings.location
        self._maximum_bytes_billed = settings.maximum_bytes_billed
        self._client = _client(settings, self.project)
        self._endpoint = settings.api_endpoint

    def unit(self, *, read_only: bool = False) -> AbstractContextManager[None]:
        del read_only
        return nullcontext()

    def rebuilding(self) -> AbstractContextManager[WorkingCopy | None]:
        return nullcontext()

    def create_tables(self, contracts: Iterable[Contract]) -> None:
        wanted = {self._identity(c): c for c in contracts}
        missing = [contract for key, contract in wanted.items() if key not in _seen]
        if not missing:
            return
        with translated("create tables"):
            there = {dataset.dataset_id for dataset in self._client.list_datasets(retry=_RETRY)}
            if STAGE_DATASET not in there:
                self._create_dataset(STAGE_DATASET, table_days=_STAGE_DAYS)
            for dataset in sorted({contract.dataset for contract in missing}):
                if dataset not in there:
                    self._create_dataset(dataset)
                present = {t.table_id: t for t in self._client.list_tables(dataset, retry=_RETRY)}
                for contract in missing:
                    if contract.dataset == dataset:
                        self._create_table(contract, present.get(contract.name))
        _seen.update(wanted)

    def deployed(self, contracts: Iterable[Contract]) -> dict[str, Deployed]:
        with translated("read the tables' schemas"), ThreadPoolExecutor(_LOOKING) as threads:
            looked_at = list(threads.map(self._deployed, contracts))
        return {table.table: table for table in looked_at if table is not None}

    def carry_out(self, contract: Contract, changes: Sequence[Change]) -> None:
        actions = {change.action for change in changes}
        if Action.CREATE in actions:
            _seen.discard(self._identity(contract))
            self.create_tables([contract])
            return
        with translated(f"change {contract.table}"):
            for statement in altered(contract, changes):
                self._client.query(statement, retry=_RETRY, job_retry=None).result(retry=_RETRY)
            if actions & {Action.ADD, Action.RELAX, Action.DESCRIBE}:
                table = self._client.get_table(self._name(contract), retry=_RETRY)
                table.schema = brought(contract, changes, table.schema)
                table.description = contract.description
                self._client.update_table(table, ["schema", "description"], retry=_RETRY)

    def lacking(self, contracts: Iterable[Contract]) -> dict[str, tuple[str, ...] | None]:
        """Of one table in each dataset; on a dataset itself, nobody can ask."""
        with translated("ask for this account's permissions"):
            present = {d.dataset_id for d in self._client.list_datasets(retry=_RETRY)}
            wanted = {contract.dataset for contract in contracts} | _BESIDE
            return {dataset: self._lacking(dataset) for dataset in sorted(wanted & present)}

    def _lacking(self, dataset: str) -> tuple[str, ...] | None:
        try:
            listed = self._client.list_tables(dataset, max_results=1, retry=_RETRY)
        except Forbidden:
            return ("bigquery.tables.list",)
        table = next(iter(listed), None)
        if table is None:
            return None
        try:
            held = self._client.test_iam_permissions(table.reference, _NEEDED, retry=_RETRY)
        except (NotFound, MethodNotAllowed):  # an emulator
            return None
        return tuple(p for p in _NEEDED if p not in held.get("permissions", ()))

    def query(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        parse_query(sql)
        config = bigquery.QueryJobConfig(
            query_parameters=[_parameter(k, v) for k, v in (params or {}).items()],
            maximum_bytes_billed=self._maximum_bytes_billed,
            labels=_labels("query"),
        )
        with self._translated("run a query", sql):
            job = self._client.query(sql, job_config=config, retry=_RETRY, job_retry=None)
            rows = job.result(retry=_RETRY, job_retry=_JOB_RETRY)
            metering.bill(job.total_bytes_billed, job.slot_millis)
            return as_googlesql(rows.to_arrow(create_bqstorage_client=False))

    def ask(self, sql: str) -> pa.Table:
        return self.query(sql)

    def stage(self, contract: Contract, name: str, rows: pa.Table | Path) -> str:
        stage = f"{STAGE_DATASET}.{contract.dataset}__{contract.name}__{name}"
        with translated(f"load the stage {stage}"), _parquet(contract, rows) as file:
            parquet = pq.ParquetFile(file)
            schema = stage_schema(contract, parquet.schema_arrow.names)
            table = bigquery.Table(f"{self.project}.{stage}", schema=schema)
            # the load makes the table, and the dataset says when it expires
            self._load(table, file, parquet.metadata.num_rows)
        return stage

    def stage_file(self, contract: Contract, name: str, path: Path) -> str:
        return self.stage(contract, name, path)

    def datasets(self) -> list[str]:
        with translated("list the datasets"):
            return sorted(d.dataset_id for d in self._client.list_datasets(retry=_RETRY))

    def stages(self) -> list[str]:
        with translated("list the stages"):
            listed = self._client.list_tables(STAGE_DATASET, retry=_RETRY)
            return sorted(f"{STAGE_DATASET}.{table.table_id}" for table in listed)

    def drop_stages(self, stages: Iterable[str]) -> None:
        for stage in stages:
            with translated(f"drop the stage {stage}"):
                self._client.delete_table(
                    f"{self.project}.{stage}", not_found_ok=True, retry=_RETRY
                )

    def transaction(
        self, statements: Sequence[Statement], *, label: str, first: Question | None = None
    ) -> Mapping[str, int]:
        text = script(statements, first)
        config = bigquery.QueryJobConfig(
            maximum_bytes_billed=self._maximum_bytes_billed, labels=_labels(label)
        )
        # The id is fixed for this call, so a job sent again after a lost reply runs once.
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        job_id = f"adcanary-{_labels(label)['step']}-{digest}-{uuid.uuid4().hex[:8]}"
        with self._translated(f"run the transaction {label}", text):
            try:
                job = self._client.query(
                    text, job_config=config, job_id=job_id, retry=_RETRY, job_retry=None
                )
            except Conflict:
                job = self._client.get_job(job_id, location=self._location, retry=_RETRY)
            rows = job.result(retry=_RETRY, job_retry=None)
            metering.bill(job.total_bytes_billed, job.slot_millis)
            if first is None:
                return {}
            return {name: int(value) for name, value in next(iter(rows)).items()}

    @contextmanager
    def _translated(self, what: str, sql: str) -> Iterator[None]:
        """As :func:`translated`; where a table is missing, all are looked for at the next chance:
        somebody may have dropped it while this process runs."""
        try:
            with translated(what, sql):
                yield
        except MissingTableError:
            _seen.clear()
            raise

    def _identity(self, contract: Contract) -> tuple[str | None, str, str, str]:
        return self._endpoint, self.project, contract.table, fingerprint(contract)

    def _create_table(self, contract: Contract, present: TableListItem | None) -> None:
        if present is None:
            table = contract_table(self.project, contract)
            self._client.create_table(table, exists_ok=True, retry=_RETRY)
        elif present.labels.get(CONTRACT_LABEL) != fingerprint(contract):
            table = self._client.get_table(present.reference, retry=_RETRY)
            for statement in changed_columns(table, contract):
                self._client.query(statement, retry=_RETRY, job_retry=None).result(retry=_RETRY)
            table.labels = table_labels(contract)
            self._client.update_table(table, ["labels"], retry=_RETRY)

    def _deployed(self, contract: Contract) -> Deployed | None:
        try:
            table = self._client.get_table(self._name(contract), retry=_RETRY)
        except NotFound:
            return None
        return deployed_table(contract, table)

    def _name(self, contract: Contract) -> str:
        return f"{self.project}.{contract.table}"

    def _create_dataset(self, name: str, table_days: int | None = None) -> None:
        dataset = bigquery.Dataset(f"{self.project}.{name}")
        dataset.location = self._location
        dataset.labels = {"app": "adcanary"}
        if table_days is not None:
            dataset.default_table_expiration_ms = int(
                timedelta(days=table_days) / timedelta(milliseconds=1)
            )
        self._client.create_dataset(dataset, exists_ok=True, retry=_RETRY)

    def _load(self, table: bigquery.Table, file: IO[bytes], row_count: int) -> None:
        """Load the file into its stage, once: the job's id names the table and the content.

        A running job with that id is waited for. One that failed, or whose rows are no longer in
        the table (the stage was dropped since), is followed by another attempt.
        """
        base = f"adcanary-stage-{table.table_id}-{_digest(file)}"
        for attempt in range(_LOAD_ATTEMPTS):
            job_id = f"{base}-{attempt}"
            try:
                job = self._client.load_table_from_file(
                    file,
                    table.reference,
                    rewind=True,
                    job_id=job_id,
                    location=self._location,
                    job_config=_load_config(table),
                )
            except Conflict:
                job = self._client.get_job(job_id, location=self._location, retry=_RETRY)
                if self._done_before(job, table, row_count):
                    return
            else:
                job.result(retry=_RETRY)
                return
        raise WarehouseUnavailable(
            f"All {_LOAD_ATTEMPTS} attempts to load the stage "
            f"{table.dataset_id}.{table.table_id} failed.",
            kept="published data is unchanged.",
            fix=f"Look up the jobs {base}-… in project {self.project} for the reason.",
        )

    def _done_before(self, job: bigquery.LoadJob, table: bigquery.Table, row_count: int) -> bool:
        """Wait for an earlier load; True if it succeeded and its rows are still there."""
        try:
            job.result(retry=_RETRY)
        except GoogleAPICallError:
            if job.error_result is None:
                raise
            return False
        try:
            stage = self._client.get_table(table.reference, retry=_RETRY)
        except NotFound:
            return False
        return stage.num_rows == row_count and stage.created <= job.ended


def _client(settings: WarehouseSettings, project: str) -> bigquery.Client:
    if settings.api_endpoint is not None:
        return bigquery.Client(
            project=project,
            credentials=AnonymousCredentials(),
            location=settings.location,
            client_options={"api_endpoint": settings.api_endpoint},
        )
    try:
        credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/bigquery"])
    except DefaultCredentialsError as error:
        raise ConfigError(
            f"No Google Cloud credentials were found for project {project}.",
            fix="Run `gcloud auth application-default login`, or set "
            "GOOGLE_APPLICATION_CREDENTIALS to a service account's key file.",
        ) from error
    return bigquery.Client(project=project, credentials=credentials, location=settings.location)


def _load_config(table: bigquery.Table) -> bigquery.LoadJobConfig:
    parquet = bigquery.ParquetOptions()
    # Without it, an ARRAY arrives as a record of `list` and `element`.
    parquet.enable_list_inference = True
    return bigquery.LoadJobConfig(
        schema=table.schema,
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        parquet_options=parquet,
        labels=_labels("stage"),
    )


def _parquet(contract: Contract, rows: pa.Table | Path) -> IO[bytes]:
    """The rows as an open Parquet file; equal tables give equal bytes."""
    if isinstance(rows, Path):
        return rows.open("r+b")
    # The upload accepts no other mode.
    file = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES, mode="r+b")  # noqa: SIM115
    pq.write_table(contract.conform(rows), file, compression="zstd", coerce_timestamps="us")
    return file


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1024**2):
        digest.update(block)
    return digest.hexdigest()[:16]


def _labels(step: str) -> dict[str, str]:
    """A job's labels, with those of who counts its cost; BigQuery allows lower case, digits, dashes
    and underscores in them."""
    given = {"app": "adcanary", **metering.labels(), "step": step}
    return {k: re.sub(r"[^a-z0-9_-]", "-", v.lower())[:63] for k, v in given.items()}


def _parameter(name: str, value: Value) -> bigquery.ScalarQueryParameter:
    """A named parameter with the type of its Python value; a datetime without a zone is UTC."""
    if isinstance(value, bool):
        return bigquery.ScalarQueryParameter(name, "BOOL", value)
    if isinstance(value, int):
        return bigquery.ScalarQueryParameter(name, "INT64", value)
    if isinstance(value, float):
        return bigquery.ScalarQueryParameter(name, "FLOAT64", value)
    if isinstance(value, datetime):
        instant = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return bigquery.ScalarQueryParameter(name, "TIMESTAMP", instant)
    if isinstance(value, date):
        return bigquery.ScalarQueryParameter(name, "DATE", value)
    return bigquery.ScalarQueryParameter(name, "STRING", value)
