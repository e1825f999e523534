"""Fixtures of the browser tests: the system's own Chromium, and a page of its own for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.review_server import Server, Signer, copied, serving
from tests.e2e.review_world import two_campaigns

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, for the session."""
    path = next((which for name in CHROMIUM if (which := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: install it (on Debian: apt-get install chromium)")
    expect.set_options(timeout=30_000)  # a decision on a busy machine takes a while
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def signer() -> Iterator[Signer]:
    made = Signer()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def review_world(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Path:
    """Three proposals of adcanary's own that wait; copied for whatever is done to them."""
    folder = tmp_path_factory.mktemp("review")
    two_campaigns(folder, more=signer.section())
    return folder


@pytest.fixture
def server(review_world: Path, signer: Signer, tmp_path: Path) -> Iterator[Server]:
    """The page of a copy of the world."""
    with serving(copied(review_world, tmp_path / "w"), signer) as running:
        yield running


@dataclass
class Visits:
    """Opens the page as somebody."""

    browser: Browser
    server: Server
    opened: list[Any]

    def __call__(self, person: str, path: str = "/", **context: Any) -> Page:
        made = self.browser.new_context(
            base_url=self.server.url,
            extra_http_headers=self.server.signer.headers(person),
            **context,
        )
        self.opened.append(made)
        page = made.new_page()
        page.set_default_timeout(30_000)
        page.goto(path)
        return page


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    visits = Visits(browser, server, [])
    yield visits
    for context in visits.opened:
        context.close()
