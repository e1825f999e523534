"""What the ads of the simulated market say and show: their texts, and images drawn from them.

Each ad has some traits, drawn for it alone, so that no campaign has more of one than another. What
a trait does to an ad's rate is ``EFFECTS``, which no server serves; the others do nothing.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

EFFECTS = {"question": 1.8}
"""By trait, what an ad's rate is multiplied with. The others do nothing."""

_PREVALENCE = {
    "question": 0.4,
    "price": 0.35,
    "urgent": 0.35,
    "emoji": 0.3,
    "long": 0.5,
    "warm": 0.5,
    "lettered": 0.4,
    "crowded": 0.5,
}
_SIZE = 480
_PRODUCTS = ("running shoes", "rain jackets", "winter boots", "backpacks", "wool socks")
_HEADLINES = ("New {} are here", "Made for rain, our {}", "All {} in one shop", "Back in stock, {}")
_ACTIONS = ("SHOP_NOW", "LEARN_MORE", "GET_OFFER")
_WARM, _COLD = (226, 122, 63), (58, 108, 190)


@dataclass(frozen=True)
class Design:
    """An ad's texts as the platform has them, its traits, and what its image is drawn from."""

    headline: str
    body: str
    description: str
    call_to_action: str
    traits: frozenset[str]
    seed: int


@lru_cache(maxsize=4096)
def design_of(ad_id: str) -> Design:
    """What an ad says and shows; the same id, the same design."""
    seed = int(ad_id)
    rng = np.random.default_rng([seed, 71])
    draws = rng.random(len(_PREVALENCE))
    traits = frozenset(
        trait for (trait, share), u in zip(_PREVALENCE.items(), draws, strict=True) if u < share
    )
    product = _PRODUCTS[int(rng.integers(len(_PRODUCTS)))]
    plain = _HEADLINES[int(rng.integers(len(_HEADLINES)))].format(product)
    headline = f"Looking for {product}?" if "question" in traits else plain
    body = f"Light, dry and made to last: {product} for every day."
    if "long" in traits:
        body += " Repaired for free for three years, sent on the day you order, and returned if"
        body += " they don't fit."
    if "price" in traits:
        body += f" From ${int(rng.integers(29, 120))}."
    if "urgent" in traits:
        body += " Only until Sunday."
    if "emoji" in traits:
        body += " \U0001f45f"
    action = _ACTIONS[int(rng.integers(len(_ACTIONS)))]
    return Design(headline, body, "Free returns within 60 days", action, traits, seed)


def effect_of(design: Design) -> float:
    """What its traits multiply the ad's rate with, against the average ad."""
    effect = 1.0
    for trait, times in EFFECTS.items():
        average = 1 + _PREVALENCE[trait] * (times - 1)
        effect *= (times if trait in design.traits else 1.0) / average
    return effect


def image_of(design: Design) -> bytes:
    """Its image, a square JPEG; the same design, the same bytes on the same version of Pillow."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([design.seed, 72])
    ground = np.array(_WARM if "warm" in design.traits else _COLD) + rng.integers(-25, 25, 3)
    image = Image.new("RGB", (_SIZE, _SIZE), tuple(int(v) for v in ground))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(9, 14) if "crowded" in design.traits else rng.integers(1, 4))):
        x, y, r = (int(v) for v in rng.integers((40, 120, 18), (_SIZE - 60, _SIZE - 60, 55)))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x - r, y - r, x + r, y + r), fill=colour)
    if "lettered" in design.traits:
        draw.rectangle((0, 20, _SIZE, 90), fill=(255, 255, 255))
        draw.text((24, 34), design.headline, fill=(20, 20, 20), font_size=34)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=88)
    return written.getvalue()
