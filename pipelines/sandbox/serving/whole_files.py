"""Files that appear whole or not at all, as exports do."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, content: bytes) -> bool:
    """Write a file by renaming it into place, unless it has this content; whether it was new."""
    if path.exists() and path.read_bytes() == content:
        return False
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)
    return True
