"""Images of ads are kept by the hash of their bytes, once, and what comes back is what was kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipelines.errors import AdcanaryError, InputError
from pipelines.image_store import ImageStore

IMAGE = b"\x89PNG and so on"
SHA256 = hashlib.sha256(IMAGE).hexdigest()


@pytest.mark.parametrize("uri", [False, True])
def test_what_is_kept_is_found_by_hash_and_by_the_platforms_name(tmp_path: Path, uri: bool) -> None:
    store = ImageStore(tmp_path.as_uri() if uri else tmp_path)
    assert store.sha256_of("meta_ads", "a/../b") is None
    assert store.keep("meta_ads", "a/../b", IMAGE) == SHA256
    assert store.sha256_of("meta_ads", "a/../b") == SHA256
    assert store.sha256_of("google_ads", "a/../b") is None
    assert store.read(SHA256) == IMAGE
    names = {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*") if p.is_file()}
    assert names == {SHA256[:2], "names"}


def test_two_names_of_the_same_bytes_share_them(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    assert store.keep("meta_ads", "one", IMAGE) == store.keep("meta_ads", "two", IMAGE)
    assert len([p for p in (tmp_path / SHA256[:2]).iterdir() if p.is_file()]) == 1


def test_an_image_that_is_gone_or_another_is_refused_by_its_hash(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    with pytest.raises(InputError, match=f"{SHA256} isn't there"):
        store.read(SHA256)
    store.keep("meta_ads", "one", IMAGE)
    (tmp_path / SHA256[:2] / SHA256).write_bytes(b"another")
    with pytest.raises(InputError, match="is not what was kept"):
        store.read(SHA256)


def test_a_place_that_cant_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdcanaryError, match="can't be read from or kept in"):
        ImageStore(tmp_path / "file").keep("meta_ads", "one", IMAGE)
