"""Features of texts and images: what is drawn is measured, and what can't be read says why."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pipelines.errors import UsageError
from pipelines.jobs.creatives.assets import near_duplicates
from pipelines.jobs.creatives.image_features import (
    UnreadableImage,
    image_features,
    perceptual_hash,
)
from pipelines.jobs.creatives.text_features import CreativeText, catalogue, text_features

SIDE = 300


def written(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def drawn(ground: str, draw: Callable[[ImageDraw.ImageDraw], object] | None = None) -> Image.Image:
    image = Image.new("RGB", (SIDE, SIDE), ground)
    if draw:
        draw(ImageDraw.Draw(image))
    return image


def test_every_feature_has_a_description_and_there_are_as_many_as_promised() -> None:
    image = image_features(written(drawn("red")))
    text = text_features(CreativeText("Shoes"))
    assert {*image, *text} == set(catalogue())
    assert len(image) >= 100
    assert len(text) >= 40
    assert all(description for description in catalogue().values())


@pytest.mark.parametrize(
    ("headline", "body", "expected"),
    [
        ("Looking for shoes?", "", {"text_headline_question": True, "text_language": "en"}),
        ("Need a jacket", "", {"text_begins_with_question": True, "text_headline_question": False}),
        ("Shop the sale", "Up to 30% off", {"text_begins_with_action": True, "text_percent": True}),
        ("Shoes", "From $29.90, only until Sunday.", {"text_price": True, "text_urgency": True}),
        ("Shoes", "Nur 29,90 €", {"text_price": True}),
        ("Schuhe", "Jetzt kostenlos für dich testen", {"text_language": "de", "text_free": True}),
        ("Shoes", "Ships 29 days a month", {"text_price": False, "text_number": True}),
        ("NEW NOW", "Run 👟 far 👟", {"text_capital_words": 2, "text_emoji": 2}),
        ("Shoes", "For all 👨‍👩‍👧 of 🇩🇪", {"text_emoji": 2}),
        (
            "夏のスニーカー",
            "今日から",
            {"text_words": None, "text_lix": None, "text_language": None},
        ),
        ("Купить сейчас", "", {"text_words": 2, "text_language": None}),
        ("A", "Say hi @canary #run", {"text_mentions": 1, "text_hashtags": 1}),
        ("A", "mail@example.org", {"text_mentions": 0}),
    ],
)
def test_a_device_of_a_text_is_seen(headline: str, body: str, expected: dict[str, Any]) -> None:
    features = text_features(CreativeText(headline, body))
    assert {name: features[name] for name in expected} == expected


def test_what_needs_words_of_another_language_is_not_known_instead_of_no() -> None:
    features = text_features(CreativeText("Des chaussures neuves pour vous", "Livrées demain."))
    assert features["text_language"] is None
    assert features["text_urgency"] is None
    assert features["text_sentiment"] is None
    assert features["text_headline_words"] == 5


def test_a_brand_is_looked_for_only_where_one_is_named() -> None:
    text = CreativeText("Canary runs", "With Canary.")
    assert text_features(text)["text_brand"] is None
    named = text_features(text, ("canary",))
    assert (named["text_brand"], named["text_brand_first"]) == (True, True)
    assert text_features(CreativeText("Canaryfish"), ("canary",))["text_brand"] is False


def test_an_ad_without_texts_has_no_feature_of_them() -> None:
    assert set(text_features(CreativeText(" ")).values()) == {None}


@given(st.text(max_size=80), st.text(max_size=300))
@settings(max_examples=80, deadline=None)
def test_any_text_is_measured_and_every_number_is_finite(headline: str, body: str) -> None:
    for value in text_features(CreativeText(headline, body)).values():
        assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("ground", "feature"),
    [("red", "image_red_share"), ("lime", "image_green_share"), ("blue", "image_blue_share")],
)
def test_a_plain_ground_is_of_its_colour_and_empty(ground: str, feature: str) -> None:
    features = image_features(written(drawn(ground)))
    assert features[feature] == 1.0
    assert features["image_empty_share"] == 1.0
    assert features["image_edge_share"] == 0.0
    assert features["image_palette"] == pytest.approx(1.0)


def test_what_stands_left_stands_right_in_the_mirror() -> None:
    image = drawn("black", lambda d: d.ellipse((20, 100, 90, 170), fill="white"))
    one = image_features(written(image))
    other = image_features(written(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    left, right = one["image_brightness_middle_left"], one["image_brightness_middle_right"]
    assert float(left or 0) > float(right or 0)
    assert other["image_brightness_middle_right"] == pytest.approx(left, abs=0.02)
    assert other["image_brightness_mean"] == pytest.approx(one["image_brightness_mean"], abs=0.01)
    assert float(one["image_edge_centre_x"] or 0) + float(
        other["image_edge_centre_x"] or 0
    ) == pytest.approx(1, abs=0.02)


def test_shapes_that_stand_out_are_counted() -> None:
    def three(draw: ImageDraw.ImageDraw) -> None:
        for x in (30, 130, 230):
            draw.rectangle((x, 120, x + 40, 160), fill="white")

    assert image_features(written(drawn("black", three)))["image_regions"] == 4  # the ground, too


def test_lines_of_letters_are_told_from_a_plain_image_and_read_with_ocr() -> None:
    image = drawn("white", lambda d: d.text((20, 120), "Half price today", "black", font_size=32))
    plain = image_features(written(drawn("white")), ocr=True)
    lettered = image_features(written(image), ocr=True)
    assert (plain["image_letter_like_share"], plain["image_text_characters"]) == (0.0, 0)
    assert lettered["image_text_characters"] == pytest.approx(16, abs=2)
    assert image_features(written(image))["image_text_share"] is None


def test_ocr_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    image = drawn("white", lambda d: d.text((20, 120), "Half price today", "black", font_size=32))
    with pytest.raises(UsageError, match="what reads letters isn't installed"):
        image_features(written(image), ocr=True)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_every_format_is_read_alike(kind: str) -> None:
    image = drawn("orange", lambda d: d.rectangle((50, 50, 150, 250), fill="navy"))
    one, other = image_features(written(image)), image_features(written(image, kind))
    for name in ("image_brightness_mean", "image_warm_share", "image_edge_centre_x"):
        assert other[name] == pytest.approx(one[name], abs=0.03)


def test_an_image_is_measured_as_people_see_it() -> None:
    """Turned as its camera says, on white where it is transparent, the first of several frames."""
    image = drawn("black", lambda d: d.rectangle((0, 0, SIDE, 99), fill="white"))
    turned = Image.Exif()
    turned[0x0112] = 6  # seen after a quarter turn to the right
    seen = image_features(written(image, "JPEG", exif=turned))
    assert seen["image_brightness_middle_right"] == pytest.approx(1.0, abs=0.03)
    clear = image_features(written(Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))))
    assert clear["image_white_share"] == 1.0
    frames = [drawn("red"), drawn("blue")]
    first = image_features(written(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert first["image_red_share"] == pytest.approx(1.0)
    cmyk = image_features(written(drawn("white").convert("CMYK"), "JPEG"))
    assert cmyk["image_white_share"] == 1.0


def test_sixteen_bits_a_pixel_are_as_bright_as_eight() -> None:
    levels = np.full((SIDE, SIDE), 32_768, dtype=np.uint16)
    deep = image_features(written(Image.fromarray(levels)))
    assert deep["image_brightness_mean"] == pytest.approx(0.5, abs=0.01)


def test_the_size_is_that_of_the_image_as_it_is_seen() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    image = Image.new("RGB", (400, 200), "red")
    seen = image_features(written(image, "JPEG", exif=turned))
    assert (seen["image_width"], seen["image_height"], seen["image_portrait"]) == (200, 400, True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "can't be read"),
        (b"", "can't be read"),
        (b"<html>gone</html>", "can't be read"),
        (written(drawn("red"), "JPEG")[:300], "can't be read"),
        (written(Image.new("RGB", (2, 400))), "2 × 400 pixels"),
    ],
)
def test_what_is_no_image_says_why(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableImage, match=why):
        image_features(data)


def test_an_image_with_too_many_pixels_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.jobs.creatives.image_features.MAX_PIXELS", SIDE * SIDE - 1)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(UnreadableImage, match="300 × 300 pixels"):
        image_features(written(drawn("red")))


def test_a_copy_in_another_size_and_format_has_nearly_the_same_hash() -> None:
    rng = np.random.default_rng(5)

    def scene(draw: ImageDraw.ImageDraw) -> None:
        for x, y, r, *colour in rng.integers(
            (0, 0, 10, 0, 0, 0), (300, 300, 60, 256, 256, 256), (12, 6)
        ):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(colour))

    image, other = drawn("white", scene), drawn("white", scene)
    copy = image.resize((180, 180))
    bits = [int(perceptual_hash(written(i, k)), 16) for i, k in ((image, "PNG"), (copy, "JPEG"))]
    apart = int(perceptual_hash(written(other)), 16)
    assert (bits[0] ^ bits[1]).bit_count() <= 4
    assert (bits[0] ^ apart).bit_count() > 12


def test_images_that_look_the_same_name_the_first_of_them() -> None:
    images = {"b": "ff00ff00ff00ff00", "a": "ff00ff00ff00ff01", "c": "00ff00ff00ff00ff"}
    assert near_duplicates(images) == {"b": "a"}
    assert near_duplicates({}) == {}


@pytest.mark.parametrize("shown", [1, 7])
def test_the_same_bytes_give_the_same_features(shown: int) -> None:
    data = written(drawn("white", lambda d: d.rectangle((10, 10, 10 * shown + 20, 90), fill="red")))
    assert image_features(data) == image_features(data)
