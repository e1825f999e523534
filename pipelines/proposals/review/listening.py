"""Opens the port that the page listens on, before anything is promised."""

from __future__ import annotations

import socket

from pipelines.errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any that is free.

    Raises:
        UsageError: the address can't be had.
    """
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise UsageError(
            f"The review page can't listen on {host}:{port}: {error.strerror or error}.",
            kept="nothing was started.",
            fix="End what listens there, or pass --port with another one (0: any that is free).",
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
