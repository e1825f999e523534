"""Of each platform: whether it answers, takes the credential, and how much of its quota is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pipelines.doctor.case import Asked, Case
from pipelines.doctor.scopes import lacks, reads_only, spares, writes
from pipelines.errors import (
    AdcanaryError,
    CredentialRefused,
    SourceParked,
    SourceUnavailable,
    WarehouseError,
    WrongTimeZone,
)
from pipelines.finding import Finding, Status, fail, failed, ok, skip, warn
from pipelines.platforms import platform_table
from pipelines.sources.base import Account, Grant, ShowsGrant

# They have no credential, or one that Google's libraries find (ga4_*).
_WITHOUT = {"ga4_export", "skan", "server_events", "fx_rates"}
_NO_CURRENCY = "XXX"
# Their platforms say in which time zone an account's days are; the others' is as configured.
_TELL_ZONES = ("google_ads", "meta_ads", "tiktok_ads", "ga4_report", "shopify")
_ENDING = timedelta(days=14)
_MUCH, _ALL = 0.75, 0.95
# An hour off, every call is refused; a few minutes are enough for a token to be.
_DRIFTING, _WRONG = timedelta(seconds=30), timedelta(minutes=5)
_ZONES = (
    "SELECT platform, account_id, time_zone FROM raw.ads_account_performance WHERE TRUE "
    "QUALIFY ROW_NUMBER() OVER (PARTITION BY platform, account_id ORDER BY date DESC) = 1"
)


def credentials(case: Case) -> Iterator[Finding]:
    """Whether each secret is set, and the platform takes it."""
    for asked in case.asked.values():
        name = f"credentials:{asked.name}"
        if asked.error is not None:
            yield failed(name, asked.error)
        elif asked.name in _WITHOUT:
            continue
        elif refused := asked.errors(CredentialRefused):
            yield failed(name, refused[0])
        elif not _answered(asked):
            yield skip(name, f"{asked.name} was not asked, or did not answer: see reach.")
        else:
            yield _ending(name, asked)


def _ending(name: str, asked: Asked) -> Finding:
    ends = [g.expires_at for g in asked.grants.values() if isinstance(g, Grant) and g.expires_at]
    if not ends:
        return ok(name, "The platform takes the credential.")
    left = min(ends) - datetime.now(UTC)
    message = f"The platform takes the credential, which ends on {min(ends):%Y-%m-%d}."
    if left < timedelta(0):
        return fail(name, f"The credential ended on {min(ends):%Y-%m-%d}.", "Make a new one.")
    if left < _ENDING:
        return warn(name, message, "Make a new one before that day, and set it in its place.")
    return ok(name, message)


def reach(case: Case) -> Iterator[Finding]:
    """Whether each platform, or folder of exports, answers."""
    for asked in case.asked.values():
        name = f"reach:{asked.name}"
        if away := asked.errors(SourceUnavailable):
            yield failed(name, away[0])
        elif _answered(asked) or asked.errors(CredentialRefused):
            yield ok(name, "It answers.")
        else:
            why = "its credential is missing" if asked.error else "its accounts are parked"
            yield skip(name, f"Not asked: {why}.")


def accounts(case: Case) -> Iterator[Finding]:
    """Whether the credential sees each account."""
    for asked in case.asked.values():
        if asked.refused:
            why = f"Not asked, because of its credential: {asked.refused}. See scopes."
            yield skip(f"account:{asked.name}", why)
        for account_id, answer in asked.accounts.items():
            name = f"account:{asked.name}/{account_id}"
            match answer:
                case Account():
                    currency = answer.currency_code.replace(_NO_CURRENCY, "") or "no currency"
                    yield ok(name, f"{answer.name}: {currency}, {answer.time_zone}.")
                case SourceUnavailable() | CredentialRefused() | SourceParked() | WrongTimeZone():
                    yield skip(name, "Not known: see reach, credentials, quota and time_zone.")
                case AdcanaryError():
                    yield failed(name, answer)


def scopes(case: Case) -> Iterator[Finding]:
    """Whether a credential may do no more than read. One that may change ads is refused."""
    for asked in case.asked.values():
        if asked.source is None or asked.name in _WITHOUT:
            continue
        if not isinstance(asked.source, ShowsGrant):
            if _has_ads(asked.name):
                why = "its API has no call that says what a token may do"
                yield skip(f"scopes:{asked.name}", f"Not known: {why}. Look at the app it is of.")
            continue
        for account_id, grant in asked.grants.items():
            named_account = isinstance(grant, Grant) and grant.role is not None
            subject = f"{asked.name}/{account_id}" if named_account else asked.name
            yield _of_grant(f"scopes:{subject}", asked.name, grant)


def _of_grant(name: str, source: str, grant: Grant | AdcanaryError) -> Finding:
    if isinstance(grant, AdcanaryError):
        asked = isinstance(grant, CredentialRefused | SourceUnavailable)
        return skip(name, f"Not known: {'see credentials and reach' if asked else grant.message}")
    if why := writes(source, grant):
        return fail(
            name,
            f"Refused: the credential of {source} is more than a reader's: {why}. Nothing else was "
            "asked with it.",
            "adcanary only reads. Make a credential with the reading permission alone, of a user "
            "whose role only reads, and set it in its place.",
        )
    if lacking := lacks(source, grant):
        fix = "Give the credential what it lacks (pipelines/doctor/scopes.yaml names the pages)."
        return fail(name, f"It lacks {', '.join(lacking)}.", fix)
    if more := spares(source, grant):
        fix = "Take away what is not needed: whoever gets hold of it could change things."
        return warn(name, f"It has more than it needs: {', '.join(more)}.", fix)
    return _of_reader(name, source, grant)


def _of_reader(name: str, source: str, grant: Grant) -> Finding:
    held = f"It has {', '.join(sorted(grant.scopes))}" if grant.scopes else ""
    role = f"its user's role is {grant.role}" if grant.role else ""
    text = "; ".join(filter(None, (held, role)))
    if not _has_ads(source):
        return ok(name, f"{text}.")
    if reads_only(source, grant):
        return ok(name, f"{text}; it only reads.")
    fix = "Give its user a role that only reads, or look at the platform what the token may do."
    return warn(name, f"Whether it may change ads can't be told: {grant.note}. {text}.", fix)


def quota(case: Case) -> Iterator[Finding]:
    """How much of each quota is used, as the platform's replies say."""
    for asked in case.asked.values():
        name = f"quota:{asked.name}"
        if parked := asked.errors(SourceParked):
            message = parked[0].message
            yield warn(name, message, "Nothing to do: a run after that time calls it again.")
            continue
        if not asked.quotas and _has_ads(asked.name) and _answered(asked):
            yield skip(name, "Not known: its replies don't say how much of a quota is used.")
        for one in asked.quotas:
            of_which = one.name.replace(" ", "_")
            yield _of_quota(f"{name}/{of_which}", one.used, one.text)


def _of_quota(name: str, used: float | None, text: str) -> Finding:
    fix = "Ask for fewer days or accounts at a time, or less often; or have the quota raised."
    status = Status.OK
    if used is not None and used >= _MUCH:
        status = Status.FAIL if used >= _ALL else Status.WARN
    return Finding(name, status, f"{text}.", None if status is Status.OK else fix)


def time_zones(case: Case) -> Iterator[Finding]:
    """Whether each account counts its days where adcanary.yaml says, and what is landed says."""
    landed = _landed_zones(case)
    for asked in case.asked.values():
        for account_id, answer in asked.accounts.items():
            name = f"time_zone:{asked.name}/{account_id}"
            if isinstance(answer, WrongTimeZone):
                yield failed(name, answer)
            elif isinstance(answer, Account) and asked.name in _TELL_ZONES:
                before = landed.get((asked.name, account_id))
                yield _of_zone(name, answer.time_zone, before)
    yield from _ga4_zones(case)


def _of_zone(name: str, now: str, landed: str | None) -> Finding:
    if landed in (None, now):
        return ok(name, f"Days are days in {now}.")
    return warn(
        name,
        f"The account counts its days in {now}; what is landed of it, in {landed}.",
        "The account was moved to another time zone: pull its days again "
        "(`adcanary ingest … --start … --backfill`), or they are days of two kinds.",
    )


def _landed_zones(case: Case) -> dict[tuple[str, str], str]:
    """The time zone of the last landed day of every ad account."""
    if not case.has_warehouse:
        return {}
    try:
        rows = case.warehouse.query(_ZONES).to_pylist()
    except WarehouseError:  # no table yet, or a check of its own says so
        return {}
    return {(row["platform"], row["account_id"]): row["time_zone"] for row in rows}


def _ga4_zones(case: Case) -> Iterator[Finding]:
    """The export names no time zone; the Data API does, where both are of one property."""
    export, report = case.settings.sources.ga4_export, case.asked.get("ga4_report")
    if export is None:
        return
    name = f"time_zone:ga4_export/{export.property_id}"
    answer = report.accounts.get(export.property_id) if report else None
    if not isinstance(answer, Account):
        yield skip(name, "Not known: the export doesn't say; sources.ga4_report would be asked.")
    elif answer.time_zone == export.time_zone:
        yield ok(name, f"Days are days in {export.time_zone}, as the Data API says.")
    else:
        yield fail(
            name,
            f"The property counts its days in {answer.time_zone}, adcanary.yaml says "
            f"sources.ga4_export.time_zone: {export.time_zone}.",
            f"Set sources.ga4_export.time_zone to {answer.time_zone}, and pull its days again.",
        )


def clock(case: Case) -> Iterator[Finding]:
    """This machine's clock against the time in the platforms' replies."""
    heard = {a.name: a.clock_offset for a in case.asked.values() if a.clock_offset is not None}
    if not heard:
        yield skip("clock", "No platform was asked that says what time it is.")
        return
    name, off = max(heard.items(), key=lambda item: abs(item[1]))
    seconds = off.total_seconds()
    message = f"This machine's clock is {seconds:+.1f} s off {name}'s."
    fix = "Set the machine's clock, for instance by NTP (`timedatectl set-ntp true`)."
    if abs(off) >= _WRONG:
        yield fail("clock", message, fix)
    elif abs(off) >= _DRIFTING:
        yield warn("clock", message, fix)
    else:
        yield ok("clock", message)


def _answered(asked: Asked) -> bool:
    """Whether the platform said anything but that it is away, or that the credential is wrong."""
    away = (SourceUnavailable, CredentialRefused, SourceParked)
    answers = (*asked.accounts.values(), *asked.grants.values())
    return any(not isinstance(answer, away) for answer in answers)


def _has_ads(source: str) -> bool:
    """Whether it is an ad platform, whose changes a credential must not make."""
    return source in platform_table().platforms
