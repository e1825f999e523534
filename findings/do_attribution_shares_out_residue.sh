#!/usr/bin/env bash
# do-attribution 0.0.2 divides rounding residue of its Shapley values into shares, and which shares
# depends on Python's hash seed.
#
# A good guess: where no path touches every channel, the exact values sum to 0 and `attribution` is
# None, as its documentation has it; channels in mirrored places get the same share; the same paths
# give the same answer in every process. Seen: four channels of one path each get a quarter, out of
# values of 3e-17; of the mirrored paths below, Email or Social gets all, or each half, or none any.
# The test for cancellation sets values against each other, so residue of one sign passes; the order in
# which it is summed is that of a set of strings.
# In adcanary: a game that is worth what paths need no other channel, so that each path is split
# evenly among its channels, in one order (pipelines/jobs/attribution/shapley.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  do-attribution==0.0.2 numpy==2.4.6 pandas==3.1.1
cat >"$folder/ask.py" <<'PYTHON'
from do_attribution import ShapleyAttribution

questions = {
    "three apart": ["Email", "Search", "Social"],
    "four apart": ["Display", "Email", "Search", "Social"],
    "mirrored": ["Email", "Email > Search", "Search > Social", "Social"],
}
for name, paths in questions.items():
    shares = ShapleyAttribution().fit(paths, [1] * len(paths))["attribution"]
    print(f"{name}:", shares and " ".join(f"{c} {shares[c]:.2f}" for c in sorted(shares)))
PYTHON
for seed in $(seq 24); do
  PYTHONHASHSEED=$seed "$folder/venv/bin/python" -W ignore "$folder/ask.py"
done | LC_ALL=C sort -u >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
four apart: Display 0.25 Email 0.25 Search 0.25 Social 0.25
mirrored: Email 0.00 Search 0.00 Social 1.00
mirrored: Email 0.50 Search 0.00 Social 0.50
mirrored: Email 1.00 Search 0.00 Social 0.00
mirrored: None
three apart: None
EXPECTED
echo "As found: do-attribution 0.0.2 gives four answers to one question, three of them residue."
