"""Does an engine find what it should? Ours and the peers, on fresh businesses with known truth.

Each fit is a process of its own, so that its memory is known; answers are kept in a folder, so that
a run may stop and go on (``--again`` asks anew). ``--peers`` need environments of their own:
``make .bench/peers/.ready``. Seeds from 2001 are to report, seeds below 1000 to tune.
``docs/benchmarks.md`` has the results.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.cli.console import Format, err, print_rows
from pipelines.evaluate.mmm import COMBINED, ENGINES
from pipelines.evaluate.mmm_file import read_panel, read_truth
from tests.bench.mmm_answer import Answer
from tests.bench.mmm_draws import PRESETS, draw, write
from tests.bench.mmm_score import contributions, score

ROOT = Path(__file__).parents[2]
PEERS = ("framework", "pymc", "meridian")
PEER_HOME = Path(os.environ.get("MMM_PEERS", ROOT / ".bench" / "peers"))
PUBLIC = ROOT.parent / "shared" / "data" / "mmm_recovery"
FOLDER = ROOT / ".bench" / "mmm"


@dataclass(frozen=True)
class Case:
    """A file to fit: a profile and a seed, or one of the public draws (seed 2148, no response)."""

    profile: str
    seed: int

    @property
    def public(self) -> bool:
        return self.profile.startswith("public-")

    def data(self, folder: Path) -> Path:
        """Where its file is."""
        if self.public:
            name = self.profile.removeprefix("public-")
            return PUBLIC / f"{name}_business_{self.seed}.csv"
        return folder / f"{self.profile}-{self.seed}.csv"


def main() -> None:
    """Fit, score, and print a table by profile and engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    sides = (*ENGINES, COMBINED, *PEERS)
    parser.add_argument("--engines", nargs="+", choices=sides, default=["ensemble"])
    parser.add_argument("--profiles", nargs="+", choices=tuple(PRESETS), default=list(PRESETS))
    parser.add_argument("--first-seed", type=int, default=2001)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--public", action="store_true", help="the public draws too (2148)")
    parser.add_argument("--again", action="store_true", help="fit anew what was kept")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.TABLE)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    seeds = range(args.first_seed, args.first_seed + args.draws)
    cases = [Case(profile, seed) for profile in args.profiles for seed in seeds]
    if args.public:
        cases += [Case(f"public-{profile}", 2148) for profile in args.profiles]
    rows = []
    for profile in dict.fromkeys(case.profile for case in cases):
        for side in args.engines:
            mine = [case for case in cases if case.profile == profile]
            answers = [answered(side, case, args.folder, args.again) for case in mine]
            if args.format is Format.JSON:
                rows += [
                    {"side": side, **asdict(case), **_figures(case, answer)}
                    for case, answer in zip(mine, answers, strict=True)
                ]
            else:
                rows.append(_summary(profile, side, mine, answers))
    title = (
        "SRMSE and the share of true totals in the 90% interval; lift of the recommended "
        "allocation, true and predicted, and the share in the 90% interval; regret, seconds "
        "and CPU seconds: medians; peak memory"
    )
    print_rows(rows, args.format, title)


def answered(side: str, case: Case, folder: Path, again: bool = False) -> Answer:
    """What a side says of a case: asked in a process of its own, or as it was kept.

    Raises:
        SystemExit: it failed; with what it said.
    """
    data = case.data(folder)
    if not case.public:
        write(draw(case.profile, case.seed), data)  # type: ignore[arg-type]
    kept = folder / f"{side}-{case.profile}-{case.seed}-{_mark(side, data)}.json"
    if again or not kept.exists():
        err.print(f"{side} on {case.profile} {case.seed} …")
        python, module = _command(side)
        done = subprocess.run(
            [python, "-m", *module, "--data", str(data), "--answer", str(kept)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{side} failed on {data}:\n{done.stderr.strip()[-2000:]}")
    return Answer.read(kept)


def _command(side: str) -> tuple[str, list[str]]:
    if side not in PEERS:
        return sys.executable, ["tests.bench.mmm_ours", side]
    return str(PEER_HOME / side / "bin" / "python"), [f"tests.bench.mmm_peer_{side}"]


def _mark(side: str, data: Path) -> str:
    """Changes with the data, and for ours with the code, so that nothing stale is read."""
    mark = hashlib.sha256(data.read_bytes())
    if side not in PEERS:
        for path in sorted((ROOT / "pipelines" / "jobs" / "mmm").rglob("*.py")):
            mark.update(path.read_bytes())
    return mark.hexdigest()[:10]


def _figures(case: Case, answer: Answer) -> dict[str, Any]:
    taken = {
        "seconds": answer.seconds,
        "allocated": answer.allocated,
        "cpu": answer.cpu,
        "peak_mb": answer.peak_mb,
        "version": answer.version,
        "checks": answer.checks,
    }
    if case.public:
        data = case.data(Path())
        truth = read_truth(data.with_name(f"{data.stem}_truth.csv"), read_panel(data))
        srmse, covered = contributions(truth, answer)
        return {"srmse": srmse, "covered": covered, **taken}
    scored = score(draw(case.profile, case.seed), answer)  # type: ignore[arg-type]
    return {**asdict(scored), **taken}


def _summary(
    profile: str, side: str, cases: Sequence[Case], answers: Sequence[Answer]
) -> dict[str, str]:
    figures = [_figures(case, answer) for case, answer in zip(cases, answers, strict=True)]

    def of(name: str, how: Any = statistics.mean) -> float | None:
        values = [f[name] for f in figures if name in f]
        return float(how(values)) if values else None

    def shown(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return {
        "profile": profile,
        "side": side,
        "draws": str(len(cases)),
        "SRMSE": shown(of("srmse"), ".3f"),
        "in 90%": shown(of("covered"), ".0%"),
        "lift": shown(of("true_lift"), "+.1%"),
        "predicted": shown(of("lift"), "+.1%"),
        "lift in": shown(of("inside"), ".0%"),
        "regret": shown(of("regret", statistics.median), ".0%"),
        "fit": shown(of("seconds", statistics.median), ".1f"),
        "plan": shown(of("allocated", statistics.median), ".1f"),
        "CPU": shown(of("cpu", statistics.median), ".1f"),
        "MB": shown(of("peak_mb", max), ",.0f"),
    }


if __name__ == "__main__":
    main()
