"""People with a known interest each, and the texts that they saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.sandbox.market.interests import catalogue

INTERESTS = ("hiking", "coffee", "dogs", "yoga")


def views_of(
    people: int, seed: int = 1, interests: Sequence[str] = INTERESTS, elsewhere: float = 0.1
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Rows of (person, text), four or five a person, and each person's interest; the even ones see
    the site in English, the odd ones in German."""
    rng = np.random.default_rng(seed)
    rows, truth = [], {}
    for i in range(people):
        person, language = f"p{i:04}", ("en", "de")[i % 2]
        truth[person] = interests[int(rng.integers(len(interests)))]
        rows.append((person, "Home | Canary Shop" if i % 2 == 0 else "Startseite | Canary Shop"))
        for _ in range(4):
            other = interests[int(rng.integers(len(interests)))]
            texts = catalogue()[other if rng.random() < elsewhere else truth[person]][language]
            kind = ("items", "items", "searches")[int(rng.integers(3))]
            text = texts[kind][int(rng.integers(len(texts[kind])))]
            rows.append((person, text if kind == "searches" else f"{text} | Canary Shop"))
    return rows, truth
