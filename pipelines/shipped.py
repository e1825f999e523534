"""Where the folders are that ship with the package: sql, dbt, expectations, infra."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ConfigError

_IN_WHEEL = Path(__file__).parent / "_shipped"
_IN_CHECKOUT = Path(__file__).parents[1]


def shipped(folder: str) -> Path:
    """One of the folders beside ``pipelines``; a wheel carries them below it (pyproject.toml).

    Raises:
        ConfigError: the installation lacks it.
    """
    path = (_IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT) / folder
    if not path.is_dir():
        raise ConfigError(
            f"This installation of adcanary has no folder '{folder}' (looked at {path}).",
            kept="nothing was read or written.",
            fix="Install the package again; a wheel built from the project carries it.",
        )
    return path
