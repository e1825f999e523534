"""Finds bank account numbers (IBANs) in texts, by their country's length, and by
their check digits or by being written in groups of four: a mistyped one is a person's, too."""

from __future__ import annotations

import re

# SWIFT, IBAN Registry, release 100 (2025-10): country and length.
_COUNTRIES = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28
EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26
IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28
NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25
SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_LENGTHS = {code[:2]: int(code[2:]) for code in _COUNTRIES.split()}
_START = re.compile(r"(?<![^\W_])([A-Za-z]{2})[ -]?[0-9]{2}(?=[ -]?[0-9A-Za-z])")
_GROUPS = re.compile(r"\w{4}(?:\W\w{4})+(?:\W\w{1,3})?")
_SPACED = {" ", "-", "\u00a0", "\u202f"}


def without_ibans(text: str, blot: str) -> str:
    """The text with ``blot`` in the place of every IBAN, in groups or without."""
    parts, at = [], 0
    for match in _START.finditer(text):
        if match.start() >= at and (end := _end(text, match)):
            parts += [text[at : match.start()], blot]
            at = end
    return "".join([*parts, text[at:]]) if parts else text


def _end(text: str, match: re.Match[str]) -> int | None:
    """Where the IBAN that begins there ends; None for none."""
    length, number = _LENGTHS.get(match[1].upper(), 0), ""
    for at in range(match.start(), len(text)):
        sign = text[at]
        if sign.isascii() and sign.isalnum():
            number += sign
        elif sign not in _SPACED or not length:
            return None
        if len(number) == length:
            after = text[at + 1 : at + 2]
            return (
                at + 1
                if not after.isalnum() and _is_written(text[match.start() : at + 1], number)
                else None
            )
    return None


def _is_written(spelt: str, number: str) -> bool:
    """ISO 13616: the number modulo 97, its first four signs put last, is 1; or in groups."""
    if len(spelt) > len(number) and _GROUPS.fullmatch(spelt):
        return True
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1
