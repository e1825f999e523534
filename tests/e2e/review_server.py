"""The review page on loopback, as people reach it: behind a stand-in for IAP that signs who they
are with a key of its own, whose public half a local server hands out."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec

from pipelines.config import Settings, load_settings
from pipelines.proposals.book import Book
from pipelines.proposals.ledger import Ledger, open_ledger
from pipelines.proposals.review.app import create_app
from pipelines.proposals.review.identity import IAP_HEADER
from pipelines.proposals.review.listening import listen
from pipelines.proposals.terms import Terms
from pipelines.secret_settings import Secrets
from pipelines.warehouse import open_warehouse

AUDIENCE = "/projects/1/global/backendServices/2"
ISSUER = "https://cloud.google.com/iap"


class Signer:
    """Signs assertions, and serves the key that they are checked with."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        keys = json.dumps({"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(keys.encode())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def assertion(self, name: str, key: Any = None, **claims: Any) -> str:
        """A signed assertion that somebody is ``name``; claims that are None are left out."""
        now = int(time.time())
        every = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"accounts.google.com:{name}",
            "email": name,
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        given = {claim: value for claim, value in every.items() if value is not None}
        return jwt.encode(given, key or self.key, "ES256", headers={"kid": "k1"})

    def headers(self, name: str) -> dict[str, str]:
        return {IAP_HEADER: self.assertion(name)}

    def section(self) -> str:
        """The lines of adcanary.yaml that take its assertions."""
        return f'review: {{iap: {{audience: "{AUDIENCE}", keys: "{self.url}"}}}}\n'


@dataclass(frozen=True)
class Server:
    """A running page and the ledger behind it."""

    url: str
    settings: Settings
    signer: Signer

    def ledger(self) -> Ledger:
        return open_ledger(open_warehouse(self.settings, create=False), self.settings)

    def terms(self) -> Terms:
        """Of a decision made by other means than the page."""
        return Terms.of(self.settings, self.ledger().policy())

    def book(self) -> Book:
        return self.ledger().read()

    def ids(self) -> dict[str, str]:
        """The id of each campaign's proposal: m1's is a cut, g1's a raise, m2's a pause."""
        return {p.target.campaign_id: p.proposal_id for p in self.book().proposals}

    def states(self) -> dict[str, str]:
        return {p.target.campaign_id: str(p.state) for p in self.book().proposals}


@contextmanager
def serving(folder: Path, signer: Signer, person: str = "nobody") -> Iterator[Server]:
    """The page of a folder's configuration, in a thread of this process."""
    settings = load_settings(folder / "adcanary.yaml")
    app = create_app(settings, Secrets(), person)
    socket = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Server(f"http://localhost:{socket.getsockname()[1]}", settings, signer)
    finally:
        server.should_exit = True
        thread.join(10)


def copied(world: Path, folder: Path, **changes: str) -> Path:
    """A copy of a world, with changes to the text of its configuration."""
    shutil.copytree(world, folder, dirs_exist_ok=True)
    config = folder / "adcanary.yaml"
    text = config.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    config.write_text(text)
    return folder
