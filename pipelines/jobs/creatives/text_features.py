"""What an ad's texts are like: length, tone and devices, each a feature with a name.

A feature that needs a language's words is None where the language isn't one of those in
``words.yaml``, and sentiment is None where it isn't English: not known is not "no".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex
import yaml

Value = float | bool | str | None

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’-]*|\d[\d.,]*")
_LETTERS = regex.compile(r"\p{L}[\p{L}\p{M}'’-]*")
_SENTENCE = regex.compile(r"[^.!?…\n]*\p{L}[^.!?…\n]*")
_GRAPHEME = regex.compile(r"\X")
_EMOJI = regex.compile(
    r"\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[\U0001F1E6-\U0001F1FF]{2}"
)
# scripts that put no space between words, so that words can't be counted here
_UNSPACED = regex.compile(r"\p{Han}|\p{Hiragana}|\p{Katakana}|\p{Thai}|\p{Lao}|\p{Khmer}")
_VOWELS = regex.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûœæ]+", regex.I)
_PRICE = re.compile(
    r"(?:[$€£¥]|(?:USD|EUR|GBP|CHF|JPY)\s)\s?\d|\d\s?(?:[$€£¥]|(?:USD|EUR|GBP|CHF)\b)"
)
_PERCENT = re.compile(r"\d\s?%")
_CASED = re.compile(r"\b[A-ZÄÖÜ]{3,}\b")
_DAY = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b",
    re.IGNORECASE,
)
_SHORT_WORDS = 6
_SURE, _RIVAL = 0.7, 0.5
_OF_WORDS = (
    *("text_headline_words", "text_body_words", "text_description_words", "text_words"),
    *("text_words_per_sentence", "text_letters_per_word", "text_long_word_share"),
    *("text_syllables_per_word", "text_lix", "text_distinct_word_share"),
)


@dataclass(frozen=True)
class CreativeText:
    """The texts of an ad; "" for one it doesn't have. ``call_to_action`` is the platform's word."""

    headline: str = ""
    body: str = ""
    description: str = ""
    call_to_action: str = ""

    @property
    def whole(self) -> str:
        """All that a person reads, but for the button."""
        return "\n".join(part for part in (self.headline, self.body, self.description) if part)


def text_features(text: CreativeText, brands: tuple[str, ...] = ()) -> dict[str, Value]:
    """Every feature of ``features.yaml`` whose name begins with ``text_``.

    Args:
        brands: how the advertiser calls itself.
    """
    whole = text.whole
    if not whole.strip():
        return dict.fromkeys(_names())
    language = _language(whole)
    values = {
        **_lengths(text),
        **_marks(text),
        **_brand(text, brands),
        **_vocabulary(text, language),
    }
    if len(_UNSPACED.findall(whole)) > sum(c.isalpha() for c in whole) / 2:
        values |= dict.fromkeys(_OF_WORDS)
    values["text_language"] = language
    values["text_sentiment"] = _sentiment(whole) if language == "en" else None
    values["text_call_to_action"] = text.call_to_action or None
    return {name: values[name] for name in _names()}


def _lengths(text: CreativeText) -> dict[str, Value]:
    whole = text.whole
    letters = _LETTERS.findall(whole)
    sentences = _SENTENCE.findall(whole)
    syllables = sum(max(len(_VOWELS.findall(word)), 1) for word in letters)
    count = max(len(letters), 1)
    per_sentence = len(letters) / max(len(sentences), 1)
    return {
        "text_headline_characters": len(regex.findall(r"\X", text.headline)),
        "text_headline_words": len(_WORD.findall(text.headline)),
        "text_body_characters": len(regex.findall(r"\X", text.body)),
        "text_body_words": len(_WORD.findall(text.body)),
        "text_description_words": len(_WORD.findall(text.description)),
        "text_words": len(_WORD.findall(whole)),
        "text_sentences": len(sentences),
        "text_lines": len([line for line in text.body.splitlines() if line.strip()]),
        "text_words_per_sentence": per_sentence,
        "text_letters_per_word": sum(map(len, letters)) / count,
        "text_long_word_share": sum(len(word) > _SHORT_WORDS for word in letters) / count,
        "text_syllables_per_word": syllables / count,
        # Björnsson 1968: needs no list of words and no language
        "text_lix": per_sentence + 100 * sum(len(w) > _SHORT_WORDS for w in letters) / count,
        "text_distinct_word_share": len({word.lower() for word in letters}) / count,
    }


def _marks(text: CreativeText) -> dict[str, Value]:
    whole = text.whole
    letters = [c for c in whole if c.isalpha()]
    titled = _LETTERS.findall(text.headline)
    return {
        "text_headline_question": "?" in text.headline,
        "text_body_question": "?" in text.body,
        "text_exclamations": whole.count("!"),
        "text_headline_exclamation": "!" in text.headline,
        "text_number": any(c.isdigit() for c in whole),
        "text_headline_number": any(c.isdigit() for c in text.headline),
        "text_price": bool(_PRICE.search(whole)),
        "text_percent": bool(_PERCENT.search(whole)),
        "text_weekday": bool(_DAY.search(whole)),
        # a family or a flag is one, of several code points
        "text_emoji": sum(bool(_EMOJI.search(g)) for g in _GRAPHEME.findall(whole)),
        "text_headline_emoji": bool(_EMOJI.search(text.headline)),
        "text_hashtags": len(re.findall(r"(?<!\w)#\w", whole)),
        "text_mentions": len(re.findall(r"(?<!\w)@\w", whole)),
        "text_link": bool(re.search(r"https?://|www\.", whole)),
        "text_quotes": bool(regex.search(r"[\"„“”«»]", whole)),
        "text_ellipsis": "…" in whole or "..." in whole,
        "text_colon_in_headline": ":" in text.headline,
        "text_capital_words": len(_CASED.findall(whole)),
        "text_upper_share": sum(c.isupper() for c in letters) / max(len(letters), 1),
        "text_title_case_headline": len(titled) > 1 and all(w[0].isupper() for w in titled),
    }


def _brand(text: CreativeText, brands: tuple[str, ...]) -> dict[str, Value]:
    if not brands:
        names = ("text_brand", "text_brand_in_headline", "text_brand_first")
        return dict.fromkeys(names)
    named = re.compile("|".join(rf"\b{re.escape(brand)}\b" for brand in brands), re.IGNORECASE)
    first = named.search(text.whole)
    return {
        "text_brand": first is not None,
        "text_brand_in_headline": bool(named.search(text.headline)),
        "text_brand_first": first is not None and first.start() == 0,
    }


def _vocabulary(text: CreativeText, language: str | None) -> dict[str, Value]:
    groups = _words().get(language) if language else None
    if groups is None:
        return {
            **{f"text_{name}": None for name in next(iter(_words().values()))},
            "text_begins_with_action": None,
            "text_begins_with_question": None,
        }
    whole, headline = text.whole, text.headline.lstrip()
    return {
        **{f"text_{name}": bool(pattern.search(whole)) for name, pattern in groups.items()},
        "text_begins_with_action": groups["action"].match(headline) is not None,
        "text_begins_with_question": groups["question"].match(headline) is not None,
    }


@cache
def _words() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    vocabulary = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text())
    return {
        language: {
            name: re.compile(
                "|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in listed), re.IGNORECASE
            )
            for name, listed in groups.items()
        }
        for language, groups in vocabulary.items()
    }


@cache
def _names() -> tuple[str, ...]:
    return tuple(name for name in catalogue() if name.startswith("text_"))


@cache
def catalogue() -> Mapping[str, str]:
    """Every feature by name, with what it is."""
    described: dict[str, str] = yaml.safe_load(
        (Path(__file__).parent / "features.yaml").read_text()
    )
    return described


def _language(whole: str) -> str | None:
    """The language of those in ``words.yaml`` that a text is in, as ISO 639-1, by py3langid (Lui
    and Baldwin 2012); None where it may as well be in another of them, or is more likely in a
    language that isn't there."""
    if not _LETTERS.search(whole):
        return None
    ranked: list[tuple[str, float]] = _identifier().rank(whole)
    among = [(code, float(chance)) for code, chance in ranked if code in _words()]
    code, chance = among[0]
    sure = chance >= _SURE * sum(c for _, c in among) and chance >= _RIVAL * float(ranked[0][1])
    return code if sure else None


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _sentiment(whole: str) -> float:
    """From -1 to 1, by VADER (Hutto and Gilbert 2014), which knows English alone."""
    return float(_vader().polarity_scores(whole)["compound"])


@cache
def _vader() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
