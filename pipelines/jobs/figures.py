"""Pictures of runs: a grid of panels, in which a name is text and never mathematics."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.plain_text import one_line

_LONGEST = 60
# `$50_off_$100` would be read as a formula, which it isn't
_PLAIN = {"text.parse_math": False, "text.usetex": False, "axes.formatter.use_mathtext": False}


@contextmanager
def panels(
    path: Path, count: int, *, columns: int, size: tuple[float, float], title: str, dpi: int
) -> Iterator[list[Any]]:
    """Yield the axes of ``count`` panels, and write them as a PNG when they are drawn.

    Args:
        path: of the picture; it is there as a whole or not at all.
        columns: of panels, at most.
        size: of a panel, in inches.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wide = min(columns, count)
    high = math.ceil(count / wide)
    with rc_context(_PLAIN), warnings.catch_warnings():
        # of scripts that the font lacks (drawn as boxes) or that are written from the right
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure(figsize=(size[0] * wide, size[1] * high), layout="constrained")
        FigureCanvasAgg(figure)
        axes = list(figure.subplots(high, wide, squeeze=False).ravel())
        yield axes[:count]
        for axis in axes[count:]:
            axis.set_visible(False)
        figure.suptitle(title)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            figure.savefig(part, dpi=dpi, format="png")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def label(name: str) -> str:
    """A platform's name as a picture shows it: on one line, and not longer than a panel."""
    text = one_line(name)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
