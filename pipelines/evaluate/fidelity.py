"""Scores a file of predictions, as the fidelity job scores those of the jobs.

Columns: ``p10``, ``p50``, ``p90`` and ``actual`` in one unit, and ``series`` where the file has
several quantities, which are scored apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.errors import InputError
from pipelines.evaluate.csv_file import MOST, line_of, listed, numbers_of, quoted, read_cells
from pipelines.job_settings import FidelitySettings
from pipelines.jobs.fidelity.gate import gate
from pipelines.jobs.fidelity.score import Prediction, score

NUMBERS = ("p10", "p50", "p90", "actual")
SERIES = "series"
_KEPT = "nothing was scored."


def score_file(path: Path, settings: FidelitySettings) -> dict[str, dict[str, Any]]:
    """Scores, verdict and reason, by series.

    Raises:
        InputError: the file can't be read, or a row of it makes no sense; says which.
    """
    rows = _rows(path)
    scored: dict[str, dict[str, Any]] = {}
    for name, own in rows.groupby(SERIES, sort=True):
        predictions = [Prediction(*map(float, v)) for v in own[list(NUMBERS)].to_numpy()]
        fidelity = score(predictions, settings.max_bias)
        verdict, reason = gate("The file", str(name), fidelity, settings)
        scored[str(name)] = {
            "predictions": fidelity.count,
            "mape": fidelity.mape,
            "bias": fidelity.bias,
            "ks": fidelity.ks,
            "coverage_80": fidelity.coverage_80,
            "verdict": verdict,
            "reason": reason,
        }
    return scored


def _rows(path: Path) -> pd.DataFrame:
    rows = read_cells(path, _KEPT).to_pandas()
    missing = [name for name in NUMBERS if name not in rows.columns]
    if missing:
        raise _refusal(
            path,
            f"has no column {' and no column '.join(missing)}; it has {listed(rows.columns)}.",
            f"Name the columns {', '.join(NUMBERS)}[, {SERIES}].",
        )
    if rows.empty:
        raise _refusal(path, "has no rows.", "Give it a row for each prediction.")
    if SERIES not in rows.columns:
        rows[SERIES] = "all rows"
    rows[SERIES] = rows[SERIES].str.strip()
    _refuse(path, rows, rows[SERIES] == "", f"{SERIES} is empty")
    for name in NUMBERS:
        numbers = pd.Series(numbers_of(rows[name]), rows.index)
        _refuse(path, rows, numbers.isna(), f"{name} is no number up to {MOST:g}")
        rows[name] = numbers
    crossed = (rows["p10"] > rows["p50"]) | (rows["p50"] > rows["p90"])
    _refuse(path, rows, crossed, "p10, p50 and p90 don't rise")
    return rows


def _refuse(path: Path, rows: pd.DataFrame, bad: pd.Series, what: str) -> None:
    if not bad.any():
        return
    first = int(bad.to_numpy().argmax())
    values = ", ".join(f"{name} {quoted(rows[name].iloc[first])}" for name in NUMBERS)
    raise _refusal(
        path,
        f"line {line_of(path, first + 2)}: {what} ({values}).",
        "Mend the row, or leave it out of the file.",
    )


def _refusal(path: Path, what: str, fix: str) -> InputError:
    return InputError(f"{path}: {what}", kept=_KEPT, fix=fix)
