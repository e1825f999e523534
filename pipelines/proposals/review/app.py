"""Puts the review page together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from pipelines.config import Settings
from pipelines.errors import ConfigError
from pipelines.proposals.review import actions, pages
from pipelines.proposals.review.decisions import Decisions
from pipelines.proposals.review.desk import Review
from pipelines.proposals.review.forms import FormRefused, Forms
from pipelines.proposals.review.headers import SecurityHeaders
from pipelines.proposals.review.identity import (
    Development,
    Iap,
    Identity,
    Unidentified,
    is_loopback,
)
from pipelines.proposals.review.messages import Messenger
from pipelines.proposals.review.oidc import Oidc
from pipelines.proposals.review.rendering import environment
from pipelines.proposals.review.shelf import Shelf
from pipelines.proposals.review.slack import Buttons
from pipelines.proposals.review.verification import Verification
from pipelines.secret_settings import Secrets

_STATIC = Path(__file__).parent / "static"
_OWN = ["localhost", "127.0.0.1", "[::1]"]


def create_app(settings: Settings, secrets: Secrets, person: str) -> FastAPI:
    """The review page of a configuration.

    Args:
        person: who started it: everybody on loopback, without IAP and OpenID Connect.

    Raises:
        ConfigError: it would listen to others, and couldn't tell who they are.
    """
    identity = _identity(settings, secrets, person)
    shelf = Shelf(settings)
    key = _value(secrets.review_key)
    review = Review(
        settings=settings,
        identity=identity,
        shelf=shelf,
        forms=Forms(key, settings.review.url),
        decisions=Decisions(settings, shelf),
        verification=Verification(settings),
        templates=environment(),
    )

    messenger = _messenger(settings, secrets, shelf)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        shelf.start()
        review.decisions.begin()
        if messenger:
            messenger.start()
        yield
        if messenger:
            messenger.stop()
        shelf.stop()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.review = review
    app.include_router(pages.router)
    app.include_router(actions.router)
    if isinstance(identity, Oidc):
        app.include_router(identity.router())
    webhook, signing = _value(secrets.slack_webhook), _value(secrets.slack_signing_secret)
    if settings.review.slack and webhook and signing:
        buttons = Buttons(settings.review.slack, signing, webhook, review.forms, review.decisions)
        app.include_router(buttons.router())
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    _handle_errors(app, review)
    url = urlsplit(settings.review.url or "")
    hosts = [*_OWN, url.hostname] if url.hostname else _OWN
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.add_middleware(SecurityHeaders, over_https=url.scheme == "https")
    return app


def _identity(settings: Settings, secrets: Secrets, person: str) -> Identity:
    if settings.review.iap:
        return Iap(settings.review.iap)
    if settings.review.oidc and settings.review.url:
        key, secret = _value(secrets.review_key), _value(secrets.oidc_client_secret)
        return Oidc(settings.review.oidc, settings.review.url, key, secret)
    if not is_loopback(settings.review.host):
        raise ConfigError(
            f"The review page would listen on {settings.review.host}, where it can't tell who is "
            "there: neither review.iap nor review.oidc is set.",
            kept="nothing was started.",
            fix="Set one of them in adcanary.yaml, or leave review.host at 127.0.0.1.",
        )
    return Development(person)


def _messenger(settings: Settings, secrets: Secrets, shelf: Shelf) -> Messenger | None:
    """Who tells Slack, if there is a webhook."""
    webhook = _value(secrets.slack_webhook)
    if not webhook:
        return None
    slack = settings.review.slack
    buttons = bool(slack and slack.people and _value(secrets.slack_signing_secret))
    messenger = Messenger(settings, shelf, webhook, buttons=buttons)
    shelf.on_new = messenger.notice
    return messenger


def _value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _handle_errors(app: FastAPI, review: Review) -> None:
    """Every error has a page without a way to a trace."""

    def page(title: str, detail: str, status: int) -> HTMLResponse:
        template = review.templates.get_template("error.html")
        return HTMLResponse(template.render(title=title, detail=detail), status)

    @app.exception_handler(Unidentified)
    def unidentified(_: Request, error: Unidentified) -> Response:
        if error.sign_in:
            return RedirectResponse(error.sign_in, HTTPStatus.SEE_OTHER)
        return page("We don't know who you are.", error.why, error.status)

    @app.exception_handler(FormRefused)
    def refused(_: Request, error: FormRefused) -> Response:
        detail = f"{error} Nothing was recorded. Go back, load the page again, and decide there."
        return page("The form was refused.", detail, HTTPStatus.FORBIDDEN)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, __: RequestValidationError) -> Response:
        detail = "A field is missing or isn't what it has to be. Nothing was recorded."
        return page("The form can't be read.", detail, HTTPStatus.UNPROCESSABLE_ENTITY)

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> Response:
        return page("There is no such page.", str(error.detail), error.status_code)

    @app.exception_handler(Exception)
    def unexpected(_: Request, __: Exception) -> Response:
        detail = "It is in the log of this server. Look at the proposal again before you go on."
        return page("Something went wrong here.", detail, HTTPStatus.INTERNAL_SERVER_ERROR)
