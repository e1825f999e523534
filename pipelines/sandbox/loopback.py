"""An ASGI application on a free loopback port, served by uvicorn in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import uvicorn

_START_TIMEOUT = 10.0


class Loopback:
    """``url`` answers from :meth:`start` until :meth:`stop`; connections queue in between."""

    def __init__(self, app: Any, name: str) -> None:
        # asyncio turns Nagle's algorithm off only where the protocol is named; with it on,
        # every reply waits 40 ms for the client's delayed acknowledgement
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=name, daemon=True
        )

    def start(self) -> None:
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

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_START_TIMEOUT)
        self._socket.close()
