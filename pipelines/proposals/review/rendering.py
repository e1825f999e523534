"""Templates: text from outside is escaped, and nothing in it turns or hides what is around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.plain_text import visible
from pipelines.proposals.review import figures

_TEMPLATES = Path(__file__).parent / "templates"
_FILTERS: dict[str, Callable[..., Any]] = {
    "money": figures.money,
    "rounded": figures.rounded,
    "number": figures.number,
    "percent": figures.percent,
    "bound": figures.bound,
    "platform": figures.platform,
    "channel": figures.channel,
    "label": figures.label,
    "instant": figures.instant,
    "day": figures.day,
    "left": figures.left,
    "ago": figures.ago,
    "is_soon": figures.is_soon,
}


def environment() -> Environment:
    """The environment of every template. A name that isn't given is an error, not a blank."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)  # compiled before anybody waits for it
    return made


def _plain(value: Any) -> Any:
    return visible(value) if type(value) is str else value
