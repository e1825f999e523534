"""A copy of the project in which a recipe of CONTRIBUTING.md is followed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = ("pipelines", "sql", "dbt")
LINKED = ("expectations", "infra")


def recipe(heading: str) -> list[str]:
    """The files that CONTRIBUTING.md's recipe of that heading names, in its order."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^- `([^`]+)`", section, re.MULTILINE)


class Overlay:
    """The project's code in a folder of its own. ``touched`` is what was written or changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.touched: list[str] = []
        skipped = shutil.ignore_patterns("target", "logs")
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=skipped)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)

    def write(self, path: str, text: str) -> None:
        """A new file."""
        file = self.folder / path
        assert not file.exists(), f"{path} is there already"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.touched.append(path)

    def insert(self, path: str, *, after: str, text: str) -> None:
        """A line or more in a file that is there, after the line that begins with ``after``."""
        file = self.folder / path
        lines = file.read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.strip().startswith(after))
        file.write_text("\n".join([*lines[: at + 1], *text.splitlines(), *lines[at + 1 :]]) + "\n")
        self.touched.append(path)

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that runs this copy's code."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ADCANARY_")}
        return {**inherited, "PYTHONPATH": str(self.folder)}

    def run(self, *arguments: str, **environment: str) -> str:
        """``adcanary …`` of this copy; what it printed. It has to end with 0."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pipelines.cli", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def rows(self, sql: str, **environment: str) -> list[dict[str, Any]]:
        """The rows of a query on this copy's warehouse."""
        rows: list[dict[str, Any]] = json.loads(
            self.run("query", sql, "--format", "json", **environment)
        )
        return rows
