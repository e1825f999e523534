"""Finds telephone numbers in texts, and leaves ids, times, dates and amounts alone.

A row of digits may be anything, so a number is one by how it is written:

1. with its country code: ``+`` or ``00`` and a number that ``phonenumbers`` holds possible;
2. in groups, as numbers are written: after a leading 0, as 3-3-4 (North America), or as Spain,
   Italy, Poland and Portugal write theirs;
3. without groups, only with one leading 0 and 10 to 12 digits (``01701234567``);
4. any 7 to 15 digits after a label: ``tel:``, ``Handy``, ``/phone/``, ``wa.me/``.

So 10 digits such as 2125550123 without a label stay (a campaign's id looks the same), and an id
with one leading 0, or in groups of 3-3-4, goes.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher

# neither a letter nor a digit beside it; an underscore may be
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"
# after a digit and a sign it is the rest of something longer
_ALONE = rf"{_BEFORE}(?<!\d[.,:-])"
_ENDS = rf"{_AFTER}(?![.,:-]\d)"
_YEAR, _TWO = r"(?:19|20)\d\d", r"\d{1,2}"
_TIME = r"(?:[T_ ]+\d\d:?\d\d(?::?\d\d)?(?:\.\d+)?)"
# Never a telephone number, and matched first so that no part of it is taken for one.
_KEPT = "|".join(
    (
        r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
        rf"(?<!\d){_YEAR}(?P<a>[-./]){_TWO}(?P=a){_TWO}{_TIME}?(?!\d)",
        rf"(?<!\d){_TWO}(?P<b>[-./]){_TWO}(?P=b){_YEAR}(?!\d)",
        r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)",
        r"(?<![\d.])[1-9]\d{0,2}(?:\.\d{3})+(?![.\d])",
    )
)
_COUNTRY = (
    rf"(?:\(|{_BEFORE}(?<!\+))(?:\+|00)[ (]{{0,2}}[1-9](?:[ ().\-/]{{0,3}}\d){{6,15}}{_AFTER}"
)
_TRUNK = (
    rf"{_ALONE}(?:\(0[1-9]\d{{0,4}}\) ?|0[1-9]\d{{1,4}}/|0[1-9]\d{{0,4}}[ .\-]{{1,3}})"
    rf"\d{{2,8}}(?:[ .\-]{{1,3}}\d{{2,8}}){{0,5}}{_ENDS}"
)
_NORTH_AMERICAN = (
    rf"{_ALONE}(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{{3}}[ .-]\d{{4}}{_ENDS}"
)
# after groups of thousands it is the rest of an amount
_NO_THOUSANDS = r"(?<!\b\d )(?<!\b\d\d )(?<!\b\d\d\d )"
_GROUPS = rf"{_ALONE}{_NO_THOUSANDS}[2-9]\d{{1,3}}(?:[ -]\d{{2,7}}){{1,4}}{_ENDS}(?! \d)"
_BARE = rf"{_ALONE}0[1-9]\d{{8,10}}{_ENDS}"
# Whose numbers have no leading 0, and so only their grouping.
_WITHOUT_TRUNK = ("ES", "IT", "PL", "PT")
_FEWEST, _MOST = 9, 12
_LABELLED_MOST = 15
_ENOUGH = re.compile(r"\d(?:\W{0,3}\d){6}")
_DIGIT = re.compile(r"\d")
_GROUP = re.compile(r"\D*\d+")
_DAY = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d")


def without_phones(text: str, blot: str, *, ids: bool = False) -> str:
    """The text with ``blot`` in the place of every telephone number.

    Args:
        ids: the text is said to hold ids: only a number with its country code counts.
    """
    if not _ENOUGH.search(text):
        return text
    plain = text if text.isascii() else "".join(map(_plain, text))
    pattern, parts, at, start = _pattern(), [], 0, 0
    while match := pattern.search(plain, start):
        number = _number(match, ids)
        if number is None:
            # what follows its first group may be one
            later = _GROUP.match(plain, match.start())
            start = match.end() if match["kept"] or later is None else later.end()
            continue
        parts += [text[at:number], blot]
        at = start = match.end()
    return "".join([*parts, text[at:]])


def _plain(sign: str) -> str:
    """A digit of any script as one of ours; a full-width plus, spaces and dashes of any kind
    as the plain ones; what nobody sees is a space."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    kind = unicodedata.category(sign)
    return "+" if sign == "＋" else " " if kind in ("Zs", "Cf") else "-" if kind == "Pd" else sign


def _number(match: re.Match[str], ids: bool) -> int | None:
    """Where a telephone number begins; None where the match is none."""
    kind, text = match.lastgroup, match[0]
    if kind == "labelled":
        digits = _digits(match["number"])
        counts = not ids and len(digits) <= _LABELLED_MOST and not _DAY.fullmatch(digits)
        return _opened(match.start("number"), match["number"]) if counts else None
    counts = kind != "kept" and _is_number(str(kind), text, ids)
    return _opened(match.start(), text) if counts else None


def _opened(start: int, number: str) -> int:
    """Where it begins, without a parenthesis that it doesn't close."""
    return start + (number[0] == "(" and number.count("(") > number.count(")"))


@cache
def _pattern() -> re.Pattern[str]:
    # imported here: the table of names is not needed by whoever only hashes
    from pipelines.privacy.field_names import before_numbers

    labels = "|".join(map(re.escape, before_numbers()))
    labelled = (
        rf"(?:{_BEFORE}(?:{labels}){_AFTER}\.?(?:[ _-]?(?:no|nr|number|nummer)\.?)?[\s:=/_-]{{1,3}}"
        r"|wa\.me/)(?P<number>\+?\(?\d(?:[ ().\-/]{0,2}\d){6,14})(?!\d)"
    )
    kinds = {
        "kept": _KEPT,
        "labelled": labelled,
        "country": _COUNTRY,
        "trunk": _TRUNK,
        "american": _NORTH_AMERICAN,
        "groups": _GROUPS,
        "bare": _BARE,
    }
    return re.compile(
        "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items()), re.IGNORECASE
    )


def _is_number(kind: str, text: str, ids: bool) -> bool:
    if kind == "country":
        return _with_country_code(text)
    if ids:
        return False
    if kind == "groups":
        count = len(_digits(text))
        return _FEWEST <= count <= _MOST and any(_grouped_as_in(r, text) for r in _WITHOUT_TRUNK)
    return kind == "american" or _FEWEST <= len(_digits(text)) <= _MOST


def _with_country_code(text: str) -> bool:
    """A number after a plus may be any possible one; after 00, it has to be in use."""
    number = text.replace("(0)", "").removeprefix("(")
    plus = number.startswith("+")
    try:
        parsed = phonenumbers.parse(number if plus else f"+{number[2:]}")
    except phonenumbers.NumberParseException:
        return False
    check = phonenumbers.is_possible_number if plus else phonenumbers.is_valid_number
    return bool(check(parsed))


def _grouped_as_in(region: str, text: str) -> bool:
    matches = PhoneNumberMatcher(text, region, Leniency.STRICT_GROUPING, max_tries=5)
    return any(match.raw_string == text for match in matches)


def _digits(text: str) -> str:
    return "".join(_DIGIT.findall(text))
