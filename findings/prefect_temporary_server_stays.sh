#!/usr/bin/env bash
# The temporary server that Prefect starts for a flow without one goes on listening when the flow's process is killed.
#
# A good guess: what a run starts for itself ends with it. Seen (3.9.1): the server is a process of its own, which an
# exit handler stops; a process that is killed (out of memory, a timeout of cron) has none, and each such run leaves
# a port and some 200 MB. The next run starts another beside it.
# In adcanary: a run without a server gets one whose life hangs on a pipe (flows/server.py), with a test that kills
# the run (tests/wire/test_flows.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'pkill -9 -f "$folder" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prefect==3.9.1 'sqlalchemy<2.1' \
	fastapi==0.150.0 whenever==0.11.0
export HOME="$folder" PREFECT_HOME="$folder" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=180
cat >"$folder/run.py" <<'PYTHON'
import os
import signal

from prefect import flow


@flow
def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


killed()
PYTHON
"$folder/venv/bin/python" "$folder/run.py" >/dev/null 2>&1 || true
sleep 20
pgrep -f "$folder/venv/bin/python.*prefect.server.api.server:create_app" | wc -l >"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
1
EXPECTED
echo "As found: 20 seconds after a flow's process was killed, its temporary server still runs."
