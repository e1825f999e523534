"""Prometheus' own tool, where it is: Debian's package prometheus has it."""

from __future__ import annotations

import shutil

import pytest


def promtool() -> str:
    """Its path."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool isn't there: apt-get install prometheus has it")
    return tool
