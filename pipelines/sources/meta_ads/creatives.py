"""What Meta's ads say and show: their creatives' texts, and the bytes of their images.

An ad's texts stand in its creative, in the post that it shows (``object_story_spec``) or, where
Meta chooses among several, in ``asset_feed_spec``. An address of an image ends after some days, so
that its bytes are kept when it is first seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa

from pipelines.image_store import ImageStore
from pipelines.sources.base import Account
from pipelines.sources.calls.retries import attempts
from pipelines.sources.meta_ads.api import Row
from pipelines.sources.meta_ads.tables import NAME
from pipelines.sources.shapes.ads_tables import ads_table

FIELD = (
    "creative{id,title,body,call_to_action_type,image_hash,thumbnail_url,object_story_spec,"
    "asset_feed_spec}"
)
MAX_IMAGE_BYTES = 30 * 2**20
"""What Meta takes at most."""
_HOSTS = (".fbcdn.net", ".facebook.com")
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_CHUNK = 2**16
# where a post holds what it says, by kind of post
_POSTS = ("link_data", "video_data", "photo_data", "template_data")
_TEXTS = {
    "HEADLINE": ("name", "title"),
    "BODY": ("message",),
    "DESCRIPTION": ("description", "link_description"),
}
_FEEDS = {"HEADLINE": "titles", "BODY": "bodies", "DESCRIPTION": "descriptions"}


@dataclass(frozen=True)
class Shown:
    """A field of an ad: a text, or an image by Meta's hash or, for a video's still, by address."""

    field: str
    text: str | None = None
    image_hash: str | None = None
    url: str | None = None


def shown_by(creative: Row) -> list[Shown]:
    """What a creative says and shows, each once, in the order of Meta's preference."""
    story = creative.get("object_story_spec") or {}
    post: Row = next((story[kind] for kind in _POSTS if story.get(kind)), {})
    feed = creative.get("asset_feed_spec") or {}
    plain = {"HEADLINE": creative.get("title"), "BODY": creative.get("body")}
    shown = []
    for field, names in _TEXTS.items():
        texts = [item.get("text") for item in feed.get(_FEEDS[field], ())]
        texts += [plain.get(field), *(post.get(name) for name in names)]
        shown += [Shown(field, text) for text in dict.fromkeys(texts) if text]
    actions = [*feed.get("call_to_action_types", ()), creative.get("call_to_action_type")]
    actions.append((post.get("call_to_action") or {}).get("type"))
    shown += [Shown("CALL_TO_ACTION", text) for text in dict.fromkeys(actions) if text]
    hashes = [image.get("hash") for image in feed.get("images", ())]
    cards = [card.get("image_hash") for card in post.get("child_attachments", ())]
    hashes += [creative.get("image_hash"), post.get("image_hash"), *cards]
    images = [Shown("IMAGE", image_hash=value) for value in dict.fromkeys(hashes) if value]
    if not images and creative.get("thumbnail_url"):
        images = [Shown("IMAGE", url=creative["thumbnail_url"])]
    return [*shown, *images]


class ImageKeeper:
    """Brings images into the store, each once.

    Args:
        store: None keeps no bytes.
        host: of the Graph API, from which images may come besides Meta's own servers of images.
        urls: the present addresses of images by Meta's hash.
    """

    def __init__(
        self,
        store: ImageStore | None,
        graph_url: str,
        urls: Callable[[list[str]], dict[str, str]],
    ) -> None:
        self._store, self._host, self._urls = store, urlsplit(graph_url).netloc, urls

    def kept(self, images: Iterable[Shown]) -> dict[Shown, tuple[str | None, str | None]]:
        """Each image's SHA-256, or why it has none."""
        images = list(dict.fromkeys(images))
        if self._store is None:
            return {image: (None, "sources.meta_ads.images names no folder") for image in images}
        kept: dict[Shown, tuple[str | None, str | None]] = {}
        missing = []
        for image in images:
            sha256 = self._store.sha256_of(NAME, _name(image))
            if sha256 is None:
                missing.append(image)
            kept[image] = sha256, None
        hashes = [image.image_hash for image in missing if image.image_hash]
        urls = self._urls(hashes) if hashes else {}
        with httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client:
            for image in missing:
                url = image.url or urls.get(image.image_hash or "")
                kept[image] = self._fetch(client, image, url)
        return kept

    def _fetch(
        self, client: httpx.Client, image: Shown, url: str | None
    ) -> tuple[str | None, str | None]:
        if url is None:
            return None, "Meta doesn't list the image"
        if not self._is_metas(url):
            return None, "its address is not one of Meta's"
        assert self._store is not None
        why = ""
        for _ in range(attempts()):
            try:
                data = _bytes_of(client, url)
            except ValueError as error:
                return None, f"it can't be fetched: {error}"
            except httpx.HTTPError as error:
                # without the address, which is signed
                why = type(error).__name__
                continue
            return self._store.keep(NAME, _name(image), data), None
        return None, f"it can't be fetched: {why}"

    def _is_metas(self, url: str) -> bool:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.netloc == self._host:
            return True
        return parts.scheme == "https" and host.endswith(_HOSTS)


def asset_rows(account: Account, ads: list[Row], keeper: ImageKeeper) -> pa.Table:
    """raw.creative_assets: a row a text and image of every ad."""
    shown = [(ad["id"], item) for ad in ads for item in shown_by(ad.get("creative") or {})]
    kept = keeper.kept(item for _, item in shown if item.field == "IMAGE")
    none = (None, None)
    columns: dict[str, list[Any]] = {
        "ad_id": [ad_id for ad_id, _ in shown],
        "field": [item.field for _, item in shown],
        "position": list(_positions(shown)),
        "text": [item.text for _, item in shown],
        "asset_id": [item.image_hash for _, item in shown],
        "image_sha256": [kept.get(item, none)[0] for _, item in shown],
        "image_missing_because": [kept.get(item, none)[1] for _, item in shown],
    }
    return ads_table(
        "raw.creative_assets", columns, {"platform": NAME, "account_id": account.account_id}
    )


def _positions(shown: Iterable[tuple[str, Shown]]) -> Iterator[int]:
    counts: dict[tuple[str, str], int] = {}
    for ad_id, item in shown:
        key = ad_id, item.field
        counts[key] = counts.get(key, 0) + 1
        yield counts[key]


def _name(image: Shown) -> str:
    """What the store knows it by: of a still, the path, since only its signature changes."""
    return image.image_hash or urlsplit(image.url or "").path


def _bytes_of(client: httpx.Client, url: str) -> bytes:
    """An image's bytes; ValueError where they are too many or none, and where they are refused for
    good; httpx.HTTPError where another try may bring them."""
    with client.stream("GET", url) as reply:
        if reply.is_server_error:
            reply.raise_for_status()
        if reply.status_code != httpx.codes.OK:
            raise ValueError(f"HTTP {reply.status_code}")
        parts, size = [], 0
        for part in reply.iter_bytes(_CHUNK):
            size += len(part)
            if size > MAX_IMAGE_BYTES:
                raise ValueError(f"it is larger than {MAX_IMAGE_BYTES // 2**20} MB")
            parts.append(part)
    if not size:
        raise ValueError("it is empty")
    return b"".join(parts)
