#!/usr/bin/env bash
# With FastAPI 0.154, which Prefect 3.8.8 allows, Prefect's server refuses what Prefect's own client
# sends: `prefect deploy --all` makes the first deployment and fails at the second.
#
# A good guess: a server and a client of one package agree, whatever FastAPI its metadata allows. Seen:
# from 0.151 on, FastAPI validates a body field that is null instead of taking its default, and the
# client sends {"workers": null} for "no filter": 422. Health, flows and runs go on working.
# Prefect 3.9 asks for fastapi<0.151 itself.
# In adcanary: fastapi<0.151 in pyproject.toml, and a test that deploys all to a real server
# (tests/wire/test_flows.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
export HOME="$folder" PREFECT_HOME="$folder" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=180
cat >"$folder/ask.py" <<'PYTHON'
import asyncio, logging

logging.disable(logging.CRITICAL)
import fastapi
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import PrefectHTTPStatusError


async def ask() -> None:
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="p", type="process"), overwrite=True)
        try:
            workers = await client.read_workers_for_work_pool("p")
            print(f"fastapi {fastapi.__version__}: {len(workers)} workers")
        except PrefectHTTPStatusError as error:
            print(f"fastapi {fastapi.__version__}: {error.response.status_code}")


asyncio.run(ask())
PYTHON
install() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
install prefect==3.8.8 starlette==1.10.0 pydantic==2.14.3 'sqlalchemy<2.1' fastapi==0.150.0
"$folder/venv/bin/python" "$folder/ask.py" 2>/dev/null >"$folder/seen"
install fastapi==0.154.0
"$folder/venv/bin/python" "$folder/ask.py" 2>/dev/null >>"$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
fastapi 0.150.0: 0 workers
fastapi 0.154.0: 422
EXPECTED
echo "As found: with FastAPI 0.154 Prefect 3.8.8 refuses its own client's nulls."
