#!/usr/bin/env bash
# With whenever 0.10.5, which Prefect 3.9.1 allows, its server plans no run of any cron schedule on Python
# 3.11 and 3.12, and says so in its own log alone.
#
# A good guess: within the bounds that a package states, a schedule is planned; and if it weren't, `prefect
# deploy` would say so. Seen: since 3.9, cron goes through whenever on every Python. Below 3.13 the instant
# it starts from is pendulum's, whose zone whenever 0.10.5 refuses and 0.11 takes. The scheduler logs the error
# for each deployment and goes on ("Scheduled 0 runs"); deployments stand as ready. An upgrade of Prefect alone
# doesn't bring a newer whenever where an older one is locked.
# In adcanary: whenever>=0.11 in pyproject.toml, and a test that waits for the next run of every schedule on
# a real server (tests/wire/test_flows.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=
for version in 3.12 3.11; do "python$version" -c '' 2>/dev/null && python=python$version; done
"${python:?needs Python 3.11 or 3.12}" -m venv "$folder/venv"
export HOME="$folder" PREFECT_HOME="$folder" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
cat >"$folder/plan.py" <<'PYTHON'
import asyncio
from datetime import datetime, timezone
from importlib.metadata import version

from prefect.server.schemas.schedules import CronSchedule

schedule = CronSchedule(cron="0 13 * * *", timezone="UTC")
start = datetime(2026, 12, 1, tzinfo=timezone.utc)
try:
    (planned,) = asyncio.run(schedule.get_dates(1, start=start))
    told = planned.isoformat()
except ValueError as error:
    told = f"ValueError: {str(error).partition(',')[0]}"
print(f"whenever {version('whenever')}: {told}")
PYTHON
install() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
install prefect==3.9.1 pendulum==3.3.0 'sqlalchemy<2.1' fastapi==0.150.0 whenever==0.10.5
"$folder/venv/bin/python" "$folder/plan.py" 2>/dev/null >"$folder/seen"
install whenever==0.11.0
"$folder/venv/bin/python" "$folder/plan.py" 2>/dev/null >>"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
whenever 0.10.5: ValueError: tzinfo must be of type ZoneInfo (exactly)
whenever 0.11.0: 2026-12-01T13:00:00+00:00
EXPECTED
echo "As found: with whenever 0.10.5 Prefect 3.9.1 plans no run of a cron schedule."
