#!/usr/bin/env bash
# A concurrency slot that is held while Prefect's server restarts is never given back: with the server's
# default storage of leases, whoever asks for it next waits for ever.
#
# A good guess: a slot has a lease, so when its holder is gone it is free again after the lease. Seen (3.9.1): how
# many slots are taken is in the server's database, and the leases are in its memory. A server that is started
# again has the number and no lease that could expire. Deployments' concurrency limits are such slots, so one that
# runs while the server restarts may wait for itself. With leases in files the slot is free after its lease.
# In adcanary: infra/docker/compose.yaml sets the storage, `adcanary doctor limits_server` looks, and a run on a
# server of its own makes its limits anew (flows/limits.py).
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check prefect==3.9.1 'sqlalchemy<2.1' \
	fastapi==0.150.0 whenever==0.11.0
export HOME="$folder" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1 PREFECT_SERVER_UI_ENABLED=false
port=$("$folder/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PREFECT_API_URL=http://127.0.0.1:$port/api
cat >"$folder/hold.py" <<'PYTHON'
import os
import sys

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency

get_client(sync_client=True).upsert_global_concurrency_limit_by_name("one", 1)
with concurrency("one", lease_duration=60, strict=True):
    os._exit(0)  # as a process that is killed
PYTHON
cat >"$folder/count.py" <<'PYTHON'
from prefect.client.orchestration import get_client

limit = get_client(sync_client=True).read_global_concurrency_limit_by_name("one")
print(f"{limit.active_slots} of {limit.limit} taken")
PYTHON
start() {
	"$folder/venv/bin/prefect" server start --host 127.0.0.1 --port "$port" >"$folder/log" 2>&1 &
	server=$!
	for _ in $(seq 300); do
		"$folder/venv/bin/python" -c "import urllib.request as u; u.urlopen('$PREFECT_API_URL/health')" \
			2>/dev/null && return
		sleep 0.5
	done
	cat "$folder/log"
	exit 1
}
stop() {
	kill "$server"
	wait "$server" 2>/dev/null || true
}
for storage in memory filesystem; do
	export PREFECT_HOME="$folder/$storage"
	export PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.$storage
	mkdir "$PREFECT_HOME"
	start
	"$folder/venv/bin/python" "$folder/hold.py" 2>/dev/null
	stop
	start
	sleep 150 # a lease of 60 seconds, and twice as long for the server to look
	echo "$storage: $("$folder/venv/bin/python" "$folder/count.py" 2>/dev/null)" >>"$folder/seen"
	stop
done
diff - "$folder/seen" <<'EXPECTED'
memory: 1 of 1 taken
filesystem: 0 of 1 taken
EXPECTED
echo "As found: a slot that is held while the server restarts outlives its lease, unless leases are in files."
