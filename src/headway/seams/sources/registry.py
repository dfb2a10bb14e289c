"""The forms of source, by the name that an application's settings call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headway.seams.sources.archive import ArchiveSource
from headway.seams.sources.base import Source
from headway.seams.sources.git import GitSource

SOURCES: Final[Mapping[str, type[Source]]] = {"git": GitSource, "drop": ArchiveSource}
