"""People's names: one spelling each, so that two approvals need two people, not two spellings.

A name is what somebody types: it says who acted, and doesn't prove it.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import yaml

from pipelines.errors import DecisionRefused, UsageError

MAX_LENGTH = 100

# Drawn as nothing (Default_Ignorable_Code_Point), beyond the category Cf
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    + "".join(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000))))
)
_PUNCTUATION = frozenset(" !#$%&'()*+,-./=@\\^_{}~")
_SAME = str.maketrans(
    {**dict.fromkeys("\u2018\u2019\u02bc\u02b9\u02bb`", "'"), **dict.fromkeys("\u2010\u2011", "-")}
)
# Lookalikes that no case or font of a recorded name rules out, each written as one of them
_ALIKE = str.maketrans({"i": "l", "|": "l", "m": "rn", "w": "vv"})
# Unicode names its characters after their script, which unicodedata doesn't have: first words that
# stand for another script, or for no script of its own
_SCRIPTS = {"IDEOGRAPHIC": "CJK", "COMBINING": None, "DIGIT": None}
# Scripts that are written together (UTS #39, "highly restrictive")
_TOGETHER = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "HANGUL"},
    {"LATIN", "CJK", "BOPOMOFO"},
)


def person_name(typed: str) -> str:
    """The one spelling of a name: NFKC, without case, invisible characters and extra spaces.

    Raises:
        UsageError: it is empty or too long, mixes scripts, is written in another script's letters
            that all look like Latin ones, or has a character that names don't have.
        DecisionRefused: it is spelled like a service.
    """
    visible = _visible(typed)
    name = " ".join(unicodedata.normalize("NFKC", visible.casefold()).translate(_SAME).split())
    if not any(c.isalpha() for c in name) or len(name) > MAX_LENGTH:
        raise _unusable(typed, f"it must have a letter, and at most {MAX_LENGTH} characters")
    if _like_a_service(name):
        raise DecisionRefused(
            f"'{name}' is a service, or spelled like one.",
            kept="nothing was recorded.",
            fix="Only a person can decide: pass your own name with --as, or set ADCANARY_USER.",
        )
    odd = next((c for c in name if c not in _PUNCTUATION and not _in_a_word(c)), None)
    if odd:
        label = unicodedata.name(odd, "a character without a name")
        raise _unusable(typed, f"it has U+{ord(odd):04X}, {label}")
    scripts = {s for c in name if (s := _script(c))}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise _unusable(typed, f"it mixes letters of {', '.join(sorted(scripts))}")
    if "LATIN" not in scripts and (_looks_latin(name) or _looks_latin(visible)):
        raise _unusable(typed, f"its {', '.join(sorted(scripts))} letters all look like Latin ones")
    return name


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, can't be told apart by looking at them, or differ by dots, dashes
    and spaces alone."""
    return _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return "".join(c for c in skeleton(name) if c.isalnum())


def skeleton(name: str) -> str:
    """A name with the letters that look alike, in any case, replaced by one of them.

    A recorded name has lost its capitals, so ``i`` is one with ``l``, as ``I`` looks like it.
    """
    visible = unicodedata.normalize("NFKC", _visible(name).casefold()).translate(_SAME)
    return "".join(map(_drawn_as, " ".join(visible.split()))).translate(_ALIKE)


def _drawn_as(character: str) -> str:
    """The letter of a to z that a character looks like, itself or as a capital; else itself."""
    letters = _lookalikes()
    _, small, base = unicodedata.name(character, "").partition("LATIN LETTER SMALL CAPITAL ")
    if small and len(base) == 1:
        return base.lower()
    return letters.get(character) or letters.get(character.upper(), character)


def _visible(typed: str) -> str:
    """NFKC, with whitespace as spaces, and without what can't be seen."""
    spaced = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFKC", typed))
    kept = (c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf"})
    return unicodedata.normalize("NFKC", "".join(c for c in kept if c not in _INVISIBLE))


def _in_a_word(character: str) -> bool:
    """A letter, a mark or a digit; not a letter modifier, among which are colons and quotes."""
    category = unicodedata.category(character)
    modifier = unicodedata.name(character, "").startswith("MODIFIER ")
    return (category[0] in "LM" or category == "Nd") and not modifier


def _script(character: str) -> str | None:
    if not _in_a_word(character):
        return None
    word = unicodedata.name(character, "UNNAMED").split()[0].split("-")[0]
    return _SCRIPTS.get(word, word)


def _looks_latin(name: str) -> bool:
    return all(c in _lookalikes() for c in name if unicodedata.category(c)[0] == "L")


def _like_a_service(name: str) -> bool:
    first = "".join(c if c.isalnum() else " " for c in skeleton(name)).split()[0]
    return first == skeleton("service") or first.startswith(skeleton("serviceadcanary"))


@cache
def _lookalikes() -> dict[str, str]:
    tree = yaml.safe_load((Path(__file__).parent / "lookalikes.yaml").read_text("utf-8"))
    letters = {alike: letter for letter, all_ in tree["letters"].items() for alike in all_}
    return letters | {"0": "o", "1": "l"}


def _unusable(typed: str, why: str) -> UsageError:
    return UsageError(
        f"The name {typed[:MAX_LENGTH]!a} can't be used: {why}.",
        kept="nothing was recorded.",
        fix="Pass your name with --as, or set ADCANARY_USER, in letters of one script.",
    )
