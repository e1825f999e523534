"""Creatives judged on simulated ads with known truth: ``python -m tests.bench.creatives``.

``--part features``: seconds and memory for a thousand drawn images of 1080 × 1080 pixels, without
and with OCR. ``--part recommendations``: in how many runs anything is recommended where no trait
does anything, and in how many a planted one is found. ``--part fatigue``: how often the 80%
intervals hold the truth, on simulated accounts. Nothing was chosen on seeds from 1000 on.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf, log2

import numpy as np
from PIL import Image, ImageDraw

from pipelines.jobs.creatives.fatigue import HORIZON, wear_of
from pipelines.jobs.creatives.image_features import image_features
from pipelines.jobs.creatives.recommend import detectable_ratio, recommend
from tests.unit.creative_market import ads_with_traits, worn_campaigns

WORN, EFFECT = 0.6, 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("features", "recommendations", "fatigue")
    parser.add_argument("--part", choices=parts, required=True)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--images", type=int, default=1000)
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    if asked.part == "features":
        _features(asked.images)
    elif asked.part == "recommendations":
        _recommendations(seeds)
    else:
        _fatigue(seeds)


def _features(count: int) -> None:
    images = [_drawn(seed) for seed in range(count)]
    print(f"{count} images, {sum(map(len, images)) / count / 1000:.0f} kB each")
    for ocr in (False, True):
        began = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            measured = list(pool.map(partial(image_features, ocr=ocr), images))
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        lettered = sum(bool(m["image_text_characters"]) for m in measured)
        read = f", letters read on {lettered}" if ocr else ""
        print(f"{'with' if ocr else 'without'} OCR: {seconds:.1f} s, peak {peak} MB{read}")


def _drawn(seed: int) -> bytes:
    """An ad: a graded ground, some shapes, on half of the images a line of letters."""
    rng, side = np.random.default_rng(seed), 1080
    across = np.linspace(0, 255, side)[None, :, None] * rng.random(3)
    ground = (across + rng.normal(0, 6, (side, side, 3))).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    for x, y, r, *colour in rng.integers(
        (0, 0, 40, 0, 0, 0), (side, side, 220, 256, 256, 256), (6, 6)
    ):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(map(int, colour)))
    if seed % 2:
        draw.rectangle((0, 80, side, 220), fill="white")
        draw.text((60, 110), f"Save {seed % 60}% on all shoes", "black", font_size=72)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _recommendations(seeds: Sequence[int]) -> None:
    silent = found = held = wrong = 0
    for seed in seeds:
        returns, traits = ads_with_traits(seed, 1.0)
        silent += all(t.verdict == "NONE" for t in recommend(returns, traits))
        returns, traits = ads_with_traits(seed, EFFECT)
        tested = {t.trait: t for t in recommend(returns, traits)}
        planted = tested["planted"]
        found += planted.verdict == "TRY"
        held += planted.low <= EFFECT <= planted.high
        wrong += any(t.verdict != "NONE" for name, t in tested.items() if name != "planted")
    runs = len(seeds)
    print(f"no effect: nothing recommended in {silent} of {runs} runs")
    print(f"effect of {EFFECT}: found in {found}, interval held it in {held} of {runs} runs")
    print(f"another trait recommended beside it in {wrong} of {runs} runs")
    returns, traits = ads_with_traits(seeds[0], 1.0)
    print(f"detectable in four of five: {detectable_ratio(returns, len(traits)):.2f}")


def _fatigue(seeds: Sequence[int]) -> None:
    fresh: list[bool] = []
    days: list[bool] = []
    open_ended = called = right = 0
    for seed in seeds:
        campaigns, truth = worn_campaigns(seed)
        for wear, (left, half, age) in zip(wear_of(campaigns, WORN), truth, strict=True):
            freshness = left + (1 - left) * 0.5 ** (age / half)
            until = half * log2((1 - left) / (WORN - left)) if left < WORN else inf
            remaining = min(max(until - age, 0), HORIZON)
            low, high = np.quantile(wear.freshness, (0.1, 0.9))
            fresh.append(bool(low <= freshness <= high))
            least, most = np.quantile(wear.days_left, (0.1, 0.9))
            days.append(bool(least <= remaining <= most))
            open_ended += least <= 0 and most >= HORIZON
            if (wear.days_left <= 0).mean() >= 0.9:
                called += 1
                right += freshness < WORN
    print(f"{len(fresh)} ads: freshness held in {np.mean(fresh):.1%}")
    print(f"days left held in {np.mean(days):.1%}")
    print(f"days left wholly open (0 to {HORIZON}): {open_ended / len(days):.1%}")
    print(f"called worn out: {called}, of which {right} are")


if __name__ == "__main__":
    main()
