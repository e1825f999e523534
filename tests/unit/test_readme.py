"""The README is true: its rooms exist. Its commands are held to the program with those of docs/."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_every_room_of_the_layout_exists() -> None:
    rooms = re.findall(r"^\| `([a-z/]+)` \|", README, re.MULTILINE)
    assert len(rooms) > 10
    assert [room for room in rooms if not (ROOT / room).is_dir()] == []


def test_no_placeholder_is_left() -> None:
    assert not re.search(r"\b[A-Z]+_(OUTPUT|SECONDS)\b", README)
