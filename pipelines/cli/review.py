"""``adcanary review``: the page where proposals are read and decided on."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import print_plainly
from pipelines.cli.options import ConfigOption, person


def review(
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on (default: review.port, 8640).")
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(
            "--as", help="Who decides, where neither IAP nor OpenID Connect says (default: you)."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Open the review page: read proposals, and approve or reject them.

    Without review.iap and review.oidc it listens on this machine alone, and you are whoever opens
    it. Nothing that is approved is applied to a platform.
    """
    import uvicorn

    from pipelines.config import load_settings
    from pipelines.proposals.review.app import create_app
    from pipelines.proposals.review.listening import listen
    from pipelines.secret_settings import Secrets

    settings = load_settings(config)
    app = create_app(settings, Secrets(), person(actor))
    host = settings.review.host
    socket = listen(host, settings.review.port if port is None else port)
    address = settings.review.url or f"http://{host}:{socket.getsockname()[1]}"
    print_plainly(f"Review page: {address} (Ctrl-C ends it)")
    uvicorn.Server(
        uvicorn.Config(app, log_level="warning", server_header=False, proxy_headers=False)
    ).run(sockets=[socket])
