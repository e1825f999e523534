"""Of what must be kept: the salt of every hash, and backups of the DuckDB file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pipelines.doctor.case import Case
from pipelines.errors import AdcanaryError, MissingTableError
from pipelines.finding import Finding, fail, failed, ok, skip, warn
from pipelines.source_settings import PersonSection, SourcesSettings

_FRESH, _STALE = timedelta(days=7), timedelta(days=30)


def salt(case: Case) -> Iterator[Finding]:
    """Whether the salt is there, and the one that this warehouse's ids were hashed with."""
    from pipelines.privacy.salt import hold_against

    secret = case.secrets.hash_salt
    people = _of_people(case.settings.sources)
    if secret is None or not secret.get_secret_value():
        if people:
            yield fail(
                "salt",
                f"ADCANARY_HASH_SALT is not set, and {', '.join(people)} have people in them.",
                "Set it to the salt that this warehouse was begun with; for a new one, to a long "
                "random text (`openssl rand -hex 32`), and keep it where backups don't go.",
            )
        else:
            yield skip("salt", "No source with people is configured, and no salt is set.")
        return
    if not case.has_warehouse:
        yield ok("salt", "It is set; there is no warehouse yet to hold it against.")
        return
    try:
        since = hold_against(case.warehouse, secret.get_secret_value())
    except MissingTableError:
        since = None
    except AdcanaryError as error:
        yield failed("salt", error)
        return
    known = f"the warehouse's since {since:%Y-%m-%d}" if since else "new to this warehouse"
    yield ok("salt", f"It is set, and {known}.")


def _of_people(sources: SourcesSettings) -> list[str]:
    """The configured sources whose rows hold hashed ids of people."""
    sections = {name: getattr(sources, name) for name in type(sources).model_fields}
    named = [name for name, section in sections.items() if isinstance(section, PersonSection)]
    return [*named, "files"] if sources.files else named


def backup(case: Case) -> Iterator[Finding]:
    """How old the newest backup is, in the folder that `adcanary backup` writes to."""
    target = case.settings.warehouse
    if target.kind == "bigquery":
        yield skip("backup", "BigQuery keeps seven days of every table by itself.")
        return
    if not target.path.exists():
        yield skip("backup", "There is no warehouse yet.")
        return
    folder = target.path.parent / "backups"
    fix = "Run `adcanary backup`, and have it run every day; delete what is old."
    copies = list(folder.glob(f"{target.path.stem}-*{target.path.suffix}"))
    if not copies:
        message = f"There is none in {folder}; what was written elsewhere isn't seen."
        yield warn("backup", message, fix)
        return
    newest = max(copies, key=lambda copy: copy.stat().st_mtime)
    age = datetime.now(UTC) - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    message = f"The newest of {len(copies)}, {newest.name}, is {age.days} days old."
    if age > _STALE:
        yield fail("backup", message, fix)
    elif age > _FRESH:
        yield warn("backup", message, fix)
    else:
        yield ok("backup", message)
