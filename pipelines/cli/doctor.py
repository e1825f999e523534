"""``adcanary doctor``: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.console import Format, print_plainly, print_rows
from pipelines.cli.options import ConfigOption, FormatOption
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.finding import Finding

_COLUMNS = ("name", "status", "message", "fix")
_FAILED, _UNAVAILABLE = 1, 3


def doctor(
    checks: Annotated[
        list[str] | None, typer.Argument(metavar="[CHECK]...", help="Only these checks.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no platform.")] = False,
    format_: FormatOption = Format.TABLE,
    config: ConfigOption = None,
) -> None:
    """Check credentials, permissions, quotas, versions, freshness, drift, salt, backup and disk.

    Nothing is changed. A credential that may change ads is refused: nothing else is asked with it.
    The exit code is 1 if a check fails, and 3 if all that fails is something that didn't answer.
    """
    from pipelines.config import load_settings
    from pipelines.doctor.case import Case
    from pipelines.doctor.registry import CHECKS, examine
    from pipelines.secret_settings import Secrets

    known = [check.name for check in CHECKS]
    if unknown := sorted(set(checks or ()) - set(known)):
        raise UsageError(
            f"There is no check {', '.join(unknown)} (there are: {', '.join(known)}).",
            kept="nothing was checked.",
            fix="Correct the name, or leave it out for all checks.",
        )
    case = Case(load_settings(config), Secrets(), offline=offline)
    findings = list(examine(case, checks or ()))
    if format_ is Format.TABLE:
        print_findings(findings)
    else:
        print_rows([_row(finding) for finding in findings], format_, columns=_COLUMNS)
    exit_by(findings)


def exit_by(findings: Sequence[Finding]) -> None:
    """End the process if one fails: as unavailable, if later all of them may pass."""
    failures = [finding for finding in findings if finding.status == "fail"]
    if failures:
        raise SystemExit(_UNAVAILABLE if all(f.unavailable for f in failures) else _FAILED)


def _row(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in _COLUMNS}


def print_findings(findings: Sequence[Finding]) -> None:
    """Print them as a table, then what to do about each, and counts."""
    rows = [{n: row[n] for n in _COLUMNS[:-1]} for row in map(_row, findings)]
    print_rows(rows, Format.TABLE)
    for finding in findings:
        if finding.fix:
            print_plainly(f"{finding.status} {finding.name}: {finding.fix}")
    counts = [f"{sum(f.status == s for f in findings)} {s}" for s in ("fail", "warn", "skip", "ok")]
    print_plainly(", ".join(counts))
