"""Charts as numbers: where the lines of a server-rendered SVG go. Templates draw them; colours are
the style sheet's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10

from pipelines.money import MICROS
from pipelines.proposals.review.evidence import Curve
from pipelines.proposals.review.figures import compact
from pipelines.proposals.review.whatif import Response

_MARGINS = (24.0, 14.0, 34.0, 40.0)  # top, right, bottom, left
_TICKS = 4
_BEYOND = 1.5  # a little more than the whole change, so that its place on the curve can be seen
_STEPS = 24


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A place to mark, in the units of the axes."""

    x: float
    low: float
    middle: float
    high: float
    kind: str


@dataclass(frozen=True)
class Dot:
    """A marked place; ``low`` and ``high`` are the ends of its interval."""

    x: float
    y: float
    low: float
    high: float
    kind: str


@dataclass(frozen=True)
class Chart:
    """A band, a line and dots in a box; ``label`` says it all to whom a picture says nothing."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    band: str
    line: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    dots: tuple[Dot, ...]
    zero: float | None
    label: str


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def effect_chart(response: Response, spend_micros: int, currency: str) -> Chart | None:
    """What the change brings by how much of it is done: the whole, half, nothing."""
    shares = [n * _BEYOND / _STEPS for n in range(_STEPS + 1)]
    parts = [(share, response.share_of_effect(share)) for share in shares]
    known = [(share, part) for share, part in parts if part is not None]
    if len(known) < 2 or not spend_micros:
        return None
    whole = spend_micros / MICROS
    places = [
        (share * whole, interval.p10, interval.p50, interval.p90)
        for share, part in known
        for interval in [response.orders.scaled(part)]
    ]
    orders = response.orders
    half = response.share_of_effect(0.5) or 0.5
    middle = orders.scaled(half)
    marks = (
        Mark(0.0, 0.0, 0.0, 0.0, "now"),
        Mark(whole / 2, middle.p10, middle.p50, middle.p90, "half"),
        Mark(whole, orders.p10, orders.p50, orders.p90, "then"),
    )
    label = (
        f"Change in weekly orders by change in weekly spend: at {whole:+,.0f} {currency} it is "
        f"{orders.p50:+.1f} (80% interval {orders.p10:+.1f} to {orders.p90:+.1f}); at half, "
        f"{middle.p50:+.1f}."
    )
    return _chart(places, marks, f"change in spend a week, {currency}", "orders a week", label)


@lru_cache(maxsize=256)
def curve_chart(curve: Curve, then: float | None = None, *, width: float = 380) -> Chart:
    """A channel's response curve, with its present spend and, where it would go, that one; drawn
    once, as each page asks for the same few."""
    places = [(p.spend / MICROS, p.low, p.middle, p.high) for p in curve.points]
    now = curve.now
    marks = [Mark(now.spend / MICROS, now.middle, now.middle, now.middle, "now")]
    label = (
        f"Weekly orders by weekly spend in {curve.channel}: now {now.spend / MICROS:,.0f} "
        f"{curve.currency} bring {now.middle:,.0f} (80% interval {now.low:,.0f} to {now.high:,.0f})"
    )
    if then is not None and (moved := curve.at(then)):
        marks.append(Mark(then / MICROS, moved.middle, moved.middle, moved.middle, "then"))
        label += f"; {then / MICROS:,.0f} {curve.currency} would bring {moved.middle:,.0f}"
    title = f"spend a week, {curve.currency}"
    return _chart(places, marks, title, "orders a week", f"{label}.", width=width)


def sparkline(values: Sequence[float], width: float = 120, height: float = 28) -> str:
    """The points of a line without axes; from zero, so that a fall looks as large as it is."""
    top = max([*values, 0]) or 1
    across = _Scale(0, max(len(values) - 1, 1), 1, width - 1)
    up = _Scale(0, top, height - 2, 2)
    return _points((across(n), up(value)) for n, value in enumerate(values))


def _chart(
    places: Sequence[tuple[float, float, float, float]],
    marks: Sequence[Mark],
    x_title: str,
    y_title: str,
    label: str,
    *,
    width: float = 380,
    height: float = 220,
) -> Chart:
    top, right, bottom, left = _MARGINS
    xs = [*(p[0] for p in places), *(m.x for m in marks)]
    ys = [0.0, *(v for p in places for v in p[1:]), *(v for m in marks for v in (m.low, m.high))]
    x_ticks, y_ticks = _ticks(min(xs), max(xs)), _ticks(min(ys), max(ys))
    x = _Scale(min(*xs, *x_ticks[:1]), max(xs), left, width - right)
    y = _Scale(min(*ys, *y_ticks), max(*ys, *y_ticks), height - bottom, top)
    upper = [(x(p[0]), y(p[3])) for p in places]
    lower = [(x(p[0]), y(p[1])) for p in reversed(places)]
    return Chart(
        width=width,
        height=height,
        left=left,
        right=width - right,
        top=top,
        bottom=height - bottom,
        band=_points((*upper, *lower)),
        line=_points((x(p[0]), y(p[2])) for p in places),
        x_ticks=tuple(Tick(x(value), compact(value)) for value in x_ticks if value <= max(xs)),
        y_ticks=tuple(Tick(y(value), compact(value)) for value in y_ticks),
        x_title=x_title,
        y_title=y_title,
        dots=tuple(Dot(x(m.x), y(m.middle), y(m.low), y(m.high), m.kind) for m in marks),
        zero=y(0.0) if min(ys) < 0 < max(ys) else None,
        label=label,
    )


def _ticks(low: float, high: float) -> list[float]:
    """A few round numbers that span a range."""
    if high <= low:
        high = low + 1
    rough = (high - low) / _TICKS
    size = 10.0 ** floor(log10(rough))
    step = next(size * n for n in (1, 2, 2.5, 5, 10) if size * n >= rough)
    first, last = floor(low / step), ceil(high / step)
    return [n * step for n in range(first, last + 1)]


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)
