"""Units of work, as OpenTelemetry's spans and lines of the log, with the ids of their runs.

Off, which is the default, it costs nothing and imports nothing. Spans are made where
OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) is set, or where the calling program has set up a
tracer provider; lines are written where ADCANARY_LOG_FORMAT is ``json`` (pipelines.json_logs).

What is noted is about data, never of it: sources, accounts, tables, days, counts, ids of runs. An
error is noted by its kind: its message may quote a row.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float | bool | None
_log = logging.getLogger(__name__)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
_SERVICE, _SECONDS = "adcanary", 3.0


@dataclass
class Work:
    """A unit of work that is being done."""

    fields: dict[str, Value] = field(default_factory=dict)

    def note(self, **fields: Value) -> None:
        """Put down what became known, such as its run id."""
        self.fields |= {name: value for name, value in fields.items() if value is not None}


_doing: ContextVar[Work | None] = ContextVar("the work that is being done", default=None)


@contextmanager
def work(name: str, *, within: Any = None, **fields: Value) -> Iterator[Work]:
    """A span, and a line of the log at its end, around what is done within ``with``.

    Args:
        name: what it is, such as ``land``.
        within: what :func:`here` gave, for work that another thread asked for.
        fields: what is known of it; lines that are logged meanwhile carry them.
    """
    tracer = _tracer()
    if tracer is None and not _log.isEnabledFor(logging.INFO):
        yield Work()
        return
    around = _doing.get()
    done, began = Work(dict(around.fields) if around else {}), time.monotonic()
    done.note(**fields)
    token = _doing.set(done)
    try:
        with _span(tracer, name, within, done):
            yield done
            seconds = round(time.monotonic() - began, 3)
            _log.info("%s: done", name, extra={"seconds": seconds})
    except BaseException as error:
        if _log.isEnabledFor(logging.INFO):  # else whoever catches it says so in words
            failed = {"error": type(error).__name__, "seconds": round(time.monotonic() - began, 3)}
            _log.warning("%s: failed", name, extra=failed)
        raise
    finally:
        _doing.reset(token)


def here() -> Any:
    """Where the present work is in its trace, for :func:`work` in another thread."""
    if _tracer() is None:
        return None
    from opentelemetry import context

    return context.get_current()


def note(**fields: Value) -> None:
    """Put down what became known of the present work, if it is told at all."""
    if doing := _doing.get():
        doing.note(**fields)


def fields() -> dict[str, Value]:
    """What is known of the present work."""
    doing = _doing.get()
    return doing.fields if doing else {}


def trace() -> tuple[str, str] | None:
    """The ids of the present trace and span, in hexadecimal; None where there is no trace."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return format_trace_id(context.trace_id), format_span_id(context.span_id)


@contextmanager
def _span(tracer: Any, name: str, within: Any, done: Work) -> Iterator[None]:
    if tracer is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    with tracer.start_as_current_span(
        name, context=within, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            span.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            span.set_attributes({f"adcanary.{key}": v for key, v in done.fields.items()})


def _tracer() -> Any:
    """What makes spans; None where nobody takes them."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    exported = any(os.environ.get(name) for name in _ENDPOINTS)
    # a provider that isn't ours comes with its own import
    if not exported and "opentelemetry.sdk.trace" not in sys.modules:
        return None
    from opentelemetry import trace as api

    if isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        if not exported:
            return None
        _export()
    return api.get_tracer(_SERVICE)


def _export() -> None:
    """Send spans to the endpoint, as OpenTelemetry's own variables say; those that wait are sent
    when the process ends."""
    from opentelemetry import trace as api
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = "OTEL_SERVICE_NAME" in os.environ
    named |= f"{SERVICE_NAME}=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {SERVICE_NAME: _SERVICE})
    provider = TracerProvider(resource=resource)
    # a collector that is away holds up the end of every command
    patience = None if any(os.environ.get(name) for name in _TIMEOUTS) else _SECONDS
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=patience)))
    api.set_tracer_provider(provider)
