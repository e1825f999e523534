"""What a platform says without end, or says back: pages and replies are bounded, secrets masked."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.errors import SourceError, SourceRejected
from pipelines.plain_text import masked, remember_secrets
from pipelines.sources.calls.http import HttpApi
from pipelines.sources.hubspot.api import HubspotApi
from pipelines.sources.linkedin_ads.api import LinkedinApi
from pipelines.sources.meta_ads.api import Graph
from pipelines.sources.salesforce.api import SalesforceApi
from pipelines.sources.tiktok_ads.api import TiktokApi

Answer = Callable[[str, dict[str, str]], tuple[int, dict[str, str], bytes]]
MOST = 4


@contextmanager
def platform(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server that answers as asked: its URL, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            asked.append(self.path)
            status, headers, body = answer(self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def _hubspot(n: object) -> dict[str, Any]:
    return {"results": [], "total": 0, "paging": {"next": {"after": n}}}


def _salesforce(n: object) -> dict[str, Any]:
    page = {"records": [], "totalSize": 0, "done": False, "nextRecordsUrl": f"/next/{n}"}
    return page | {"access_token": "t"}


def _tiktok(n: object) -> dict[str, Any]:
    return {
        "code": 0,
        "data": {"list": [], "page_info": {"total_page": 10**6, "total_number": 10**9}},
    }


PAGED: dict[str, tuple[Callable[[object], dict[str, Any]], Callable[[str], object]]] = {
    "meta_ads": (
        lambda n: {"data": [], "paging": {"next": f"http://x/y?after={n}"}},
        lambda url: Graph("t", url, max_pages=MOST).edge("act_1", "campaigns", ("id",), ("X",)),
    ),
    "linkedin_ads": (
        lambda n: {"elements": [], "metadata": {"nextPageToken": f"{n}"}},
        lambda url: LinkedinApi(url, "t", max_pages=MOST).entities("1", "adCampaigns"),
    ),
    "hubspot": (
        _hubspot,
        lambda url: HubspotApi(url, "t", "UTC", max_pages=MOST).search(
            "1", "deals", (), ("createdate", *_INSTANTS)
        ),
    ),
    "salesforce": (
        _salesforce,
        lambda url: SalesforceApi(url, "i", "s", "v1", max_pages=MOST).query("1", "SELECT Id"),
    ),
    "tiktok_ads": (
        _tiktok,
        lambda url: TiktokApi(url, "t", max_pages=MOST).entities("1", "campaign", ("x",)),
    ),
}


def _instants() -> tuple[Any, Any]:
    from datetime import UTC, datetime

    return datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


_INSTANTS = _instants()


@pytest.mark.parametrize("source", PAGED)
def test_a_platform_that_names_pages_without_end_is_refused_by_the_bounds_name(
    source: str,
) -> None:
    page, read = PAGED[source]
    numbers = count()
    with (
        platform(lambda _p, _h: (200, {}, json.dumps(page(next(numbers))).encode())) as (
            url,
            asked,
        ),
        pytest.raises(SourceRejected, match="read at most") as caught,
    ):
        read(url)
    assert f"sources.{source}.max_pages" in str(caught.value.fix)
    assert len(asked) <= MOST + 1


@pytest.mark.parametrize("source", sorted(PAGED.keys() - {"tiktok_ads"}))
def test_a_cursor_that_comes_again_is_refused(source: str) -> None:
    page, read = PAGED[source]
    with (
        platform(lambda _p, _h: (200, {}, json.dumps(page("same")).encode())) as (url, asked),
        pytest.raises(SourceRejected, match="was read already"),
    ):
        read(url)
    assert len(asked) <= 3


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_reply_larger_than_the_bound_is_refused_before_its_end(packed: bool) -> None:
    body = b'"' + b"x" * 3 * 2**20 + b'"'
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with platform(lambda _p, _h: (200, headers, gzip.compress(body) if packed else body)) as (
        url,
        _,
    ):
        api = HttpApi("shopify", url, max_bytes=2**20)
        with pytest.raises(SourceRejected, match=r"larger than 1 MiB"):
            api.get("shop", "/rows")
        assert len(HttpApi("shopify", url).get("shop", "/rows")) == 3 * 2**20


TOKEN = "tkn-4f9a/77c1+b6e2=longer-than-an-id"
ECHOES = {
    "as it is": f"token {TOKEN} has expired",
    "in an address": f"GET /x?access_token={quote(TOKEN, safe='')} failed",
    "cut short": f"token {TOKEN[:25]}... has expired",
    "over the cut": "x " * 140 + TOKEN * 4,
    "among controls": f"\x1b[2J\u202e{TOKEN}",
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_token_that_a_platform_says_back_is_in_no_error(echo: str) -> None:
    bodies = {
        "http": (401, {"error": echo}),
        "linkedin": (200, {"status": 401, "code": "X", "message": echo}),
        "tiktok": (200, {"code": 40105, "message": echo}),
        "meta": (400, {"error": {"message": echo, "code": 190}}),
    }
    calls: dict[str, Callable[[str], object]] = {
        "http": lambda url: HttpApi("x", url, {"Authorization": f"Bearer {TOKEN}"}).get("1", "y"),
        "linkedin": lambda url: LinkedinApi(url, TOKEN).account("1"),
        "tiktok": lambda url: TiktokApi(url, TOKEN).advertiser("1"),
        "meta": lambda url: Graph(TOKEN, url).node("act_1", ("id",)),
    }
    remember_secrets(TOKEN)
    for name, (status, body) in bodies.items():
        payload = json.dumps(body).encode()
        answer: Answer = lambda _p, _h, s=status, b=payload: (s, {}, b)  # noqa: E731
        with platform(answer) as (url, _), pytest.raises(SourceError) as caught:
            calls[name](url)
        text = str(caught.value)
        assert TOKEN[:20] not in text
        assert quote(TOKEN, safe="")[:20] not in text
        assert not set(text) & {"\x1b", "\u202e"}


def test_a_secret_is_in_no_log_record_and_in_no_traceback(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # as in a new process: a test before this one may have set another hook
    monkeypatch.setattr("pipelines.plain_text._secrets", set())
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    remember_secrets(TOKEN)
    log = logging.getLogger("adcanary.test")
    try:
        raise ValueError(f"asked with {TOKEN}")
    except ValueError as error:
        log.exception("it failed: %s", error)
        sys.excepthook(type(error), error, error.__traceback__)
    shown = capsys.readouterr().err
    assert "[secret]" in shown
    assert "[secret]" in caplog.text
    assert TOKEN[:20] not in caplog.text + shown


def test_a_short_secret_masks_no_plain_word() -> None:
    remember_secrets("s", "spend")
    assert masked("the spend is 5") == "the spend is 5"
