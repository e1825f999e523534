"""Figures as the pages write them: amounts with their currency, changes with their sign."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from babel.dates import format_timedelta
from babel.numbers import format_compact_decimal

from pipelines.money import MICROS, Money, figure

MINUS, DASH = "\u2212", "\u2013"
_NAMES = {
    "google_ads": "Google Ads",
    "meta_ads": "Meta",
    "tiktok_ads": "TikTok",
    "linkedin_ads": "LinkedIn",
    "microsoft_ads": "Microsoft Ads",
}
_INITIALS = {"cac": "CAC", "roas": "ROAS", "mmm": "MMM"}
SOON = timedelta(days=1)


def money(amount: Money, *, signed: bool = False) -> str:
    """An amount with all its decimals and its currency."""
    text = figure(amount.micros, amount.currency, "+," if signed else ",")
    return f"{text} {amount.currency}".replace("-", MINUS)


def rounded(micros: float, currency: str, *, signed: bool = False) -> str:
    """An amount in whole units, for a glance."""
    units = micros / MICROS
    text = f"{units:+,.0f}" if signed and round(units) else f"{abs(round(units)):,}"
    if not signed:
        text = f"{units:,.0f}"
    return f"{text} {currency}".replace("-", MINUS)


def compact(value: float) -> str:
    """A number for an axis: 7K, 1.2M."""
    digits = 1 if abs(value) >= 1_000 else 0
    text: str = format_compact_decimal(value, locale="en_US", fraction_digits=digits)
    return text.replace("-", MINUS)


def number(value: float, *, signed: bool = False) -> str:
    """A count that may be a part of one: one decimal below a hundred."""
    digits = 1 if abs(value) < 100 else 0
    text = f"{value:+,.{digits}f}" if signed and value else f"{value:,.{digits}f}"
    return text.replace("-", MINUS)


def percent(value: float, *, signed: bool = True) -> str:
    text = f"{value:+.1f}%" if signed else f"{value:.1f}%"
    return text.replace("-", MINUS)


def bound(value: float | None, unit: str, currency: str) -> str:
    """A guardrail's value or bound in its own unit."""
    if value is None:
        return DASH
    if unit.startswith("micros"):
        named = next((w for w in unit.split() if w.isupper() and len(w) == 3), currency)
        return f"{figure(value, named, ',')} {named}"
    if unit.startswith("percent"):
        return percent(value, signed=False)
    if unit == "switch":
        return "on" if value else "off"
    text = number(value) if value % 1 else f"{value:,.0f}"
    return f"{text} {unit}" if unit in {"days", "day"} else text


def platform(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").capitalize())


def channel(name: str) -> str:
    """A channel of the media mix: a platform, or a segment of one."""
    first, _, segment = name.partition(":")
    return f"{platform(first)} {DASH} {segment}" if segment else platform(first)


def label(name: str) -> str:
    """A kind, state, action or guardrail in plain letters."""
    parts = name.replace("_", " ").capitalize().split(" ")
    return " ".join(_INITIALS.get(word.lower(), word) for word in parts)


def instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def day(value: date) -> str:
    return f"{value:%Y-%m-%d}"


def left(until: datetime, now: datetime) -> str:
    """How long until a moment, roughly: 3 days, 5 hours; or that it has passed."""
    span = until - now
    if span.total_seconds() <= 0:
        return "expired"
    return str(format_timedelta(span, threshold=1.5, locale="en"))


def ago(then: datetime, now: datetime) -> str:
    return f"{format_timedelta(now - then, threshold=1.5, locale='en')} ago"


def is_soon(until: datetime, now: datetime) -> bool:
    """Whether it expires within a day."""
    return until - now <= SOON
