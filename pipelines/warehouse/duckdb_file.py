"""The DuckDB file on its disk: locked, copied, checkpointed and replaced, never written in place.

DuckDB's own checkpoint rewrites blocks of the file (seen in 1.5.6), so a process killed during one
can leave a file that does not open. Here, a copy is checkpointed and takes the file's place in one
step; whatever stops it, the file and its log are as they were.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from pipelines.errors import StatementError, WarehouseLocked

# Holds changes in the log until this module moves them: DuckDB would checkpoint in place.
NO_CHECKPOINT = {"checkpoint_threshold": "1TB"}
# What DuckDB writes beside a file: the log, and what a checkpoint of its own left half done.
_LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")
_CHECKPOINT = NO_CHECKPOINT | {"memory_limit": "512MB", "threads": "2"}
_FICLONE = 0x40049409  # Linux: a copy that shares the blocks, where the file system can
_SPARE_BYTES = 16 << 20
_CHUNK_BYTES = 64 << 20
_POLL_SECONDS = 0.05
_BUSY = (errno.EACCES, errno.EAGAIN)


def log_of(path: Path, suffix: str = ".wal") -> Path:
    """The file's log, where DuckDB looks for it."""
    return path.with_name(path.name + suffix)


def log_bytes(path: Path) -> int:
    """The size of the file's log; 0 without one."""
    try:
        return log_of(path).stat().st_size
    except FileNotFoundError:
        return 0


def is_current(path: Path, inode: int) -> bool:
    """Whether no other file has taken the place of the one that was opened."""
    with suppress(FileNotFoundError):
        return path.stat().st_ino == inode
    return False


@contextmanager
def held_still(path: Path, patience: float) -> Iterator[int]:
    """Keeps every writer from the file; readers go on. Yields the file's descriptor.

    A process that inherits the descriptor keeps others of this module out, too. In this process,
    no DuckDB connection may be open to the file: closing one descriptor gives up all its locks.

    Raises:
        WarehouseLocked: a writer held the file for ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while (descriptor := _try_to_hold(path)) is None:
        if time.monotonic() >= deadline:
            raise WarehouseLocked(
                f"{path} is still in use by {_holders(path)} after {patience:.0f} s.",
                kept="the file is unchanged.",
                fix="Run the command again once that process has ended.",
            )
        time.sleep(_POLL_SECONDS)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_to_hold(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # one of this module at a time
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # as a reader of DuckDB's
        if is_current(path, os.fstat(descriptor).st_ino):
            return descriptor
    except OSError as error:
        if error.errno not in _BUSY:
            raise
    os.close(descriptor)
    return None


def _holders(path: Path) -> str:
    """Which processes hold the file, where the system says so."""
    with suppress(OSError):
        inode = f":{path.stat().st_ino}"
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pids = sorted({int(lock[-4]) for lock in locks if lock[-3].endswith(inode)})
        if pids := [pid for pid in pids if pid > 0 and pid != os.getpid()]:
            return ", ".join(f"process {describe(pid)}" for pid in pids)
    return "another process"


def describe(pid: int) -> str:
    """A process's number and, where the system says so, its command."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return str(pid)
    return f"{pid} ({command[:120]})"


def working_folder(path: Path) -> Path:
    """Where the copy is that takes the file's place: beside it, for a rename."""
    real = path.resolve()
    return real.with_name(f".{real.name}.next")


@contextmanager
def replacement(path: Path, descriptor: int) -> Iterator[Path]:
    """A copy of a file that is held still; it takes the file's place unless something is raised.

    The copy has the file's name, because views name their database. The file's log must be empty
    at the end, or be in the copy's last checkpoint (see :func:`checkpoint`).

    Raises:
        StatementError: the disk has no room for the copy.
    """
    folder = working_folder(path)
    remove_folder(folder)
    folder.mkdir(mode=0o700)
    copy = folder / path.name
    try:
        copy_database(path, descriptor, copy)
        yield copy
        checkpoint(copy)
        _put_in_place(copy, path)
    finally:
        remove_folder(folder)


def create(path: Path) -> None:
    """Make an empty file; nothing happens if there is one already."""
    put(path, lambda new: duckdb.connect(str(new)).close())


def put(path: Path, make: Callable[[Path], None]) -> bool:
    """Put a file where there is none, whole from its first moment; False if there is one.

    Args:
        make: writes the file, without a log, where it is told.
    """
    folder, real = working_folder(path), path.resolve()
    parent = os.open(real.parent, os.O_RDONLY)
    try:
        fcntl.flock(parent, fcntl.LOCK_EX)  # two makers take turns
        if path.exists():
            return False
        remove_folder(folder)
        folder.mkdir(mode=0o700)
        make(folder / path.name)
        for suffix in _LOGS:  # of a file that was moved away
            log_of(path, suffix).unlink(missing_ok=True)
        sync(folder / path.name)
        os.replace(folder / path.name, real)
        os.fsync(parent)
    finally:
        remove_folder(folder)
        os.close(parent)
    return True


def checkpoint(copy: Path) -> None:
    """Move a copy's log into it, and leave the log, with DuckDB's mark that it has been moved,
    as ``.wal.moved``; nothing happens without a log.

    Raises:
        StatementError: DuckDB can't read the log, or has no room.
    """
    if not log_bytes(copy):
        return
    with log_of(copy).open("rb") as log:
        try:
            with duckdb.connect(str(copy), config=_CHECKPOINT) as connection:
                connection.execute("CHECKPOINT")
            # reads what was written, down to every table's metadata
            duckdb.connect(str(copy), read_only=True).close()
        except duckdb.Error as error:
            raise StatementError(
                f"The log of {copy.name} can't be moved into a copy of it: {error}",
                kept="the file and its log are unchanged.",
                fix="Make room on the disk if that is the reason. Otherwise keep the file and "
                "its .wal, both, and ask for help with this message.",
            ) from error
        if log_bytes(copy):
            raise StatementError(f"DuckDB's checkpoint of {copy} left a log.")
        # DuckDB has removed the log, but it is still there for whom it is open
        with log_of(copy, ".wal.moved").open("wb") as moved:
            shutil.copyfileobj(log, moved, _CHUNK_BYTES)
            moved.flush()
            os.fsync(moved.fileno())


def fold(path: Path, patience: float = 0.0) -> bool:
    """Move the log's changes into the file; False if a writer holds it, or there is no log.

    Raises:
        StatementError: the disk has no room for a copy of the file, or DuckDB failed.
    """
    # a checkpoint of DuckDB's own was cut short: the next writer's DuckDB sorts it out
    if not path.exists() or log_of(path, ".wal.checkpoint").exists():
        return False
    try:
        with held_still(path, patience) as descriptor:
            if not log_bytes(path):
                remove_folder(working_folder(path))  # of a process that was killed
                return False
            with replacement(path, descriptor):
                pass
    except WarehouseLocked:
        return False
    return True


def _put_in_place(copy: Path, path: Path) -> None:
    """Rename the copy over the file.

    A reader meets, in turn: the file and its log; the file and the log with DuckDB's mark of the
    copy's checkpoint, which counts for nothing beside another file; the copy and that log, which
    the mark makes void; the copy alone. All four hold the same.
    """
    with copy.open("rb+") as replacing:
        fcntl.lockf(replacing, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody reads it beside the log
        real = path.resolve()
        os.fsync(replacing.fileno())
        log, moved = log_of(path), log_of(copy, ".wal.moved")
        if log.exists():
            if log.stat().st_size:
                # shutil: the file may be a link to another disk, and the log is beside the link
                shutil.move(moved, log_of(path, ".wal.moved"))
                os.replace(log_of(path, ".wal.moved"), log)
                sync(log.parent)
            os.replace(copy, real)
            sync(real.parent)
            log.unlink()
        else:
            os.replace(copy, real)
        sync(real.parent)


def copy_database(path: Path, descriptor: int, target: Path) -> None:
    """Copy a file that is held still, and its logs, to a new place.

    Raises:
        StatementError: the disk has no room for it.
    """
    logs = {suffix: log_of(path, suffix) for suffix in _LOGS}
    present = {suffix: log for suffix, log in logs.items() if log.exists()}
    log_size = sum(log.stat().st_size for log in present.values())
    with target.open("xb") as written:
        if not _share_blocks(descriptor, written.fileno()):
            require_room(path, target.parent, os.fstat(descriptor).st_size + 2 * log_size)
            try:
                _copy_bytes(descriptor, written.fileno())
            except OSError as error:
                error.filename = error.filename or str(target)  # writing to a descriptor names none
                raise
        _take_after(os.fstat(descriptor), written.fileno())
    for suffix, log in present.items():
        shutil.copyfile(log, log_of(target, suffix))


def _take_after(original: os.stat_result, copy: int) -> None:
    """Give a copy the original's permissions and, where the system lets us, its owner."""
    os.fchmod(copy, stat.S_IMODE(original.st_mode) | stat.S_IWUSR)
    with suppress(PermissionError):
        os.fchown(copy, original.st_uid, original.st_gid)


def copy_still(path: Path, patience: float, target: Path) -> None:
    """Copy a file and its logs while others use it; waits for a writer, and lets none in.

    Raises:
        WarehouseLocked: a writer held the file for ``patience`` seconds.
        StatementError: the disk has no room for it.
    """
    with held_still(path, patience) as descriptor:
        copy_database(path, descriptor, target)


def require_room(path: Path, folder: Path, size: int) -> None:
    """Refuse to start what would fill the disk.

    Raises:
        StatementError: it has less room than ``size`` and some to spare.
    """
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE_BYTES:
        raise StatementError(
            f"A copy of {path} takes {size >> 20:,} MB, and its disk has {free >> 20:,} MB left.",
            kept="the file is unchanged.",
            fix="Make room on the disk, and run the command again.",
        )


def _share_blocks(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _copy_bytes(source: int, target: int) -> None:
    os.lseek(source, 0, os.SEEK_SET)
    while chunk := os.read(source, _CHUNK_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]


def remove_folder(folder: Path) -> None:
    """Remove a working folder with all that is in it; none is no error."""
    shutil.rmtree(folder, ignore_errors=True)


def sync(path: Path) -> None:
    """Have a file or folder reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
