"""The formats of import files, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.proposals.exports import google_ads_editor, meta_ads_manager
from pipelines.proposals.exports.names import FormatName
from pipelines.proposals.exports.selection import Edit


@dataclass(frozen=True)
class FileFormat:
    """A platform's format. ``caution`` is what to look at before carrying a file out."""

    platform: str
    by_name: bool
    write: Callable[[Sequence[Edit]], str]
    caution: str


FORMATS = {
    name: FileFormat(module.PLATFORM, module.BY_NAME, module.write, module.CAUTION)
    for name, module in (
        (FormatName.GOOGLE_ADS_EDITOR, google_ads_editor),
        (FormatName.META_ADS_MANAGER, meta_ads_manager),
    )
}
