"""What the system refuses of a file ends in our words, wherever it happens."""

import errno
import os

import pytest

from pipelines.cli import main as cli
from pipelines.errors import FileRefused


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "Make room"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EDQUOT, "Make room"),
        (errno.EACCES, "Let this user"),
        (errno.EROFS, "Let this user"),
        (errno.EIO, "Look at the file"),
    ],
)
def test_a_file_that_the_system_refuses_is_named_with_what_to_do(number: int, fix: str) -> None:
    error = FileRefused.of(OSError(number, os.strerror(number), "/data/w.duckdb"))
    assert error.message == f"/data/w.duckdb can't be read or written: {os.strerror(number)}."
    assert error.fix is not None
    assert fix in error.fix
    assert error.kept


def test_no_command_ends_in_a_traceback_of_the_systems(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    shown = capsys.readouterr().err
    assert "No space left on device" in shown
    assert "Next: Make room" in shown
