"""Units of work as spans and lines of a log: whose they are, and nobody's data."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pipelines import telemetry
from pipelines.errors import AuditError
from pipelines.json_logs import Formatter, write_json
from pipelines.landing.publish import Terms
from pipelines.landing.together import land_pull
from pipelines.proposals.propose import propose
from pipelines.telemetry import here, note, work
from tests.unit.campaign_rows import campaigns
from tests.unit.ledgers import fresh, in_force, terms
from tests.unit.test_files_orders import KARI, OLE, READY, SALT, file, order
from tests.unit.warehouse_files import empty_warehouse

ROOT = Path(__file__).parents[2]
_EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def _provider() -> Iterator[None]:
    """The program's own tracer provider, which can be set once a process."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_EXPORTER))
    trace.set_tracer_provider(provider)
    yield
    _EXPORTER.shutdown()  # other tests of this process keep nothing


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    monkeypatch.delenv("OTEL_SDK_DISABLED", raising=False)
    _EXPORTER.clear()
    yield _EXPORTER
    _EXPORTER.clear()


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What the log says, as JSON."""
    root, ours = logging.getLogger(), logging.getLogger("pipelines")
    before = [*root.handlers], root.level, ours.level, sys.excepthook
    stream = StringIO()
    write_json(stream)
    yield stream
    root.handlers, root.level, ours.level, sys.excepthook = before
    logging.captureWarnings(False)
    logging.getLogger("flows").setLevel(logging.NOTSET)


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def records(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.slow
def test_a_landed_batch_is_a_span_with_its_run(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    ((landed,),) = land_pull(
        empty_warehouse(tmp_path / "w.duckdb"), [campaigns(["c1", "c2"])], Terms()
    )
    (span,) = named(spans, "land")
    assert span.attributes is not None
    assert {
        "adcanary.source": landed.source,
        "adcanary.account": landed.account_id,
        "adcanary.table": landed.table,
        "adcanary.run_id": landed.run_id,
        "adcanary.outcome": "published",
        "adcanary.rows": landed.rows,
    }.items() <= dict(span.attributes).items()


@pytest.mark.slow
def test_what_another_thread_does_belongs_to_whoever_asked_for_it(
    spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    with work("ingest", source="google_ads") as doing:
        land_pull(empty_warehouse(tmp_path / "w.duckdb"), [campaigns(["c1", "c2"])], Terms())
        doing.note(batches=1)
    (outer,), (inner,) = named(spans, "ingest"), named(spans, "land")
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id
    assert outer.attributes is not None
    assert outer.attributes["adcanary.batches"] == 1


@pytest.mark.slow
def test_proposing_appends_within_its_span(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    ledger = fresh(tmp_path)
    spans.clear()  # it may have been made just now
    proposed = propose(ledger, in_force(ledger, terms()), created_by="carol")
    (span,) = named(spans, "propose")
    assert span.attributes is not None
    assert span.attributes["adcanary.created"] == len(proposed.created) == 3
    _, appended = named(spans, "append")  # the first is of the policy
    assert appended.parent is not None
    assert appended.parent.span_id == span.context.span_id
    assert appended.attributes is not None
    assert appended.attributes["adcanary.sequence"] == 2
    assert "carol" not in str([dict(s.attributes or {}) for s in spans.get_finished_spans()])


def test_an_error_is_a_spans_by_its_kind_and_never_by_its_message(
    spans: InMemorySpanExporter, lines: StringIO
) -> None:
    with pytest.raises(AuditError), work("land", source="files"):
        raise AuditError("ada@example.com is no number")
    (span,) = named(spans, "land")
    assert (span.status.description, list(span.events)) == ("AuditError", [])
    (line,) = records(lines)
    assert (line["severity"], line["message"]) == ("WARNING", "land: failed")
    assert (line["error"], line["source"]) == ("AuditError", "files")
    assert "example.com" not in f"{span.to_json()} {lines.getvalue()}"


def test_a_line_has_cloud_loggings_fields_and_what_is_known_of_the_work(
    spans: InMemorySpanExporter, lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop")
    with work("land", source="shopify", account="s1"):
        note(run_id="r1")
        logging.getLogger("pipelines.landing").warning("%s\x1b[2J", "late")
    logging.getLogger("elsewhere").info("not told")
    logging.getLogger("elsewhere").warning("told")
    late, done, other = records(lines)
    (span,) = named(spans, "land")
    known = {"source": "shopify", "account": "s1", "run_id": "r1"}
    assert known.items() <= late.items()
    assert known.items() <= done.items()
    assert (late["severity"], late["message"]) == ("WARNING", "late\\x1b[2J")
    assert late["time"].endswith("+00:00")
    assert late["logging.googleapis.com/trace"] == (
        f"projects/shop/traces/{trace.format_trace_id(span.context.trace_id)}"
    )
    assert late["logging.googleapis.com/spanId"] == trace.format_span_id(span.context.span_id)
    assert done["seconds"] >= 0
    assert other.keys() == {"severity", "time", "message", "logger"}


def test_of_an_exception_a_line_has_the_kind_and_the_places_alone() -> None:
    try:
        raise ValueError("ada@example.com")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    line = json.loads(Formatter().format(record))
    kind, place = line["exc_info"].splitlines()
    assert kind == "ValueError"
    assert "test_telemetry.py" in place
    assert "example.com" not in json.dumps(line)


def test_without_an_endpoint_a_log_or_a_provider_nothing_is_made(
    spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with work("land", source="x") as doing:
        doing.note(run_id="r1")
        note(rows=1)
        assert telemetry.fields() == {}
        assert here() is None
    assert spans.get_finished_spans() == ()


class Collector(ThreadingHTTPServer):
    """Takes spans as an OpenTelemetry collector does over OTLP/HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.requests: list[tuple[str, ExportTraceServiceRequest]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        import gzip

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


_WORKS = """
import sys
from pipelines.telemetry import work
with work("job", job="mmm") as doing:
    doing.note(run_id="r1")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def works(**environment: str) -> set[str]:
    """Do a unit of work in a process of its own; the packages that it has imported."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "ADCANARY_"))}
    done = subprocess.run(
        [sys.executable, "-c", _WORKS],
        env={**kept, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_a_process_sends_its_spans_to_the_endpoint_before_it_ends(collector: Collector) -> None:
    works(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    ((path, request),) = collector.requests
    assert path == "/v1/traces"
    (resource,) = request.resource_spans
    about = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert about["service.name"] == "adcanary"
    (span,) = resource.scope_spans[0].spans
    known = {a.key: a.value.string_value for a in span.attributes}
    assert (span.name, known) == ("job", {"adcanary.job": "mmm", "adcanary.run_id": "r1"})


def test_the_service_may_have_another_name(collector: Collector) -> None:
    works(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="nightly")
    ((_, request),) = collector.requests
    about = {a.key: a.value.string_value for a in request.resource_spans[0].resource.attributes}
    assert about["service.name"] == "nightly"


def test_a_collector_that_is_away_fails_and_holds_up_nothing() -> None:
    began = time.monotonic()
    assert "opentelemetry" in works(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert time.monotonic() - began < 10


def test_a_process_that_sends_nothing_imports_nothing_of_it() -> None:
    assert works() & {"opentelemetry", "pythonjsonlogger", "requests"} == set()


@pytest.mark.slow
def test_a_log_of_people_and_of_rows_set_aside_names_nobody(tmp_path: Path) -> None:
    """An order's currency is somebody's address, and another's instant, so that both are set aside;
    a further file lacks a column."""
    (tmp_path / "adcanary.yaml").write_text("warehouse: {path: w.duckdb}\n")
    mapping = yaml.safe_load(READY.read_text())
    mapping |= {"account_id": {"constant": "fjord"}, "time_zone": "Europe/Oslo"}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(mapping))
    orders = [order(f"#{n}", Email=f"p{n}@fjord.example", Phone="+4722334455") for n in range(20)]
    orders[3] |= {"Currency": OLE, "Notes": "call Ole"}
    file(tmp_path / "orders.csv", *orders, order("#30", Created_at=KARI))
    file(tmp_path / "broken.csv", *orders, header=["Name", "Email", "Total"])
    said = ""
    for name, code in (("orders.csv", 0), ("broken.csv", 1)):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pipelines.cli", "ingest", "files", "--path", name),
                *("--mapping", "mapping.yaml"),
            ],
            env={**os.environ, "ADCANARY_LOG_FORMAT": "json", "ADCANARY_HASH_SALT": SALT},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        said += done.stderr
    lines = [json.loads(line) for line in said.splitlines()]
    (landed,) = (line for line in lines if line["message"] == "land: done")
    assert (landed["rows"], landed["set_aside_rows"]) == (19, 2)
    assert landed["run_id"]
    assert "InputError" in {line.get("error") for line in lines}
    for secret in ("fjord.example", "22334455", "call Ole", "Nordmann", SALT):
        assert secret not in said
