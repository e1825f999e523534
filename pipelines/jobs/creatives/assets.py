"""The features of every text and image that ads show, each measured once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.canonical import canonical_json, sha256
from pipelines.errors import InputError
from pipelines.image_store import ImageStore
from pipelines.job_settings import CreativeSettings
from pipelines.jobs.base import significant
from pipelines.jobs.creatives.image_features import (
    UnreadableImage,
    image_features,
    perceptual_hash,
)
from pipelines.jobs.creatives.text_features import CreativeText, text_features

_ALIKE_BITS = 4


@dataclass(frozen=True)
class Measured:
    """A text or an image.

    Args:
        kind: text or image.
        asset_id: SHA-256 of the image's bytes, or of the texts.
        features: by name; empty where ``problem`` says why.
    """

    kind: str
    asset_id: str
    features: Mapping[str, Any]
    perceptual_hash: str | None = None
    problem: str | None = None


def measure(
    creatives: Sequence[Mapping[str, Any]], settings: CreativeSettings
) -> list[tuple[Measured, Measured | None]]:
    """The texts and the image of every ad, in the order of the ads; an ad without an image that is
    kept has none."""
    texts = [_text_of(row) for row in creatives]
    of_text = {
        text: Measured("text", _id_of(text), _rounded(text_features(text, settings.brands)))
        for text in dict.fromkeys(texts)
    }
    hashes = dict.fromkeys(row["image_sha256"] for row in creatives if row["image_sha256"])
    stores = [ImageStore(place) for place in settings.images]
    # OpenCV and scikit-image let other threads run while they compute
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        of_image = dict(
            zip(hashes, pool.map(lambda h: _image(h, stores, settings), hashes), strict=True)
        )
    return [
        (of_text[text], of_image.get(row["image_sha256"]))
        for text, row in zip(texts, creatives, strict=True)
    ]


def near_duplicates(images: Mapping[str, str]) -> dict[str, str]:
    """Images that look like an earlier one, by their ids: the first such.

    Args:
        images: perceptual hashes, as hexadecimal digits, by id.
    """
    ids = sorted(images)
    bits = np.array([int(images[asset_id], 16) for asset_id in ids], dtype=np.uint64)
    alike = {}
    for i, asset_id in enumerate(ids):
        near = np.flatnonzero(np.bitwise_count(bits[:i] ^ bits[i]) <= _ALIKE_BITS)
        if len(near):
            alike[asset_id] = ids[int(near[0])]
    return alike


def _image(asset_id: str, stores: Sequence[ImageStore], settings: CreativeSettings) -> Measured:
    problem = "no store of images is configured"
    for store in stores:
        try:
            data = store.read(asset_id)
            features = _rounded(image_features(data, ocr=settings.ocr))
            return Measured("image", asset_id, features, perceptual_hash(data))
        except (InputError, UnreadableImage) as error:
            problem = str(error)
    return Measured("image", asset_id, {}, problem=problem)


def _text_of(row: Mapping[str, Any]) -> CreativeText:
    names = ("headline", "body", "description", "call_to_action")
    return CreativeText(*(row[name] or "" for name in names))


def _id_of(text: CreativeText) -> str:
    parts = [text.headline, text.body, text.description, text.call_to_action]
    return sha256(canonical_json(parts))


def _rounded(features: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: significant(value) if isinstance(value, float) else value
        for name, value in features.items()
    }
