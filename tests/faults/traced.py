"""Runs work in a forked process and kills it within a write of its choosing, by ptrace.

A signal at a random instant rarely falls within a write. Here, a write of the process is cut to
its first bytes, as SIGKILL cuts one, and the process is killed. Linux on x86-64 only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

AVAILABLE = sys.platform == "linux" and platform.machine() == "x86_64"
# calls that change a disk, by number; the first two take a count of bytes
_WRITES = {18: "pwrite64", 1: "write"}
_CHANGES = _WRITES | {
    74: "fsync",
    75: "fdatasync",
    77: "ftruncate",
    82: "rename",
    83: "mkdir",
    87: "unlink",
    263: "unlinkat",
    264: "renameat",
    316: "renameat2",
}
_TRACEME, _PEEKUSER, _POKEUSER, _SYSCALL, _SETOPTIONS = 0, 3, 6, 24, 0x4200
# tell calls from signals; follow threads; the child dies with us
_OPTIONS = 0x1 | 0x8 | 0x100000
_CALL_STOP = signal.SIGTRAP | 0x80
_WALL = 0x40000000
_ORIG_RAX, _RDX = 15 * 8, 12 * 8
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


@dataclass(frozen=True)
class Ending:
    """How the process ended.

    Args:
        status: its exit status; negative: the signal.
        changes: calls that change the disk which it had begun.
        at: the call within which it was killed; empty if it was not.
    """

    status: int
    changes: int
    at: str = ""


def run(work: Callable[[], object], kill_at: int | None = None, share: float = 0.5) -> Ending:
    """Run work in a fork of this process.

    Args:
        kill_at: within which change of the disk to kill it, from 0; None: nowhere.
        share: how much of a write is still done.
    """
    child = os.fork()
    if child == 0:
        _be_traced(work)
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, 0, _OPTIONS)
    _ptrace(_SYSCALL, child, 0, 0)
    changes, inside, last = 0, set[int](), ""
    while True:
        thread, state = os.waitpid(-1, _WALL)
        if os.WIFEXITED(state) or os.WIFSIGNALED(state):
            if thread == child:
                return Ending(os.waitstatus_to_exitcode(state), changes, last)
            continue
        stop, signal_ = os.WSTOPSIG(state), 0
        if stop == _CALL_STOP and thread not in inside:
            inside.add(thread)
            number = _libc.ptrace(_PEEKUSER, thread, _ORIG_RAX, 0)
            if number in _CHANGES and not last:
                if changes == kill_at:
                    last = _CHANGES[number]
                    if number in _WRITES:
                        size = _libc.ptrace(_PEEKUSER, thread, _RDX, 0)
                        part = int(size * share) // 4096 * 4096
                        _ptrace(_POKEUSER, thread, _RDX, part)
                    else:
                        os.kill(child, signal.SIGKILL)
                changes += 1
        elif stop == _CALL_STOP:
            inside.discard(thread)
            if last:
                os.kill(child, signal.SIGKILL)
        elif stop not in (signal.SIGTRAP, signal.SIGSTOP):
            signal_ = stop
        _ptrace(_SYSCALL, thread, 0, signal_)


def _be_traced(work: Callable[[], object]) -> None:
    status = 1
    try:
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        status = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc(limit=-1)
    os._exit(status)


def _ptrace(request: int, process: int, address: int, data: int) -> None:
    if _libc.ptrace(request, process, address, data) < 0:
        error = ctypes.get_errno()
        if error != 3:  # ESRCH: it has been killed
            raise OSError(error, os.strerror(error))
