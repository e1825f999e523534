"""SKAdNetwork in a world: files of postbacks, and the key that signed them."""

from __future__ import annotations

from pathlib import Path

from pipelines.sandbox.platforms.skan.postbacks import ADVERTISER_ID, PUBLIC_KEY, SkanPostbacks
from pipelines.sandbox.serving.platform import Place, Platform


def open_platform(place: Place) -> Platform:
    """Its files, below exports/skan."""
    folder = Path("exports", "skan")
    postbacks = SkanPostbacks(place.market, place.clock, place.folder / folder)
    return Platform(
        settings={
            "advertiser_id": ADVERTISER_ID,
            "path": str(folder),
            "public_key": str(folder / PUBLIC_KEY),
        },
        faults=postbacks.faults,
        write=postbacks.write,
    )
