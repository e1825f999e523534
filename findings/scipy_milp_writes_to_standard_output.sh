#!/usr/bin/env bash
# SciPy 1.17.1's milp can write a line of HiGHS to the process's standard output, though `disp` is
# False by default and the problem is solved to its optimum.
#
# A good guess: without `disp` milp is silent; if not, it is presolve, whose solutions need mending; and
# contextlib.redirect_stdout catches what is left. Seen: one binary and one amount that it switches on
# are enough, with presolve or without, and the line comes from C, past Python's sys.stdout. Whoever
# reads JSON from the process fails. Julia's users of HiGHS met the line, too (HiGHS.jl, issue 312).
# In adcanary: allocations are branched over linear programs; what is left to milp is to round their
# splits, without presolve (pipelines/jobs/allocation/whole.py), which is no guarantee: the commands that
# print JSON also send what native code writes to standard error (pipelines/cli/console.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
cat >"$folder/ask.py" <<'PYTHON'
import contextlib
import io
import json
import sys

from scipy.optimize import Bounds, LinearConstraint, milp

with contextlib.redirect_stdout(io.StringIO()):
    # the most y with y <= z and 0.0007 z + cost y <= 1, z being 0 or 1
    result = milp(
        [0, -1],
        integrality=[1, 0],
        bounds=Bounds(0, [1, float("inf")]),
        constraints=LinearConstraint([[-1, 1], [0.0007, float(sys.argv[2])]], ub=[0, 1]),
        options={"presolve": sys.argv[1] == "on", "disp": False},
    )
print(json.dumps({"status": result.status, "y": round(result.x[1], 7)}))
PYTHON
for presolve in on off; do
  for cost in 3000 3; do
    echo "presolve $presolve, cost $cost:"
    "$folder/venv/bin/python" "$folder/ask.py" "$presolve" "$cost" | LC_ALL=C sort
  done
done >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
presolve on, cost 3000:
HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();
{"status": 0, "y": 0.0003331}
presolve on, cost 3:
{"status": 0, "y": 0.3331}
presolve off, cost 3000:
HighsMipSolverData::transformNewIntegerFeasibleSolution tmpSolver.run();
{"status": 0, "y": 0.0003331}
presolve off, cost 3:
{"status": 0, "y": 0.3331}
EXPECTED
echo "As found: SciPy 1.17.1's milp writes to standard output, with presolve and without."
