"""The forms of source, by the name that an application's settings call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headway.drivers.sources.archive import ArchiveSource
from headway.drivers.sources.base import Source
from headway.drivers.sources.git import GitSource

SOURCES: Final[Mapping[str, type[Source]]] = {"git": GitSource, "drop": ArchiveSource}
