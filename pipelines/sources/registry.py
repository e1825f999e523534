"""The sources there are, by name, and how one is opened."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module

from pipelines.config import Settings
from pipelines.errors import UsageError
from pipelines.secret_settings import Secrets
from pipelines.source_settings import FileSettings
from pipelines.sources.base import Source

# Each is a room of this folder and a section of `sources` in adcanary.yaml; in the order in which
# they are pulled. Files come after them, each a source of its own, ``files:<file name>``.
SOURCES = (
    "google_ads",
    "meta_ads",
    "linkedin_ads",
    "tiktok_ads",
    "ga4_export",
    "ga4_report",
    "shopify",
    "hubspot",
    "salesforce",
    "growthbook",
    "skan",
    "server_events",
    "fx_rates",
)
_FILES = "files"


def source_names(settings: Settings, name: str | None = None) -> list[str]:
    """The configured sources' names; a file's is ``files:<file name>``.

    Args:
        name: only this one (``files``: every file).

    Raises:
        UsageError: no such source is configured; says which are.
    """
    names = _configured(settings)
    chosen = [n for n in names if name in (None, n, n.split(":")[0])]
    if not chosen:
        asked = f"No source '{name}' is configured" if name else "No source is configured"
        raise UsageError(
            f"{asked} (there are: {', '.join(names) or 'none'}).",
            kept="nothing was pulled.",
            fix=f"Add it under `sources` in {settings.path}.",
        )
    return chosen


def configured_names(settings: Settings, names: Collection[str] | None = None) -> list[str]:
    """The configured ones of these sources; of all, where none are named.

    A name that isn't configured is left out: one schedule of deployments serves everybody.

    Args:
        names: of :data:`SOURCES`; ``files`` stands for every file.

    Raises:
        UsageError: there is no such source; or none are named, and none is configured.
    """
    if names is None:
        return source_names(settings)
    if unknown := sorted(set(names) - {*SOURCES, _FILES}):
        raise UsageError(
            f"There is no source '{unknown[0]}'.",
            kept="nothing was pulled.",
            fix=f"The sources are {', '.join((*SOURCES, _FILES))}.",
        )
    return [n for n in _configured(settings) if n.split(":")[0] in names]


def open_source(settings: Settings, secrets: Secrets, name: str) -> Source:
    """One configured source by its name; each is opened on its own, with its own secrets.

    Its room's ``source.open_source`` takes its section of the settings. It is imported here and
    no earlier: an ad SDK takes a second, and a pull of one source needs one of them.

    Raises:
        ConfigError: a secret that it needs is not set, or its mapping is unusable.
        KeyError: it is not configured.
    """
    sections = {name: getattr(settings.sources, name) for name in SOURCES} | _files(settings)
    section, room = sections[name], name.split(":", maxsplit=1)[0]
    if section is None:
        raise KeyError(name)
    opener = import_module(f"pipelines.sources.{room}.source").open_source
    # no day of a file is later than the clock that the settings name
    clock = (settings.clock(),) if room == _FILES else ()
    opened: Source = opener(section, secrets, *clock)
    return opened


def _configured(settings: Settings) -> list[str]:
    return [s for s in SOURCES if getattr(settings.sources, s) is not None] + [*_files(settings)]


def _files(settings: Settings) -> dict[str, FileSettings]:
    return {f"{_FILES}:{file.path.name}": file for file in settings.sources.files}
