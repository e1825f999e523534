"""Who may open the review page: a person that a valid assertion names, or, on loopback alone, the
one who started it; and no form of another page, person or day counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request

from pipelines.config import load_settings
from pipelines.errors import ConfigError
from pipelines.proposals.review.app import create_app
from pipelines.proposals.review.forms import FormRefused, Forms, Outcome
from pipelines.proposals.review.identity import (
    IAP_HEADER,
    Development,
    Iap,
    Unidentified,
    Visitor,
)
from pipelines.review_settings import IapSettings
from pipelines.secret_settings import Secrets
from tests.e2e.review_server import AUDIENCE, Signer

ANN = "ann@example.com"


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    made = Signer()
    yield made
    made.stop()


def request(client: str = "127.0.0.1", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": (client, 1), "method": "POST"})


def visitor(signer: Signer, assertion: str | None) -> Visitor:
    iap = Iap(IapSettings(audience=AUDIENCE, keys=signer.url))
    given = {IAP_HEADER.replace("-", "_"): assertion} if assertion else {}
    return iap.visitor(request("10.0.0.1", **given))


def test_a_valid_assertion_names_the_person_by_the_one_spelling(signer: Signer) -> None:
    assert visitor(signer, signer.assertion("Ann@Example.com")).name == ANN


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "/projects/1/global/backendServices/3"}, "Audience"),
        ({"iss": "https://accounts.example"}, "issuer"),
        ({"exp": int(time.time()) - 120, "iat": int(time.time()) - 700}, "expired"),
        ({"iat": int(time.time()) + 86_400}, "iat"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"email": None}, "names nobody"),
        ({"email": ""}, "names nobody"),
        ({"email": "job@p.iam.gserviceaccount.com"}, "service account"),
        ({"email": "service:adcanary"}, "service"),
    ],
)
def test_an_assertion_that_is_not_ours_or_not_now_or_no_persons_is_refused(
    signer: Signer, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Unidentified, match=reason):
        visitor(signer, signer.assertion(ANN, **claims))


def test_an_assertion_of_another_key_is_refused(signer: Signer) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(Unidentified, match="Signature verification failed"):
        visitor(signer, signer.assertion(ANN, key=other))


def test_an_unsigned_assertion_and_a_plain_header_are_refused(signer: Signer) -> None:
    import jwt

    for token in (jwt.encode({"email": ANN}, None, "none"), "not a token", None):
        with pytest.raises(Unidentified):
            visitor(signer, token)
    iap = Iap(IapSettings(audience=AUDIENCE, keys=signer.url))
    with pytest.raises(Unidentified):
        iap.visitor(request(x_goog_authenticated_user_email=f"accounts.google.com:{ANN}"))


def test_without_the_keys_nobody_is_let_in_and_it_says_to_try_again() -> None:
    iap = Iap(IapSettings(audience=AUDIENCE, keys="http://127.0.0.1:9/keys"))
    signer = Signer()
    headers = {IAP_HEADER.replace("-", "_"): signer.assertion(ANN)}
    with pytest.raises(Unidentified) as refused:
        iap.visitor(request(**headers))
    signer.stop()
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("client", ["10.0.0.1", "192.168.1.2", "::ffff:10.0.0.1", ""])
def test_the_development_identity_answers_only_this_machine(client: str) -> None:
    assert Development("Ann").visitor(request()).name == "ann"
    with pytest.raises(Unidentified, match="only answers its own machine"):
        Development("ann").visitor(request(client))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "via"])
def test_the_development_identity_refuses_what_came_through_a_proxy(header: str) -> None:
    with pytest.raises(Unidentified):
        Development("ann").visitor(request(**{header: "127.0.0.1"}))


def test_without_iap_the_page_does_not_listen_to_others(tmp_path: Any) -> None:
    path = tmp_path / "adcanary.yaml"
    path.write_text("review: {host: 0.0.0.0}\n")
    with pytest.raises(ConfigError, match="can't tell who is there"):
        create_app(load_settings(path), Secrets(), "ann")


def test_a_form_counts_for_the_person_that_it_was_shown_to() -> None:
    forms, ann, bob = Forms("key", None), Visitor("ann", ""), Visitor("bob", "")
    token = forms.token(ann)
    assert forms.check(request(), token, ann)
    with pytest.raises(FormRefused, match="somebody else"):
        forms.check(request(), token, bob)
    for wrong in ("", "x", token + "x", Forms("another", None).token(ann)):
        with pytest.raises(FormRefused, match="no valid token"):
            forms.check(request(), wrong, ann)


def test_an_old_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forms, ann = Forms("key", None), Visitor("ann", "")
    token = forms.token(ann)
    later = time.time() + 13 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(FormRefused, match="older than 12 hours"):
        forms.check(request(), token, ann)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    forms, ann = Forms("key", "https://review.example"), Visitor("ann", "")
    with pytest.raises(FormRefused, match="another site"):
        forms.check(request(host="review.example", **headers), forms.token(ann), ann)
    own = request(host="localhost:1", origin="https://review.example")
    assert forms.check(own, forms.token(ann), ann)


def test_the_same_form_does_its_work_once() -> None:
    forms, ann = Forms("key", None), Visitor("ann", "")
    done: list[int] = []

    def work() -> Outcome:
        done.append(1)
        return Outcome("done")

    first, second = (forms.take(ann, "f1", work) for _ in range(2))
    assert (first, len(done)) == (second, 1)
    assert forms.take(Visitor("bob", ""), "f1", work).title == "done"
    assert len(done) == 2
