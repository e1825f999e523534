"""Faults of the simulated platforms, switched on by name."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class _Switch:
    account_id: str | None
    left: int | None  # strikes still to come; None: no end


class Faults:
    """The faults one platform knows, and which of them are on.

    Args:
        known: name → what happens, in words.
        breaking: the names of those that no client can survive (a closed account, a column
            that is gone); every other one passes, and a good client ends with every row.
        once: those of single calls, which strike once when a person switches them on: for ever
            would keep any client from its rows. The others are about the data, or count for
            themselves, and stay on.
        together_at: name → the one account that it strikes while every fault is on.
    """

    def __init__(
        self,
        known: Mapping[str, str],
        breaking: frozenset[str] = frozenset(),
        once: frozenset[str] = frozenset(),
        together_at: Mapping[str, str] | None = None,
    ) -> None:
        if stray := {*breaking, *once, *(together_at or {})} - set(known):
            raise ValueError(f"described, but not known: {', '.join(sorted(stray))}")
        self.known, self.breaking, self.once = known, breaking, once
        self._together_at = together_at or {}
        self._on: dict[str, _Switch] = {}
        self._lock = threading.Lock()

    def switch_on(
        self, name: str, *, account_id: str | None = None, times: int | None = None
    ) -> None:
        """Make a fault strike: every time, or the next ``times``; one account, or all.

        Raises:
            KeyError: the server has no such fault; says which it has.
        """
        if name not in self.known:
            raise KeyError(f"no fault '{name}' (there are: {', '.join(self.known)})")
        with self._lock:
            self._on[name] = _Switch(account_id, times)

    def switch_on_as_known(self, name: str, account_id: str | None = None) -> None:
        """Make a fault strike as often as a client can bear: once where it is of single calls.

        Raises:
            KeyError: as of :meth:`switch_on`.
        """
        self.switch_on(name, account_id=account_id, times=1 if name in self.once else None)

    def switch_on_passing(self) -> None:
        """Make every fault strike that a client survives, all together."""
        for name in sorted(set(self.known) - self.breaking):
            self.switch_on_as_known(name, self._together_at.get(name))

    def switch_off(self) -> None:
        """All of them off."""
        with self._lock:
            self._on.clear()

    def strikes(self, name: str, account_id: str | None = None) -> bool:
        """Whether a fault strikes now; counts as one of its ``times``."""
        if name not in self.known:
            raise KeyError(name)
        with self._lock:
            switch = self._on.get(name)
            if switch is None or switch.left == 0:
                return False
            if switch.account_id not in (None, account_id):
                return False
            if switch.left is not None:
                switch.left -= 1
            return True
