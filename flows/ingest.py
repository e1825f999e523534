"""The ingest flow: every account of every configured source, each on its own."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact

from flows.leftovers import remove_leftovers
from flows.markdown import text
from flows.retries import HOUR, RETRIES
from pipelines.config import load_settings
from pipelines.errors import AdcanaryError
from pipelines.landing.ingest import Ingested, ingest_account
from pipelines.landing.overlaps import overlapping
from pipelines.plain_text import visible
from pipelines.privacy.salt import check_salt
from pipelines.secret_settings import Secrets
from pipelines.sources.registry import configured_names, open_source
from pipelines.warehouse import open_warehouse


class AccountsFailed(RuntimeError):
    """Some accounts were not ingested; the others were published."""


@task(name="ingest account", task_run_name="{source}/{account_id}", **RETRIES)
def ingest_one(
    config: Path | None, source: str, account_id: str, allow_withdrawals: bool = False
) -> Ingested:
    """Pull and land whatever is due for one account."""
    settings = load_settings(config)
    opened = open_source(settings, Secrets(), source)
    ingested = ingest_account(
        open_warehouse(settings),
        opened,
        account_id,
        now=settings.clock(),
        lookback_days=settings.sources.account_lookback_days.get(f"{opened.name}/{account_id}"),
        allow_withdrawals=allow_withdrawals,
    )
    get_run_logger().info("%s", visible(str(ingested)))
    return ingested


@flow(name="ingest", timeout_seconds=6 * HOUR)
def ingest(
    config: Path | None = None,
    sources: list[str] | None = None,
    allow_withdrawals: bool = False,
) -> list[Ingested]:
    """Ingest all accounts. If one fails, the others are still published.

    Args:
        config: adcanary.yaml; by default what ADCANARY_CONFIG names, or the one in the folder.
        sources: only these, of those that are configured; files stands for every file. By default
            all.
        allow_withdrawals: publish also what takes a large share of the published rows away.

    Raises:
        AccountsFailed: at the end, if any failed; names each, with the reason.
    """
    remove_leftovers()
    settings = load_settings(config)
    names = configured_names(settings, sources)
    if not names:
        get_run_logger().info("Not in %s: nothing to pull.", settings.path)
        return []
    if salt := Secrets().hash_salt:
        check_salt(open_warehouse(settings), salt.get_secret_value())
    done: list[Ingested] = []
    failed: list[str] = []
    runs = []
    opened = []
    for name in names:
        try:
            source = open_source(settings, Secrets(), name)
            opened.append((name, source, source.account_ids))
        except AdcanaryError as error:  # a secret is missing, a file can't be read
            failed.append(f"{name}: {error}")
    refused = overlapping(source for _, source, _ in opened)
    for name, source, account_ids in opened:
        for account in account_ids:
            if clash := refused.get((id(source), account)):
                failed.append(f"{name}/{account}: {clash}")
                continue
            run = ingest_one.submit(config, name, account, allow_withdrawals)
            runs.append((f"{name}/{account}", run))
    for label, run in runs:
        run.wait()
        result = run.result(raise_on_failure=False)
        if isinstance(result, Ingested):
            done.append(result)
        else:
            failed.append(f"{label}: {result}")
    rows = [
        {k: text(v) if isinstance(v, str) else v for k, v in landed.as_row().items()}
        for ingested in done
        for landed in ingested.landed
    ]
    create_table_artifact(key="landed-batches", table=rows, description="Batches of this run")
    if failed:
        raise AccountsFailed("\n".join(failed))
    return done
