"""A proxy in front of the emulator that keeps BigQuery's rule for job ids, and can lose a reply.

BigQuery runs a job id once and answers 409 to the second; the emulator runs it again, and gives
an uploaded load an id of its own. BigQuery lists tables with their labels, the emulator without.
BigQuery says which permissions an account has on a table; the emulator has no such call. BigQuery
says what a query was billed for, the emulator nothing.
The requests are kept, so that a test can read what was sent.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

_KEPT_BACK = {"transfer-encoding", "connection", "content-length", "content-encoding", "date"}


class BigQueryProxy:
    """Serves on a free loopback port while the ``with`` block lasts.

    Attributes:
        url: where to point a client.
        jobs: the body of every job that was accepted, by job id, in order.
        refused: job ids answered with 409.
        calls: every request, in order: method and path.
        lose_replies: that many answers to ``POST …/jobs`` will not be sent.
        denied: permissions that the account hasn't on the tables of a dataset.
        billed: bytes, and milliseconds of slots, that every query is said to have come to.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.jobs: dict[str, dict[str, Any]] = {}
        self.refused: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.labels: dict[str, dict[str, str]] = {}
        self.lose_replies = 0
        self.denied: dict[str, set[str]] = {}
        self.billed: tuple[int, int] | None = None
        self.uploads: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.lock = threading.Lock()
        self.client = httpx.Client(base_url=target, timeout=60)
        proxy = self

        class Handler(_Handler):
            """Bound to this proxy."""

            bigquery = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> BigQueryProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.client.close()

    def accept(self, body: dict[str, Any]) -> str | None:
        """The id of a new job, or None for one that there is already."""
        job_id: str = body["jobReference"]["jobId"]
        with self.lock:
            if job_id in self.jobs:
                self.refused.append(job_id)
                return None
            self.jobs[job_id] = body
        return job_id


class _Handler(BaseHTTPRequestHandler):
    bigquery: BigQueryProxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if self.path.split("?")[0].endswith(":testIamPermissions"):
            self._permissions(orjson.loads(body)["permissions"])
            return
        if not urlsplit(self.path).path.endswith("/jobs"):
            self._forward(body)
            return
        job_id = self.bigquery.accept(orjson.loads(body))
        if job_id is None:
            self._duplicate()
            return
        answer = self._ask(body)
        upload = answer.headers.get("x-guploader-uploadid")
        if upload is not None:
            self.bigquery.uploads[upload] = job_id
        if self.bigquery.lose_replies and upload is None:
            self.bigquery.lose_replies -= 1
            self.close_connection = True
            return
        self._reply(answer, self._with_bill(answer))

    def do_PUT(self) -> None:
        answer = self._ask(self._body())
        content = answer.content
        upload = parse_qs(urlsplit(self.path).query)["upload_id"][0]
        if answer.status_code == 200:
            job = orjson.loads(content)
            asked = self.bigquery.uploads[upload]
            self.bigquery.aliases[asked] = job["jobReference"]["jobId"]
            job["jobReference"]["jobId"] = asked
            content = orjson.dumps(job)
        self._reply(answer, content)

    def do_GET(self) -> None:
        answer = self._ask(b"")
        content = answer.content
        if urlsplit(self.path).path.endswith("/tables") and answer.status_code == 200:
            content = self._with_labels(orjson.loads(content))
        elif "/jobs/" in urlsplit(self.path).path:
            content = self._with_bill(answer)
        self._reply(answer, content)

    def do_PATCH(self) -> None:
        self._forward(self._body())

    def do_DELETE(self) -> None:
        self._forward(b"")

    def _permissions(self, asked: list[str]) -> None:
        """The emulator has no such method. It is the API's tables.testIamPermissions."""
        dataset = self.path.partition("/datasets/")[2].partition("/")[0]
        denied = self.bigquery.denied.get(dataset, set())
        held = [permission for permission in asked if permission not in denied]
        self._reply(httpx.Response(200), orjson.dumps({"permissions": held}))

    def _forward(self, body: bytes) -> None:
        answer = self._ask(body)
        path = urlsplit(self.path).path
        if body and "/tables" in path and answer.status_code == 200:
            table = orjson.loads(answer.content)
            self.bigquery.labels[table["id"]] = table.get("labels", {})
        self._reply(answer, answer.content)

    def _with_labels(self, listing: dict[str, Any]) -> bytes:
        for table in listing.get("tables", []):
            table["labels"] = self.bigquery.labels.get(table["id"], {})
        return orjson.dumps(listing)

    def _with_bill(self, answer: httpx.Response) -> bytes:
        """A job, with what it was billed for."""
        if self.bigquery.billed is None or answer.status_code != 200:
            return answer.content
        job = orjson.loads(answer.content)
        if job.get("kind") == "bigquery#job" or "jobReference" in job:
            billed, slots = map(str, self.bigquery.billed)
            query = job.setdefault("statistics", {}).setdefault("query", {})
            query |= {"totalBytesBilled": billed, "totalSlotMs": slots}
        return orjson.dumps(job)

    def _ask(self, body: bytes) -> httpx.Response:
        path = self.path
        self.bigquery.calls.append((self.command, path))
        for asked, made in self.bigquery.aliases.items():
            path = path.replace(f"/jobs/{asked}", f"/jobs/{made}")
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _KEPT_BACK}
        headers["accept-encoding"] = "identity"
        return self.bigquery.client.request(self.command, path, content=body, headers=headers)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _duplicate(self) -> None:
        error = {"code": 409, "message": "Already Exists: Job", "errors": [{"reason": "duplicate"}]}
        content = orjson.dumps({"error": error})
        self.send_response(409)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _reply(self, answer: httpx.Response, content: bytes) -> None:
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in _KEPT_BACK:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """The requests are in ``jobs``; the terminal stays quiet."""
