#!/usr/bin/env bash
# google-cloud-bigquery 3.47.0: Client.query() goes on trying to begin its job long after the timeout
# of the `retry` it was given, for ten minutes, and a shorter `job_retry` doesn't end it: any
# `job_retry` but None wraps the call in one with a deadline of its own. `job_retry=None` ends it in time.
#
# A good guess: `retry=DEFAULT_RETRY.with_timeout(30)` bounds the call, as it does for every other of
# the client's methods, and where it doesn't, `job_retry` is what to shorten. Seen: where nothing
# answers, a retry of two seconds, with or without a job retry of two, is still trying after twelve.
# In adcanary: a command waited 592 seconds to say that BigQuery can't be reached. A query is begun
# without a job retry now, and its result is asked for with one (pipelines/warehouse/bigquery.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check google-cloud-bigquery==3.47.0
cat >"$folder/ask.py" <<'PYTHON'
import os
import socket
import sys
import threading
import time

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
client = bigquery.Client(
    "p",
    AnonymousCredentials(),
    client_options=ClientOptions(api_endpoint=f"http://127.0.0.1:{port}"),
)
short = DEFAULT_RETRY.with_timeout(2.0)
CALLS = {
    "datasets, retry of 2 s": lambda: list(client.list_datasets(retry=short)),
    "query, retry of 2 s": lambda: client.query("SELECT 1", retry=short),
    "query, retry and job_retry of 2 s": lambda: client.query(
        "SELECT 1", retry=short, job_retry=DEFAULT_JOB_RETRY.with_timeout(2.0)
    ),
    "query, retry of 2 s, job_retry=None": lambda: client.query(
        "SELECT 1", retry=short, job_retry=None
    ),
}


def ask(call):
    try:
        call()
    except Exception:
        pass


asked = {n: threading.Thread(target=ask, args=[c], daemon=True) for n, c in CALLS.items()}
for thread in asked.values():
    thread.start()
time.sleep(12)
for name, thread in asked.items():
    print(f"{name}: {'still trying' if thread.is_alive() else 'an error'} after 12 s")
sys.stdout.flush()
os._exit(0)
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
datasets, retry of 2 s: an error after 12 s
query, retry of 2 s: still trying after 12 s
query, retry and job_retry of 2 s: still trying after 12 s
query, retry of 2 s, job_retry=None: an error after 12 s
EXPECTED
echo "As found: google-cloud-bigquery 3.47.0 begins a query for longer than its retry says."
