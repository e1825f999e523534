"""Opens the port that the page listens on, before anything is promised."""

from __future__ import annotations

import socket

from pipelines.errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any that is free.

    Raises:
        UsageError: the address can't be had.
    """
    # asyncio sends at once only over a socket that says it is TCP; else answers wait 40 ms for an
    # acknowledgement (Nagle's algorithm)
    listening = socket.socket(_family(host), socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
        return listening
    except OSError as error:
        listening.close()
        raise UsageError(
            f"The review page can't listen on {host}:{port}: {error.strerror or error}.",
            kept="nothing was started.",
            fix="End what listens there, or pass --port with another one (0: any that is free).",
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
