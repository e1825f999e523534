"""The log as JSON, an object a line, with the field names that Cloud Logging reads.

severity, message and time; what is known of the work that logs (source, account, table, run_id, …);
the trace and span, where there are; and of an exception its kind and where it was raised, without
its message, which may quote a row.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from types import TracebackType
from typing import IO, Any

from pythonjsonlogger.json import JsonFormatter

from pipelines import telemetry
from pipelines.plain_text import visible

_OURS = ("pipelines", "flows")
# Fields that a record may bring besides those of the work.
_TRACE, _SPAN = "logging.googleapis.com/trace", "logging.googleapis.com/spanId"


def log_as_configured() -> bool:
    """Log as $ADCANARY_LOG_FORMAT says: ``json`` is an object a line on standard error.

    Returns:
        Whether it is JSON.
    """
    if os.environ.get("ADCANARY_LOG_FORMAT", "").lower() != "json":
        return False
    write_json(sys.stderr)
    return True


def write_json(stream: IO[str]) -> None:
    """Write this process's log to a stream: everything that warns, and what adcanary says it did.

    What was set up before is replaced; a second call changes nothing more.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught


class Formatter(JsonFormatter):
    """One record as one object."""

    def __init__(self) -> None:
        super().__init__("%(message)s", json_ensure_ascii=False)

    def formatException(self, exc_info: Any) -> str:
        """The kind of an exception and the places that it came through."""
        kind, _, at = exc_info
        places = [f"{f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(at)]
        return "\n".join([kind.__name__ if kind else "", *reversed(places)])

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        data = {key: value for key, value in log_data.items() if key != "taskName"}
        data["message"] = visible(str(data["message"]))
        return data

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        seconds = record.created
        log_data["severity"] = record.levelname
        log_data["time"] = _instant(seconds)
        # another formatter, or the masking of secrets, may have put its message there
        record.exc_text = None
        super().add_fields(log_data, record, message_dict)
        log_data["logger"] = record.name
        log_data.update(telemetry.fields())
        if (ids := telemetry.trace()) is not None:
            trace, span = ids
            project = os.environ.get("GOOGLE_CLOUD_PROJECT")
            log_data[_TRACE] = f"projects/{project}/traces/{trace}" if project else trace
            log_data[_SPAN] = span


def _instant(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _uncaught(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log = logging.getLogger("pipelines")
    _log.critical("adcanary ended on an error of its own", exc_info=(kind, error, at))
