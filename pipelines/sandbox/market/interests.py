"""What visitors of the simulated site are interested in, and what shows of it in their visits.

Titles of pages, names of items and searches follow a visitor's interest, in the language of the
country; addresses of products don't. Now and then somebody looks for something else, and types what
nobody else would. All draws are of streams of their own: a visit is otherwise as it would be
without interests. Whose interest is which, only :func:`visitors.interest_truth` says, which is for
``adcanary evaluate``, ``adcanary lab`` and tests.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import yaml

if TYPE_CHECKING:
    from pipelines.sandbox.market.visits import Visit

# Share of visits that are about another interest, that search, and whose search is one's own.
_ELSEWHERE, _SEARCHES, _OWN_WORDS = 0.08, 0.45, 0.02
_INTERESTS, _LOOKS = 81, 82
_SITE = "Canary Shop"
_HOME = {"en": "Home", "de": "Startseite"}
_TITLES = {
    "begin_checkout": {"en": "Checkout", "de": "Kasse"},
    "purchase": {"en": "Thank you for your order", "de": "Danke für Ihre Bestellung"},
}
_OF_AN_ITEM = frozenset({"view_item", "add_to_cart", "purchase"})
_NAMES = ("Alex", "Bo", "Chris", "Dana", "Eli", "Finn", "Gia", "Hana", "Ivo", "Jo")


class _Look(NamedTuple):
    """What one visit looks at: the interest, the item's number, and the search if there is one."""

    interest: str
    item: int
    search: str | None


@cache
def catalogue() -> dict[str, dict[str, dict[str, list[str]]]]:
    """By interest and language: ``items`` and ``searches``, in the same order in each language."""
    path = Path(__file__).with_name("catalogue.yaml")
    listed: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load(path.read_text())
    return listed


def interest_of(seed: int, person: int, device: int) -> str:
    """The main interest of a customer; of one who never ordered (-1), by their device."""
    of_customer = person >= 0
    who = person if of_customer else device
    rng = np.random.default_rng([seed, _INTERESTS, int(of_customer), who])
    return list(catalogue())[int(rng.integers(len(catalogue())))]


def with_interest(
    seed: int, visit: Visit, country: str, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A consenting visit's events with titles and items, and then its search, if it has one."""
    language = "de" if country == "Germany" else "en"
    look = _look(seed, visit, language)
    names = catalogue()[look.interest][language]["items"]
    item = {
        "item_id": f"{look.interest}-{look.item + 1}",
        "item_name": names[look.item],
        "item_category": look.interest,
    }
    shown = []
    for row in rows:
        name = row["event_name"]
        title = _TITLES.get(name, _HOME)[language]
        if name in ("view_item", "add_to_cart"):
            title = item["item_name"]
        titled = {**row, "event_params": [*row["event_params"], _title(title)]}
        shown.append(titled | {"items": [item]} if name in _OF_AN_ITEM else titled)
    if look.search is not None:
        shown.append(_searched(shown[0], look.search, language))
    return shown


def _look(seed: int, visit: Visit, language: str) -> _Look:
    rng = np.random.default_rng([seed, _LOOKS, visit.at, visit.device])
    elsewhere, searches, own = rng.random(3) < (_ELSEWHERE, _SEARCHES, _OWN_WORDS)
    interest = interest_of(seed, visit.person, visit.device)
    other = list(catalogue())[int(rng.integers(len(catalogue())))]
    interest = other if elsewhere else interest
    texts = catalogue()[interest][language]
    item, search = (int(rng.integers(len(texts[kind]))) for kind in ("items", "searches"))
    term = texts["searches"][search]
    if own:
        first, last = (_NAMES[int(i)] for i in rng.integers(len(_NAMES), size=2))
        term = f"{first} {last}son {term} {rng.integers(10**6)}"
    return _Look(interest, item, term if searches else None)


def _title(title: str) -> dict[str, Any]:
    return {"key": "page_title", "value": {"string_value": f"{title} | {_SITE}"}}


def _searched(first: dict[str, Any], term: str, language: str) -> dict[str, Any]:
    """A search a moment after a visit's first event; its address names no campaign."""
    title = {"en": "Search results", "de": "Suchergebnisse"}[language]
    dropped = ("page_location", "page_title", "engagement_time_msec")
    params = [p for p in first["event_params"] if p["key"] not in dropped]
    address = first["event_params"][0]["value"]["string_value"].split("?")[0]
    searched = {"key": "search_term", "value": {"string_value": term}}
    page = {"key": "page_location", "value": {"string_value": f"{address}search"}}
    return {
        **first,
        "event_timestamp": str(int(first["event_timestamp"]) + 1),
        "event_name": "view_search_results",
        "event_params": [page, _title(title), searched, *params],
        "batch_event_index": "3",
    }
