"""Signing in with OpenID Connect: a provider on loopback holds us to the code flow with PKCE."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient
from pydantic import SecretStr

from pipelines.config import load_settings
from pipelines.errors import ConfigError
from pipelines.proposals.review.app import create_app
from pipelines.secret_settings import Secrets
from tests.e2e.review_server import copied
from tests.e2e.review_world import ANN, two_campaigns

pytestmark = pytest.mark.slow


class Provider:
    """Authorises whoever asks, as ``claims`` say, for a code that its verifier fits."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, Any] = {"email": ANN, "email_verified": True}
        self.asked: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, provider.published(urlsplit(self.path).path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                token = provider.token(form)
                self._answer(200 if token else 400, {"id_token": token} if token else {})

            def _answer(self, status: int, content: dict[str, Any]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def published(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [{**public, "kid": "k", "alg": "RS256", "use": "sig"}]}
        pages = {"authorization": "authorize", "token": "token"}
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            **{f"{name}_endpoint": f"{self.issuer}/{page}" for name, page in pages.items()},
        }

    def token(self, form: dict[str, str]) -> str | None:
        """An id token, if the verifier is the one that the challenge was made of."""
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = challenge == self.asked["code_challenge"]
        if not fits or form.get("client_secret") != "s3cret-of-the-tests":
            return None
        now = int(time.time())
        own = {"iss": self.issuer, "aud": "me", "sub": "1", "iat": now, "exp": now + 60}
        claims = {**own, "nonce": self.asked["nonce"], **self.claims}
        return jwt.encode(claims, self.key, "RS256", headers={"kid": "k"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    two_campaigns(folder)
    return folder


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.stop()


@pytest.fixture
def client(world: Path, tmp_path: Path, provider: Provider) -> Iterator[TestClient]:
    folder = copied(world, tmp_path / "w")
    with (folder / "adcanary.yaml").open("a") as config:
        config.write(
            "review: {url: 'http://localhost', oidc: {client_id: me, "
            f"issuer: '{provider.issuer}'}}}}\n"
        )
    secrets = Secrets(oidc_client_secret=SecretStr("s3cret-of-the-tests"))
    app = create_app(load_settings(folder / "adcanary.yaml"), secrets, "nobody")
    with TestClient(app, base_url="http://localhost", client=("10.0.0.1", 5)) as made:
        made.follow_redirects = False
        yield made


def begin(client: TestClient, provider: Provider, path: str = "/inbox") -> str:
    """Ask for a page, be sent to the provider, and come back with its state."""
    first = client.get(path)
    assert first.status_code == 303
    sent = client.get(first.headers["location"])
    address = urlsplit(sent.headers["location"])
    assert f"{address.scheme}://{address.netloc}" == provider.issuer
    provider.asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert provider.asked["code_challenge_method"] == "S256"
    return provider.asked["state"]


def test_whoever_signs_in_is_known_by_the_verified_address(
    client: TestClient, provider: Provider
) -> None:
    state = begin(client, provider)
    done = client.get(f"/sign-in/done?code=c&state={state}")
    assert (done.status_code, done.headers["location"]) == (303, "/inbox")
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    page = client.get("/inbox")
    assert page.status_code == 200
    assert ANN in page.text
    client.get("/sign-out")
    assert client.get("/inbox").status_code == 303


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email_verified": False}, "verified this address"),
        ({"email_verified": None}, "verified this address"),
        ({"email": "x@p.iam.gserviceaccount.com"}, "service account"),
        ({"aud": "another"}, "refused"),
        ({"iss": "https://another.example"}, "refused"),
        ({"exp": 1}, "refused"),
        ({"nonce": "another"}, "to this page&#39;s question"),
    ],
)
def test_a_token_that_is_not_for_us_or_not_of_a_person_begins_no_session(
    client: TestClient, provider: Provider, claims: dict[str, Any], said: str
) -> None:
    state = begin(client, provider)
    provider.claims = {**provider.claims, **claims}
    refused = client.get(f"/sign-in/done?code=c&state={state}")
    assert refused.status_code in (401, 403)
    assert said in refused.text
    assert client.get("/inbox").status_code == 303


def test_an_answer_to_another_question_is_refused(client: TestClient, provider: Provider) -> None:
    begin(client, provider)
    assert client.get("/sign-in/done?code=c&state=another").status_code == 401
    client.cookies.clear()
    assert client.get("/sign-in/done?code=c&state=x").status_code == 401


def test_a_code_without_its_verifier_is_worth_nothing(
    client: TestClient, provider: Provider
) -> None:
    state = begin(client, provider)
    provider.asked["code_challenge"] = "of another browser"
    assert client.get(f"/sign-in/done?code=c&state={state}").status_code == 401


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_leads_to_no_other_site(
    client: TestClient, provider: Provider, wanted: str
) -> None:
    sent = client.get("/sign-in", params={"next": wanted})
    address = urlsplit(sent.headers["location"])
    provider.asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    done = client.get(f"/sign-in/done?code=c&state={provider.asked['state']}")
    assert done.headers["location"] == "/"


def test_a_session_that_somebody_made_up_is_none(client: TestClient) -> None:
    client.cookies.set("adcanary_session", "ImFubkBleGFtcGxlLmNvbSI.aaaaaa.bbbb")
    assert client.get("/inbox").status_code == 303


def test_oidc_needs_to_know_where_people_come_back_to(tmp_path: Path) -> None:
    path = tmp_path / "adcanary.yaml"
    path.write_text("review: {oidc: {client_id: me, issuer: 'https://idp.example'}}\n")
    with pytest.raises(ConfigError, match="sends people back to url"):
        load_settings(path)
