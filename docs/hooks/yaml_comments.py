"""What the comments of a YAML file say of its keys, those that are commented out included."""

from __future__ import annotations

import re
from pathlib import Path

_KEY = re.compile(r"^(?P<indent> *)(?:# )?(?P<more> *)(?P<key>[a-z][\w]*):(?: (?P<rest>.*))?$")
_TRAILING = re.compile(r"(?:^| )\s*#\s+(?P<said>.*)$")
# far to the right, a line of comment goes on with what the one before says
_FURTHER = re.compile(r"^[ #]{20,}(?P<said>[^ #].*)$")


def comments(path: Path) -> dict[str, str]:
    """The comment of each key, by its dotted name: beside it, else in the lines above it."""
    said: dict[str, str] = {}
    open_keys: list[tuple[int, str]] = []
    above: list[str] = []
    last = ""
    for line in path.read_text().splitlines():
        bare = line.strip(" #")
        match = _KEY.match(line)
        if match:
            column = len(match["indent"]) + len(match["more"])
            open_keys = [(at, key) for at, key in open_keys if at < column]
            open_keys.append((column, match["key"]))
            last = ".".join(key for _, key in open_keys)
            beside = _TRAILING.search(match["rest"] or "")
            text = beside["said"] if beside else " ".join(above)
            if text:
                said.setdefault(last, text)
            above = []
        elif (further := _FURTHER.match(line)) and last in said:
            said[last] += f" {further['said']}"
        elif bare and line.lstrip().startswith("#") and not bare.startswith("- "):
            above.append(bare)
        else:
            above = []
    return said
