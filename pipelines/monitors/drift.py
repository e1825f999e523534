"""Of what the jobs read and predict: the fidelity job's own verdicts, as gates of a day's work.

The job holds the last days' series to those before and predictions to what came
(docs/fidelity.md); nothing is computed a second time here.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.finding import Finding, fail, ok, skip, warn
from pipelines.monitors.held import Held

_CLOSED = "gate_closed"
_NO_RUN = "The fidelity job has not run yet."


def drift(held: Held) -> Iterator[Finding]:
    """Each input that moved, as the last fidelity run found."""
    runs = held.rows("fidelity_run")
    if not runs:
        yield skip("drift", _NO_RUN)
        return
    run_id, as_of = runs[0]["run_id"], runs[0]["as_of"]
    events = [e for e in held.rows("safety_events", run_id=run_id) if e["event"] != _CLOSED]
    for event in events:
        say = fail if event["severity"] == "CRITICAL" else warn
        fix = "See whether tracking, the platform's report or the offer changed."
        yield say(f"drift:{event['subject']}", event["message"], fix)
    if not events:
        yield ok("drift", f"No input moved, as of {as_of}.")


def predictions(held: Held) -> Iterator[Finding]:
    """Each job's predictions against what came: a closed gate fails, or warns where no proposal
    rests on it."""
    runs = held.rows("fidelity_run")
    if not runs:
        yield skip("predictions", _NO_RUN)
        return
    run_id = runs[0]["run_id"]
    closed = {
        event["subject"]: event
        for event in held.rows("safety_events", run_id=run_id)
        if event["event"] == _CLOSED
    }
    for row in held.rows("evaluations", run_id=run_id):
        name = f"predictions:{row['job']}/{row['basis']}"
        event = closed.get(f"{row['job']}: {row['quantity']} ({row['basis']})")
        fix = "No proposal rests on them meanwhile: see what changed since they were right."
        if row["verdict"] == "FAIL" and event and event["severity"] != "CRITICAL":
            yield warn(name, row["reason"], fix)
        elif row["verdict"] == "FAIL":
            yield fail(name, row["reason"], fix)
        elif row["verdict"] == "NO_DATA":
            yield skip(name, row["reason"])
        else:
            yield ok(name, row["reason"])
