"""The names of the formats of import files, as the command takes them."""

from __future__ import annotations

from enum import StrEnum


class FormatName(StrEnum):
    GOOGLE_ADS_EDITOR = "google-ads-editor"
    META_ADS_MANAGER = "meta-ads-manager"
