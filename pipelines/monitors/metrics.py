"""Prometheus metrics of what the warehouse holds: runs are short, and it remembers them all.

Labels are sources, accounts, tables, jobs, states and kinds: nobody's data, and no more series than
there are of those.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipelines.config import Settings
from pipelines.errors import AdcanaryError
from pipelines.finding import Finding, Status
from pipelines.monitors.held import Held, Kept
from pipelines.monitors.landed import configured
from pipelines.monitors.registry import MONITORS, examine

MOST_ACCOUNTS = 200
"""Of a source, so many accounts have a series: those that are furthest behind."""
VERDICTS = ("PASS", "INCONCLUSIVE", "NO_DATA")
Labelled = Iterable[tuple[Sequence[str], float | None]]


def exposition(settings: Settings) -> str:
    """All metrics, in Prometheus' text format.

    Raises:
        WarehouseError: the warehouse doesn't answer, or refuses a query.
    """
    registry = CollectorRegistry()
    registry.register(_Kept([*collected(Held(settings))]))
    return generate_latest(registry).decode()


def collected(held: Held) -> Iterator[Metric]:
    """Every metric, as the warehouse has it now; before there is one, without values."""
    findings = [*examine(held)]
    now = held.now.timestamp()
    yield gauge("adcanary_warehouse_up", "1 if the warehouse answered.", [((), 1.0)])
    yield gauge(
        "adcanary_metrics_timestamp_seconds",
        "When these were read, by adcanary's clock.",
        [((), now)],
    )
    yield from _landed(held)
    yield from _built(held)
    yield from _jobs(held)
    yield from _proposals(held)
    yield _findings(findings)


def gauge(name: str, text: str, values: Labelled, labels: Sequence[str] = ()) -> Metric:
    """A gauge of labelled values; None is left out."""
    metric = GaugeMetricFamily(name, text, labels=labels)
    for given, value in values:
        if value is not None:
            metric.add_metric(given, value)
    return metric


def counter(name: str, text: str, values: Labelled, labels: Sequence[str] = ()) -> Metric:
    """A counter of labelled values; its name ends in ``_total``."""
    metric = CounterMetricFamily(name, text, labels=labels)
    for given, value in values:
        if value is not None:
            metric.add_metric(given, value)
    return metric


class Fresh(Collector):
    """What is scraped, read from the warehouse again when it is older than ``every`` seconds.

    While the warehouse doesn't answer, only ``adcanary_warehouse_up`` is there, and it is 0.
    """

    def __init__(self, settings: Settings, every: float) -> None:
        self._settings, self._every = settings, every
        self._lock = threading.Lock()
        self._metrics: list[Metric] = []
        self._kept: dict[str, Kept] = {}
        self._read_at = float("-inf")

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at >= self._every:
                try:
                    self._metrics = [*collected(Held(self._settings, self._kept))]
                except AdcanaryError:
                    text = "1 if the warehouse answered."
                    self._metrics = [gauge("adcanary_warehouse_up", text, [((), 0.0)])]
                self._read_at = time.monotonic()
            return self._metrics


class _Kept(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _landed(held: Held) -> Iterator[Metric]:
    by_source: dict[str, list[tuple[float, str]]] = {}
    for source, account_id, known in configured(held):
        if account_id is not None and known is not None:
            age = max((held.now - _end(held, known.day)).total_seconds(), 0.0)
            by_source.setdefault(source, []).append((age, account_id))
    yield gauge(
        "adcanary_freshness_seconds",
        "Since the end of the newest published day of the table that is furthest behind.",
        (
            ((source, account_id), age)
            for source, ages in sorted(by_source.items())
            for age, account_id in sorted(ages, reverse=True)[:MOST_ACCOUNTS]
        ),
        ("source", "account"),
    )
    yield gauge(
        "adcanary_accounts",
        "Configured accounts of which something was published.",
        (((source,), float(len(ages))) for source, ages in sorted(by_source.items())),
        ("source",),
    )
    rows = held.rows("landed_totals")
    for column, name, text in (
        ("batches", "adcanary_published_batches_total", "Batches published."),
        ("landed", "adcanary_landed_rows_total", "Rows published, each time they were."),
        ("restated", "adcanary_restated_rows_total", "Rows that came again with other values."),
        ("withdrawn", "adcanary_withdrawn_rows_total", "Rows that a later pull no longer had."),
        ("dropped", "adcanary_dropped_rows_total", "Rows without consent, or of erased people."),
        ("set_aside", "adcanary_set_aside_rows_total", "Rows in raw.rejected_rows, each time."),
    ):
        values = (((r["source"], r["table_name"]), float(r[column] or 0)) for r in rows)
        yield counter(name, text, values, ("source", "table"))
    stages = held.warehouse.stages() if held.exists else []
    # landing_stage.raw__orders__…, and those of what jobs and the ledger append
    tables = (stage.partition(".")[2].split("__")[:2] for stage in stages)
    kept = Counter(".".join(table) for table in tables)
    yield gauge(
        "adcanary_unpublished_batches",
        "Stages of batches that were refused or cut off, kept for a look; one that lands has its "
        "own for a moment.",
        (((table,), float(count)) for table, count in sorted(kept.items())),
        ("table",),
    )


def _built(held: Held) -> Iterator[Metric]:
    totals = held.rows("build_totals")
    last = held.rows("last_builds")
    yield counter(
        "adcanary_builds_total",
        "Builds by what came of them; RUNNING for good where one never ended.",
        (((row["verdict"],), float(row["builds"])) for row in totals),
        ("verdict",),
    )
    passed = (((), row["passed_at"].timestamp()) for row in last if row["passed_at"])
    yield gauge(
        "adcanary_build_passed_timestamp_seconds",
        "When the last build of all models that passed ended.",
        passed,
    )
    yield gauge(
        "adcanary_build_seconds",
        "How long the last build took, where it has ended.",
        (
            ((), (row["finished_at"] - row["started_at"]).total_seconds())
            for row in last
            if row["finished_at"]
        ),
    )


def _jobs(held: Held) -> Iterator[Metric]:
    rows = held.rows("job_totals")
    builds = held.rows("build_totals")
    yield gauge(
        "adcanary_job_verdict",
        "1 for the verdict of the job's last run, 0 for the others.",
        (
            ((row["job"], verdict), float(row["verdict"] == verdict))
            for row in rows
            for verdict in VERDICTS
        ),
        ("job", "verdict"),
    )
    yield gauge(
        "adcanary_job_seconds",
        "How long the job's last run took.",
        (((row["job"],), row["seconds"]) for row in rows),
        ("job",),
    )
    yield gauge(
        "adcanary_job_finished_timestamp_seconds",
        "When the job's last run ended, by adcanary's clock.",
        (((row["job"],), row["finished_at"].timestamp()) for row in rows),
        ("job",),
    )
    yield counter(
        "adcanary_job_runs_total",
        "Runs of the job.",
        (((row["job"],), float(row["runs"])) for row in rows),
        ("job",),
    )
    costs = [*rows, *({"job": "build", **row} for row in builds)]
    for column, name, text in (
        ("bytes_billed", "adcanary_billed_bytes_total", "Bytes that BigQuery billed."),
        ("slot_seconds", "adcanary_slot_seconds_total", "Seconds that BigQuery's slots worked."),
    ):
        total: Counter[str] = Counter()
        for row in costs:
            if row[column] is not None:
                total[row["job"]] += row[column]
        yield counter(name, text, (((j,), float(n)) for j, n in sorted(total.items())), ("job",))


def _proposals(held: Held) -> Iterator[Metric]:
    now = held.now
    soon = now + timedelta(days=1)
    rows = held.rows("open_proposals", now=now, soon=soon)
    yield gauge(
        "adcanary_open_proposals",
        "Proposals that may still become a change.",
        (((row["state"], row["kind"]), float(row["proposals"])) for row in rows),
        ("state", "kind"),
    )
    oldest: dict[str, datetime] = {}
    for row in rows:
        oldest[row["state"]] = min(row["oldest"], oldest.get(row["state"], row["oldest"]))
    yield gauge(
        "adcanary_oldest_open_proposal_seconds",
        "Since the oldest open proposal was first drafted.",
        (((state,), (now - first).total_seconds()) for state, first in sorted(oldest.items())),
        ("state",),
    )
    switch = held.rows("switch")
    yield gauge(
        "adcanary_kill_switch",
        "1 if proposing and approving are stopped.",
        [((), float(bool(switch) and switch[0]["action"] == "stop"))],
    )


def _findings(findings: Sequence[Finding]) -> Metric:
    counts = Counter((finding.name.partition(":")[0], finding.status) for finding in findings)
    return gauge(
        "adcanary_monitor_findings",
        "Findings of `adcanary monitor`, by how they stand.",
        (
            ((monitor.name, status.value), float(counts[monitor.name, status]))
            for monitor in MONITORS
            for status in Status
        ),
        ("monitor", "status"),
    )


def _end(held: Held, day: date) -> datetime:
    """When a day ended in the reporting time zone."""
    zone = ZoneInfo(held.settings.reporting_time_zone)
    return datetime.combine(day + timedelta(days=1), clock_time.min, zone)
