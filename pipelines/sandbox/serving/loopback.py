"""An ASGI application on a free loopback port, served by uvicorn in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI

_START_TIMEOUT = 10.0


class Served:
    """What answers between :meth:`start` and :meth:`stop`, or within ``with``."""

    def start(self) -> Self:
        """Return once it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Dated(uvicorn.Server):
    """Replies with the time of a clock that is ``ahead`` of this machine's."""

    ahead = timedelta(0)

    async def on_tick(self, counter: int) -> bool:
        stops = await super().on_tick(counter)
        if self.ahead:
            says = formatdate(time.time() + self.ahead.total_seconds(), usegmt=True)
            headers = [h for h in self.server_state.default_headers if h[0] != b"date"]
            self.server_state.default_headers = [(b"date", says.encode()), *headers]
        return stops


class Loopback(Served):
    """An application on ``url``; connections queue before it is started."""

    def __init__(self, app: Any, name: str) -> None:
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it on,
        # every reply waits 40 ms for the client's delayed acknowledgement
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
        self._server = _Dated(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=name, daemon=True
        )

    @property
    def ahead(self) -> timedelta:
        """How far the clock of its replies is ahead of this machine's."""
        return self._server.ahead

    @ahead.setter
    def ahead(self, offset: timedelta) -> None:
        self._server.ahead = offset

    def start(self) -> Self:
        """Return once the server answers.

        Raises:
            RuntimeError: it did not start within ten seconds.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError(f"the sandbox's {self._thread.name} server did not start")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_START_TIMEOUT)
        self._socket.close()


def every_call(handle: Callable[..., Any]) -> FastAPI:
    """An application whose calls all go to ``handle(request)``, whatever path and method."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/{path:path}", handle, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return app
