"""A million texts as a large shop has them, made of parts, and who saw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.sandbox.market.interests import catalogue

_BRANDS = ("Norrland", "Alpwerk", "Kestrel", "Moorhaus", "Tilia", "Quell", "Brisa", "Ostwind")
_LOOKS = {
    "en": ("black", "red", "forest green", "navy blue", "grey", "for women", "for men", "for kids"),
    "de": ("schwarz", "rot", "waldgrün", "marineblau", "grau", "für Damen", "für Herren", "Kinder"),
}
_FORMS = {
    "en": ("Buy {0} online", "{0} reviews", "{0}, no. {1}", "{0} on sale, from {1} €", "{0} {1}"),
    "de": ("{0} online kaufen", "{0} im Test", "{0}, Nr. {1}", "{0} ab {1} €", "{0} {1}"),
}
_NUMBERS = 50


@dataclass(frozen=True)
class Load:
    """Rows of (person, text), and the true interest of each person in order of their ids."""

    persons: pa.Array
    texts: pa.Array
    truth: list[str]


def million(rows: int, seed: int, per_person: float = 6.0) -> Load:
    """Rows of which most are of their person's interest; common texts are much more common."""
    rng = np.random.default_rng([seed, 9])
    people = int(rows / per_person)
    names = list(catalogue())
    interest = rng.integers(len(names), size=people)
    german = rng.random(people) < 0.3
    owner = np.sort(rng.integers(people, size=rows))
    of = np.where(rng.random(rows) < 0.1, rng.integers(len(names), size=rows), interest[owner])
    draws = {
        "item": rng.integers(8, size=rows),
        "brand": rng.zipf(1.5, rows) % len(_BRANDS),
        "look": rng.integers(8, size=rows),
        "form": rng.integers(5, size=rows),
        "number": rng.integers(10, _NUMBERS, size=rows),
    }
    texts = [
        _text(names[i], "de" if german[p] else "en", *drawn)
        for i, p, *drawn in zip(
            of.tolist(), owner.tolist(), *(d.tolist() for d in draws.values()), strict=True
        )
    ]
    ids = [f"p{i:07}" for i in range(people)]
    return Load(pa.array(ids).take(pa.array(owner)), pa.array(texts), [names[i] for i in interest])


def _text(interest: str, language: str, item: int, *drawn: int) -> str:
    brand, look, form, number = drawn
    named = f"{_BRANDS[brand]} {catalogue()[interest][language]['items'][item]}"
    shown = _FORMS[language][form].format(f"{named} {_LOOKS[language][look]}", number)
    return f"{shown} | Canary Shop"
