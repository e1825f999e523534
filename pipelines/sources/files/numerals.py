"""Numbers in texts, by the signs that a mapping names: read exactly, or refused with advice."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from pipelines.sources.files.layout import APOSTROPHES, MINUSES, SPACES, UNSTRIPPABLE, Layout

_SPACE, _APOSTROPHE = re.compile(f"[{SPACES}]"), re.compile(f"[{APOSTROPHES}]")
_MINUS = re.compile(f"[{MINUSES}]")
# as locales write them; the last two are India's and Switzerland's older decimal comma
_LOCALES = ((".", ","), (",", "."), (",", " "), (".", "'"), (".", " "), (",", "'"))
_AROUND = re.compile(r"^(\D*?)([.,]?\d(?:.*\d)?)(\D*)$", re.ASCII)
_ROUNDED = re.compile(r"^\d+(?:[.,]\d+)?[eE]\+?\d+$")
# what spreadsheets write where they can't calculate, the last LibreOffice; and a formula's own text
_NOT_CALCULATED = re.compile(r"#[A-Z][A-Z0-9_/]*[!?]?|Err:\d{3}|=.*", re.DOTALL)
WOULD_READ = " would read it"


class NotANumber(ValueError):
    """A cell that isn't a number; its text is advice, or empty."""


class Numerals:
    """Reads the numbers of one file, and sees whether its signs can be meant.

    ``1.234`` is one thousand to half of the world. Where every number of a file that has a
    decimal sign has three digits behind it, as a group of thousands has, and the mapping doesn't
    say both signs, then :attr:`ambiguous` is the first of them.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._signs = sorted(layout.strip, key=len, reverse=True)
        self._numbers = _pattern(layout.decimal_sign, layout.thousands or "")
        self._either = re.compile(rf"[1-9]\d{{0,2}}[{layout.decimal_sign}]\d{{3}}")
        self._certain = layout.says_its_signs
        self._ambiguous: str | None = None
        self._signed = self._otherwise = 0

    @property
    def ambiguous(self) -> str | None:
        """A number that may be another; None where the file shows which it is."""
        return None if self._certain else self._ambiguous

    @property
    def are_otherwise(self) -> bool:
        """Whether as many numbers with a sign would be read by other signs as are by these: it is
        the mapping that is wrong, and no row."""
        return self._otherwise > 0 and self._otherwise >= self._signed

    def number(self, cell: str, *, signed: bool = False) -> Decimal:
        """A number, from 0 unless ``signed``.

        Raises:
            NotANumber: the mapping's signs don't explain the cell.
        """
        text = _plain(cell)
        if text in self._layout.read_as:
            return self._layout.read_as[text]
        text = self._stripped(text)
        if not self._numbers.fullmatch(text):
            raise self._unread(cell)
        decimal, thousands = self._layout.decimal_sign, self._layout.thousands
        self._signed += decimal in text or bool(thousands and thousands in text)
        if decimal in text:
            if self._either.fullmatch(text):
                self._ambiguous = self._ambiguous or cell
            else:
                self._certain = True
        ungrouped = text.replace(thousands, "") if thousands else text
        number = Decimal(ungrouped.replace(decimal, "."))
        if number < 0 and not signed:
            raise NotANumber("")
        return number

    def whole(self, cell: str) -> int:
        """A whole number from 0, written without a decimal sign.

        Raises:
            NotANumber: it is none.
        """
        text = _plain(cell)
        written = text not in self._layout.read_as
        if written and self._layout.decimal_sign in self._stripped(text):
            raise self._unread(cell, whole=True)
        number = self.number(cell)
        if number != int(number):
            raise NotANumber("")
        return int(number)

    def _unread(self, cell: str, *, whole: bool = False) -> NotANumber:
        fix = advice(cell, self._layout, whole=whole)
        self._otherwise += fix.endswith(WOULD_READ)
        return NotANumber(fix)

    def _stripped(self, text: str) -> str:
        """Without one of the signs before it and one behind it."""
        for sign in self._signs:
            if text.startswith(sign):
                text = text.removeprefix(sign).strip()
                break
        for sign in self._signs:
            if text.endswith(sign):
                return text.removesuffix(sign).strip()
        return text


def advice(cell: str, layout: Layout, *, whole: bool = False) -> str:
    """What a mapping would have to say so that a cell is a number; empty where nothing helps."""
    text = _plain(cell)
    if _ROUNDED.fullmatch(text):
        return "rounded by a spreadsheet: format the column as a number, and export it again"
    if _NOT_CALCULATED.fullmatch(text):
        return "a formula without a result: correct it, or put its value in its place"
    around = _AROUND.match(text)
    if around is None or "_" in text or around[1].strip() == "-":
        return ""
    before, number, behind = (part.strip() for part in around.groups())
    signs = [sign for sign in (before, behind) if sign and sign not in layout.strip]
    if any(UNSTRIPPABLE.fullmatch(sign) or sign[0] in "<>(-+~" for sign in signs):
        return f"read_as can say what '{text}' stands for"

    def reads(decimal: str, thousands: str) -> bool:
        match = _pattern(decimal, thousands).fullmatch(number)
        return bool(match) and not (whole and decimal in number)

    keys = [f"strip: {json.dumps(signs, ensure_ascii=False)}"] if signs else []
    here = layout.decimal_sign
    if not reads(here, layout.thousands or ""):
        other = "," if here == "." else "."
        ways = ((here, other), (other, here), (other, ""), *_LOCALES)
        best = next((way for way in ways if reads(*way)), None)
        if best is None:
            return ""
        keys += [f'decimal: "{best[0]}"', f'thousands: "{best[1]}"']
    return f"{', '.join(keys)}{WOULD_READ}" if keys else ""


def _plain(cell: str) -> str:
    """One kind of space, of apostrophe and of minus sign, and no space around."""
    return _MINUS.sub("-", _APOSTROPHE.sub("'", _SPACE.sub(" ", cell))).strip()


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Numbers: plain, with a negative exponent as programs write small ones, or in groups."""
    fraction = rf"(?:{re.escape(decimal)}\d+)?"
    plain = rf"(?:\d+{fraction}|{re.escape(decimal)}\d+)(?:[eE]-\d{{1,3}})?"
    if not thousands:
        return re.compile(f"-?{plain}", re.ASCII)
    sign = re.escape(thousands)
    groups = rf"[1-9]\d{{0,2}}(?:{sign}\d{{3}})+{fraction}"
    indian = rf"[1-9]\d?(?:{sign}\d\d)+{sign}\d{{3}}{fraction}"
    return re.compile(f"-?(?:{plain}|{groups}|{indian})", re.ASCII)
