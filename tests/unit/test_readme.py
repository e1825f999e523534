"""The README is true: its commands exist, its rooms exist, its links lead somewhere."""

import re
import shlex
from pathlib import Path
from typing import Any

import typer.main

from pipelines.cli.main import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"(?:\.venv/bin/|\$ )adcanary ([a-z][^\n#&]*)", README)


def resolve(line: str) -> None:
    """Find the command that a line calls, and check its options."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line.split("&&", maxsplit=1)[0])
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, line


def test_every_command_of_the_readme_exists_with_its_options() -> None:
    assert len(COMMANDS) > 10
    for line in COMMANDS:
        resolve(line)


def test_every_room_of_the_layout_exists() -> None:
    rooms = re.findall(r"^\| `([a-z/]+)` \|", README, re.MULTILINE)
    assert len(rooms) > 10
    assert [room for room in rooms if not (ROOT / room).is_dir()] == []


def test_no_placeholder_is_left() -> None:
    assert not re.search(r"\b[A-Z]+_(OUTPUT|SECONDS)\b", README)
