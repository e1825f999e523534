"""What came of a build, from dbt's artifacts: counts, and every failure and warning in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from pipelines.canonical import canonical_json
from pipelines.errors import AuditError

FAILED = frozenset({"fail", "error", "runtime error", "partial success"})
_BUILT = frozenset({"model", "seed"})
_BUILT_IN = {
    "accepted_values": "a column holds a value that isn't among those it may have",
    "not_null": "a column that is always filled has rows without a value",
    "unique": "a value that identifies one row is there more than once",
    "relationships": "rows refer to a row of another model that isn't there",
}


@dataclass(frozen=True)
class Failure:
    """A model that could not be built, or a data test that found rows.

    Args:
        node: dbt's name of it.
        resource_type: ``model`` or ``test``.
        tests: models that a test reads; empty for a model.
        failing_rows: rows a test found; None where it could not run, and for a model.
        meaning: of a test: what its rows are, in words; empty where nobody wrote it down.
        message: dbt's own.
        compiled_sql: the SQL that ran; None where it could not be compiled.
    """

    node: str
    resource_type: str
    tests: tuple[str, ...]
    failing_rows: int | None
    meaning: str
    message: str
    compiled_sql: Path | None

    def __str__(self) -> str:
        what = f"{self.resource_type} {self.node}"
        if self.tests:
            what += f" (of {', '.join(self.tests)})"
        rows = self.failing_rows
        reason = self.message if rows is None else f"{rows} failing row(s)"
        if self.meaning and rows is not None:
            reason += f": {self.meaning}"
        return f"{what}: {reason}" + (
            f"\n    SQL: {self.compiled_sql}" if self.compiled_sql else ""
        )


@dataclass(frozen=True)
class BuildResult:
    """What a build did.

    Args:
        models: models built; of an earlier build those that stand, too.
        tests: data tests that passed.
        warnings: tests that only warn and found rows.
        seconds: wall time, dbt's start included.
        since: when the build ended that did it, UTC, if this one had nothing new to do.
        standing: views that were left as they were.
    """

    models: int
    tests: int
    warnings: tuple[Failure, ...]
    seconds: float = 0.0
    since: datetime | None = None
    standing: int = 0

    def __str__(self) -> str:
        warned = f", {len(self.warnings)} warned" if self.warnings else ""
        if self.since:
            return (
                f"Nothing new since the build of {self.since:%Y-%m-%d %H:%M} UTC: {self.models} "
                f"models and {self.tests} passed tests stand{warned}, {self.seconds:.1f} s"
            )
        stand = f", {self.standing} views stand" if self.standing else ""
        return (
            f"{self.models} models built{stand}, {self.tests} tests passed{warned}, "
            f"{self.seconds:.0f} s"
        )

    @property
    def stored(self) -> dict[str, int | str]:
        """What :meth:`restored` reads, as columns of contracts.builds."""
        warnings = [{**asdict(w), "compiled_sql": _text(w.compiled_sql)} for w in self.warnings]
        return {
            "models": self.models + self.standing,
            "tests": self.tests,
            "warnings": canonical_json(warnings),
        }

    @classmethod
    def restored(cls, row: Mapping[str, Any]) -> BuildResult:
        """The result of an earlier build, from its row in contracts.builds."""
        warnings = tuple(_restored(warning) for warning in row["warnings"])
        return cls(row["models"], row["tests"], warnings, since=row["finished_at"])


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _restored(warning: Mapping[str, Any]) -> Failure:
    """A warning of an earlier build; where its SQL is, if it is still there."""
    path = Path(warning["compiled_sql"] or "")
    compiled = path if warning["compiled_sql"] and path.exists() else None
    return Failure(**{**warning, "tests": tuple(warning["tests"]), "compiled_sql": compiled})


def read_results(folder: Path) -> BuildResult:
    """What dbt wrote into its folder of artifacts.

    Raises:
        AuditError: a model failed or a test that doesn't only warn found rows.
    """
    results = orjson.loads((folder / "run_results.json").read_bytes())["results"]
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    _raise_failures(results, manifest, folder)
    return BuildResult(
        models=_count(results, "model", "success"),
        tests=_count(results, "test", "pass"),
        warnings=tuple(_failure(r, manifest, folder) for r in results if r["status"] == "warn"),
    )


def read_cost(folder: Path) -> dict[str, int | float]:
    """What BigQuery billed dbt's queries for, as columns of contracts.builds; nothing on DuckDB."""
    results = orjson.loads((folder / "run_results.json").read_bytes())["results"]
    answers = [result.get("adapter_response") or {} for result in results]
    billed = [
        answer["bytes_billed"] for answer in answers if answer.get("bytes_billed") is not None
    ]
    slots = [answer["slot_ms"] for answer in answers if answer.get("slot_ms") is not None]
    cost: dict[str, int | float] = {}
    if billed:
        cost["bytes_billed"] = sum(billed)
    if slots:
        cost["slot_seconds"] = sum(slots) / 1000
    return cost


def read_built(folder: Path) -> tuple[list[str], list[str]]:
    """What dbt built, as ``dataset.table``: the tables and the views."""
    results = orjson.loads((folder / "run_results.json").read_bytes())["results"]
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    tables: list[str] = []
    views: list[str] = []
    for result in results:
        node = manifest["nodes"][result["unique_id"]]
        if node["resource_type"] in _BUILT:
            view = node["config"]["materialized"] == "view"
            (views if view else tables).append(f"{node['schema']}.{node['alias']}")
    return tables, views


def _raise_failures(results: list[dict[str, Any]], manifest: dict[str, Any], folder: Path) -> None:
    failures = [_failure(r, manifest, folder) for r in results if r["status"] in FAILED]
    if not failures:
        return
    built = [r["unique_id"] for r in results if r["status"] == "success"]
    skipped = [r["unique_id"] for r in results if r["status"] == "skipped"]
    nodes = manifest["nodes"]
    raise AuditError(
        f"The build found {len(failures)} failure(s):\n" + "\n".join(f"  {f}" for f in failures),
        kept=f"rebuilt before that: {_models(built, nodes)}. "
        f"Unchanged: {_models(skipped, nodes)}. A model whose test failed was rebuilt.",
        fix="Run the SQL shown to see the rows (on DuckDB with the duckdb command line or "
        "Python), correct the data, and run `adcanary build` again.",
    )


def _models(unique_ids: list[str], nodes: dict[str, Any]) -> str:
    names = [nodes[i]["name"] for i in unique_ids if nodes[i]["resource_type"] == "model"]
    return ", ".join(sorted(names)) or "none"


def _failure(result: dict[str, Any], manifest: dict[str, Any], folder: Path) -> Failure:
    node = manifest["nodes"][result["unique_id"]]
    is_test = node["resource_type"] == "test"
    read = node["depends_on"]["nodes"] if is_test else []
    compiled = folder / "compiled" / node["package_name"] / node["original_file_path"]
    if is_test and not node["original_file_path"].endswith(".sql"):
        compiled = compiled / node["path"]
    return Failure(
        node=node["name"],
        resource_type=node["resource_type"],
        tests=tuple(i.rsplit(".", 1)[-1] for i in read),
        failing_rows=result["failures"] if is_test else None,
        meaning=meaning_of(node, manifest["macros"]) if is_test else "",
        message=" ".join((result["message"] or "").split()),
        compiled_sql=compiled if compiled.exists() else None,
    )


def meaning_of(node: dict[str, Any], macros: dict[str, Any]) -> str:
    """The description of the test, else of what it is an instance of (macro ``test_<kind>``)."""
    kind = (node.get("test_metadata") or {}).get("name", "")
    macro = macros.get(f"macro.{node['package_name']}.test_{kind}", {})
    text = node.get("description") or macro.get("description") or _BUILT_IN.get(kind, "")
    return " ".join(text.split()).rstrip(".")


def _count(results: list[dict[str, Any]], resource_type: str, status: str) -> int:
    return sum(
        r["unique_id"].startswith(f"{resource_type}.") and r["status"] == status for r in results
    )
