#!/usr/bin/env bash
# A study that optuna 5.0.0 resumes from storage with the same seeded sampler tries again what it has tried.
#
# A good guess: storage keeps what a study needs to go on, and a seed makes a run repeatable; so six trials, then
# six more with the same seed, are the twelve of one run, or at least twelve different ones. Seen: trials are stored,
# the state of the sampler's generator isn't, and a new process begins it anew. Until TPE has its ten startup trials,
# they are drawn at random: the seventh trial is the first again, value for value. No warning; the trials lost are
# half of a search that was stopped early, and none of those after it are what an unstopped run would have tried.
# In adcanary: `rules tune` seeds each trial by its number, so that a resumed search is the unstopped one
# (tests/unit/test_rules_tuning.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0
cat >"$folder/search.py" <<'PYTHON'
import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

optuna.logging.set_verbosity(optuna.logging.WARNING)


def search(path, *counts):
    for count in counts:  # a process each
        storage = JournalStorage(JournalFileBackend(f"{sys.argv[1]}/{path}"))
        sampler = optuna.samplers.TPESampler(seed=7)
        study = optuna.create_study(
            study_name="s", storage=storage, sampler=sampler, load_if_exists=True
        )
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=count)
    return [trial.params["x"] for trial in study.trials]


whole, resumed = search("whole", 12), search("resumed", 6, 6)
print(f"one run: {len(set(whole))} values in {len(whole)} trials")
print(f"stopped and resumed: {len(set(resumed))} values in {len(resumed)} trials")
print(f"trials 7 to 10 are trials 1 to 4: {resumed[6:10] == resumed[:4]}")
PYTHON
"$folder/venv/bin/python" "$folder/search.py" "$folder" >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
one run: 12 values in 12 trials
stopped and resumed: 8 values in 12 trials
trials 7 to 10 are trials 1 to 4: True
EXPECTED
echo "As found: a study resumed with the same seed tries the same values again."
