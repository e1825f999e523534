"""Of what is landed and built: how late it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pipelines.finding import Finding, fail, ok, skip, warn
from pipelines.landing.freshness import Freshness, late, never_published
from pipelines.monitors.held import Held
from pipelines.sources.registry import SOURCES

# An hour is long for a build.
_HANGS = timedelta(hours=6)
# Rows come several times a day, and are built once.
_BEHIND = timedelta(hours=26)


def freshness(held: Held) -> Iterator[Finding]:
    """How many days each account of a configured source is behind yesterday, as the doctor has it.

    Days are those of the reporting time zone: no platform is asked for its own.
    """
    today, there = held.settings.today(), False
    for source, account_id, known in configured(held):
        there = True
        if account_id is None:
            yield never_published(f"freshness:{source}", source)
        else:
            yield late(source, account_id, known, today)
    if not there:
        yield skip("freshness", "No source is configured but files, which have spans of their own.")


def configured(held: Held) -> Iterator[tuple[str, str | None, Freshness | None]]:
    """Every configured account, and how far it is published. A source that isn't opened may not say
    which it has: then those of which anything is published, or None for none."""
    for source in SOURCES:
        section = getattr(held.settings.sources, source, None)
        if section is None:
            continue
        accounts = getattr(section, "accounts", None) or sorted(
            account_id for name, account_id in held.published if name == source
        )
        for account_id in accounts:
            yield source, account_id, held.published.get((source, account_id))
        if not accounts:
            yield source, None, None


def build(held: Held) -> Iterator[Finding]:
    """Whether the last build passed, and what was published since is built."""
    rows = held.rows("last_builds")
    if not rows:
        yield skip("build", "Nothing was built yet.")
        return
    (row,) = rows
    began, ended = row["started_at"], row["passed_at"]
    again = "Run `adcanary build`: it says what fails, and where the SQL is."
    if row["verdict"] == "FAIL":
        yield fail("build", f"The build of {began:%Y-%m-%d %H:%M} UTC failed.", again)
    elif row["verdict"] == "RUNNING" and row["asked_at"] - began > _HANGS:
        yield warn("build", f"The build of {began:%Y-%m-%d %H:%M} UTC never ended.", again)
    elif ended is None:
        yield warn("build", "No build of all models has passed yet.", again)
    elif row["published_at"] is not None and row["published_at"] - ended > _BEHIND:
        yield warn(
            "build",
            f"Rows were published until {row['published_at']:%Y-%m-%d %H:%M} UTC; the last build "
            f"that passed ended {ended:%Y-%m-%d %H:%M} UTC.",
            "See why the transform flow doesn't run. " + again,
        )
    else:
        yield ok("build", f"The last one that passed ended {ended:%Y-%m-%d %H:%M} UTC.")
