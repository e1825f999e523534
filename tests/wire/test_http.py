"""What every source over HTTP shares: a clock that is off is told before its days are published."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.errors import SourceRejected
from pipelines.sources.calls.http import HttpApi


class ElevenYearsAgo(BaseHTTPRequestHandler):
    """A platform whose date is another than this machine's."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Sat, 01 Aug 2015 09:00:00 GMT"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"rows": 1}')

    def log_message(self, *_: object) -> None:
        return


def test_a_machine_whose_clock_is_off_is_told_and_pulls_nothing() -> None:
    with HTTPServer(("127.0.0.1", 0), ElevenYearsAgo) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        api = HttpApi("shopify", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(SourceRejected, match=r"clock is \+\d+\.\d hours off the platform's"):
            api.get("my-shop", "/rows")
        thread.join()
