"""What an image is like: colour, light, edges, order and faces, each a feature with a name.

Measured on the image as people see it (turned as its camera says, on white where it is transparent,
the first frame of several), made no larger than 400 pixels, so that a feature means the same at any
resolution. Nothing here knows what is shown, but for faces and, with OCR, letters.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.measure import shannon_entropy

from pipelines.errors import UsageError

Value = float | bool | None
Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

MAX_SIDE = 400
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is read: what platforms hand out, and no format that runs a program."""
MAX_PIXELS = 80_000_000
"""A larger image isn't read: no ad is, and a small file may unpack to anything."""

_HUES = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
_HUE_ENDS = (8, 20, 33, 80, 98, 130, 150, 172)  # OpenCV's hue is 0 to 179; beyond is red
_GREY_SATURATION, _DARK = 40, 40
_GRID = 3
_DIRECTIONS = 4
_BINS = 8
_ORIENTATION, _ON_ITS_SIDE = 0x0112, 5
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_OWN = threading.local()
"""Each thread's own detectors: they keep state while they look."""


class UnreadableImage(ValueError):
    """Why an image can't be measured, in words for a person."""


def image_features(data: bytes, *, ocr: bool = False) -> dict[str, Value]:
    """Every feature of ``features.yaml`` whose name begins with ``image_``.

    Args:
        ocr: whether to read letters, which takes some 0.4 s an image; without it, what needs
            letters is None.

    Raises:
        UnreadableImage: it is no image, or cut off, or too large.
    """
    image, size = opened(data)
    rgb: Bytes = np.asarray(image)
    grey: Bytes = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    values: dict[str, Value] = {**_size(size, len(data))}
    for measure in (_colour, _hues):
        values |= measure(rgb)
    for measure_grey in (_light, _edges, _order, _texture, _regions, _faces):
        values |= measure_grey(grey)
    return values | _letters(rgb, grey, ocr)


def opened(data: bytes) -> tuple[Image.Image, tuple[int, int]]:
    """The image as people see it, made small, in RGB; and its own size in pixels.

    Raises:
        UnreadableImage: as :func:`image_features`.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images, which are refused below by our own bound
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
            size = image.size
            if size[0] * size[1] > MAX_PIXELS:
                raise UnreadableImage(f"it has {size[0]} × {size[1]} pixels")
            if isinstance(image, ImageFile.ImageFile):
                image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            if image.getexif().get(_ORIENTATION, 1) >= _ON_ITS_SIDE:
                size = size[::-1]
            image = ImageOps.exif_transpose(image)
            if image.mode in _DEEP:
                # Pillow would cut off at 255 what goes to 65,535
                levels = np.clip(np.asarray(image).astype(np.int64), 0, 65_535) >> 8
                image = Image.fromarray(levels.astype(np.uint8))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                ground = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(ground, image)
            image = image.convert("RGB")
            image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    except UnreadableImage:
        raise
    except Exception as error:  # Pillow's decoders raise anything
        raise UnreadableImage(f"it can't be read ({type(error).__name__})") from error
    if min(image.size) < _GRID:
        raise UnreadableImage(f"it has {size[0]} × {size[1]} pixels")
    return image, size


def perceptual_hash(data: bytes) -> str:
    """Hexadecimal digits that are nearly the same for re-encoded or resized copies (pHash)."""
    return str(imagehash.phash(opened(data)[0]))


def _size(size: tuple[int, int], length: int) -> dict[str, Value]:
    width, height = size
    return {
        "image_width": width,
        "image_height": height,
        "image_aspect": width / height,
        "image_square": 0.95 < width / height < 1.05,
        "image_portrait": width / height <= 0.95,
        "image_bytes_per_pixel": length / (width * height),
    }


def _colour(rgb: Bytes) -> dict[str, Value]:
    values: dict[str, Value] = {}
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    for names, space in (
        (("red", "green", "blue"), rgb),
        (("lightness", "green_to_red", "blue_to_yellow"), lab),
        (("saturation", "value"), hsv[:, :, 1:]),
    ):
        mean, spread = cv2.meanStdDev(space)
        for i, name in enumerate(names):
            values[f"image_{name}_mean"] = float(mean[i, 0]) / 255
            values[f"image_{name}_spread"] = float(spread[i, 0]) / 255
    r, g, b = (rgb[:, :, i].astype(np.float64) for i in range(3))
    opponent = np.stack([r - g, (r + g) / 2 - b])
    # Hasler and Süsstrunk 2003
    values["image_colourfulness"] = float(
        np.hypot(*opponent.std(axis=(1, 2))) + 0.3 * np.hypot(*opponent.mean(axis=(1, 2)))
    )
    values["image_white_share"] = float((rgb.min(axis=2) > 235).mean())
    values["image_black_share"] = float((rgb.max(axis=2) < 25).mean())
    # 512 colours: how many it takes to make up the image, and how much is of the commonest
    coded = (rgb >> 5).astype(np.int64) @ np.array([64, 8, 1])
    shares = np.bincount(coded.ravel(), minlength=512) / coded.size
    used = shares[shares > 0]
    values["image_palette"] = float(np.exp(-(used * np.log(used)).sum()))
    values["image_commonest_colour_share"] = float(shares.max())
    cells = _grid(hsv[:, :, 1].astype(np.float64))
    values |= {f"image_saturation_{where}": of / 255 for where, of in cells.items()}
    return values


def _hues(rgb: Bytes) -> dict[str, Value]:
    hue, saturation, value = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV))
    coloured = (saturation > _GREY_SATURATION) & (value > _DARK)
    at = np.searchsorted(_HUE_ENDS, hue[coloured], side="left") % len(_HUES)
    counts = np.bincount(at, minlength=len(_HUES)) / hue.size
    shares = dict(zip(_HUES, map(float, counts), strict=True))
    return {
        **{f"image_{name}_share": share for name, share in shares.items()},
        "image_grey_share": float(1 - coloured.mean()),
        "image_warm_share": shares["red"] + shares["orange"] + shares["yellow"],
        "image_cool_share": shares["cyan"] + shares["blue"] + shares["purple"],
    }


def _light(grey: Bytes) -> dict[str, Value]:
    level = grey.astype(np.float64) / 255
    low, middle, high = np.percentile(level, [5, 50, 95])
    height, width = level.shape
    inner = level[height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None]
    cells = _grid(level)
    return {
        "image_brightness_mean": float(level.mean()),
        "image_brightness_median": float(middle),
        "image_brightness_range": float(high - low),
        "image_contrast": float(level.std()),
        "image_dark_share": float((level < 0.25).mean()),
        "image_bright_share": float((level > 0.75).mean()),
        "image_centre_over_rim": float(inner.mean() - level.mean()),
        "image_grey_entropy": float(shannon_entropy(grey)),
        **{f"image_brightness_{where}": of for where, of in cells.items()},
    }


def _edges(grey: Bytes) -> dict[str, Value]:
    edges = cv2.Canny(grey, 80, 160) > 0
    dx, dy = cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1)
    strength = np.hypot(dx, dy)
    turned = (np.arctan2(dy, dx) + np.pi / 2) % np.pi  # along the edge
    bins = np.floor(turned / np.pi * _DIRECTIONS + 0.5).astype(int) % _DIRECTIONS
    shares = np.bincount(bins.ravel(), strength.ravel(), _DIRECTIONS) / max(strength.sum(), 1e-9)
    ys, xs = np.nonzero(edges)
    height, width = grey.shape
    names = ("horizontal", "falling", "vertical", "rising")
    return {
        "image_edge_share": float(edges.mean()),
        "image_edge_strength": float(strength.mean()) / 255,
        "image_sharpness": float(np.log1p(cv2.Laplacian(grey, cv2.CV_64F).var())),
        "image_edge_centre_x": float(xs.mean() / width) if len(xs) else 0.5,
        "image_edge_centre_y": float(ys.mean() / height) if len(ys) else 0.5,
        **{f"image_edges_{n}": float(s) for n, s in zip(names, shares, strict=True)},
        **{f"image_edges_{where}": of for where, of in _grid(edges.astype(np.float64)).items()},
    }


def _order(grey: Bytes) -> dict[str, Value]:
    level = grey.astype(np.float64) / 255
    strength = np.hypot(cv2.Sobel(level, cv2.CV_64F, 1, 0), cv2.Sobel(level, cv2.CV_64F, 0, 1))
    calm = (cv2.blur(strength, (15, 15)) < 0.04).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(calm)
    largest = float(stats[1:, cv2.CC_STAT_AREA].max()) if len(stats) > 1 else 0.0
    height, width = level.shape
    thirds = np.zeros(level.shape)
    for y in (height // 3, 2 * height // 3):
        for x in (width // 3, 2 * width // 3):
            cv2.circle(thirds, (x, y), max(min(height, width) // 10, 1), 1.0, -1)
    return {
        "image_symmetry_left_right": _likeness(level, level[:, ::-1]),
        "image_symmetry_top_bottom": _likeness(level, level[::-1]),
        "image_empty_share": float(calm.mean()),
        "image_largest_empty_share": largest / level.size,
        "image_thirds_share": float((strength * thirds).sum() / max(strength.sum(), 1e-9)),
    }


def _texture(grey: Bytes) -> dict[str, Value]:
    levels = (grey >> 4).astype(np.uint8)
    pairs = graycomatrix(levels, [1, 4], [0, np.pi / 2], levels=16, symmetric=True, normed=True)
    values: dict[str, Value] = {}
    for name in ("contrast", "homogeneity", "energy", "correlation"):
        near, far = graycoprops(pairs, name).mean(axis=1)
        values[f"image_texture_{name}"] = float(near)
        values[f"image_texture_{name}_far"] = float(far)
    patterns = local_binary_pattern(grey, _BINS, 1, method="uniform")
    shares = np.bincount(patterns.astype(int).ravel(), minlength=_BINS + 2) / patterns.size
    return values | {f"image_pattern_{i}": float(share) for i, share in enumerate(shares)}


def _regions(grey: Bytes) -> dict[str, Value]:
    """Plain shapes that stand out: what can be counted without knowing what they are."""
    smooth = cv2.medianBlur(grey, 5)
    _, parted = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    count = 0
    largest = 0
    for mask in (parted, 255 - parted):
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
        count += int((areas > grey.size * 0.002).sum())
        largest = max(largest, int(areas[0]) if len(areas) else 0)
    return {"image_regions": count, "image_largest_region_share": largest / grey.size}


def _faces(grey: Bytes) -> dict[str, Value]:
    """Frontal faces, by the cascade that ships with OpenCV (Viola and Jones 2001)."""
    faces = _cascade().detectMultiScale(
        cv2.equalizeHist(grey), scaleFactor=1.1, minNeighbors=5, minSize=(32, 32)
    )
    height, width = grey.shape
    sizes = [int(w) * int(h) for _, _, w, h in faces]
    if not sizes:
        where = dict.fromkeys(("image_face_x", "image_face_y"))
        return {"image_faces": 0, "image_largest_face_share": 0.0, **where}
    x, y, w, h = (int(v) for v in faces[int(np.argmax(sizes))])
    return {
        "image_faces": len(faces),
        "image_largest_face_share": max(sizes) / grey.size,
        "image_face_x": (x + w / 2) / width,
        "image_face_y": (y + h / 2) / height,
    }


def _letters(rgb: Bytes, grey: Bytes, ocr: bool) -> dict[str, Value]:
    """How much looks like lines of letters; with OCR, how much is."""
    stroke = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    _, marks = cv2.threshold(stroke, 60, 255, cv2.THRESH_BINARY)
    lines = cv2.morphologyEx(marks, cv2.MORPH_CLOSE, np.ones((3, 13), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(lines)
    area, height = grey.size, grey.shape[0]
    alike = 0
    for _, _, w, h, filled in stats[1:]:
        if 6 <= h <= height / 5 and w >= 2.5 * h and filled > 0.4 * w * h:
            alike += int(w) * int(h)
    values: dict[str, Value] = {"image_letter_like_share": alike / area}
    names = ("image_text_share", "image_text_lines", "image_text_characters")
    if not ocr:
        return values | dict.fromkeys(names)
    # most images have no letters, and reading those takes as long
    boxes = _read(rgb) if alike else []
    covered = sum(cv2.contourArea(np.asarray(box, dtype=np.float32)) for box, _ in boxes)
    characters = sum(len(text) for _, text in boxes)
    return values | dict(zip(names, (covered / area, len(boxes), characters), strict=True))


def _read(rgb: Bytes) -> list[tuple[Any, str]]:
    """Lines of letters with their corners; short or unsure ones are left out: OCR sees a "10" in
    photographs."""
    result = _reader()(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if result.boxes is None:
        return []
    return [
        (box, text)
        for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
        if score >= 0.8 and len(text.strip()) >= 3
    ]


def _reader() -> Callable[[Bytes], Any]:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise UsageError(
            "jobs.creatives.ocr is set, and what reads letters isn't installed.",
            kept="nothing was written.",
            fix="Install `adcanary[ocr]`, or take jobs.creatives.ocr out of adcanary.yaml.",
        ) from error

    if not hasattr(_OWN, "reader"):
        _OWN.reader = RapidOCR(params={"Global.log_level": "error"})
    reader: Callable[[Bytes], Any] = _OWN.reader
    return reader


def _cascade() -> Any:
    if not hasattr(_OWN, "cascade"):
        folder = Path(cv2.__file__).parent / "data"
        path = folder / "haarcascade_frontalface_alt2.xml"
        _OWN.cascade = cv2.CascadeClassifier(str(path))
    return _OWN.cascade


def _likeness(one: Floats, other: Floats) -> float:
    """From 1 (the same) to 0 (nothing in common), as correlation where both vary."""
    if one.std() < 1e-6:
        return 1.0
    return float(max(np.corrcoef(one.ravel(), other.ravel())[0, 1], 0.0))


def _grid(level: Floats) -> dict[str, float]:
    """Means of the nine fields, by where they are."""
    small = cv2.resize(level, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    rows, columns = ("top", "middle", "bottom"), ("left", "centre", "right")
    return {
        f"{rows[y]}_{columns[x]}": float(small[y, x]) for y in range(_GRID) for x in range(_GRID)
    }
