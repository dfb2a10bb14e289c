"""Tells when a Traefik that begins works by its files.

Two of its threads read them then: one because it begins, another whenever it hears of a change (pkg/provider/file of
Traefik 3.7). What the one has read before the change it may send on after the other; and that is what it works by then,
until something is written again. So nobody is to write a route before the first reading is over.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from headway.drivers.edge.file_text import written
from headway.drivers.edge.traefik import telling
from headway.infra.hosts.private_file import write_privately
from headway.kernel.dataclass import dataclass

_NAME = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMarker:
    """A ``file`` that Traefik follows, written ``beside`` first, for the account ``reader``: it tells of a path that is
    another one at each start, so that no Traefik from before knows it.
    """

    file: Path
    beside: Path
    reader: int | None

    def renew(self) -> None:
        """To be called before each start. Blocks."""
        router = telling(f"/{_NAME}/{secrets.token_urlsafe()}")
        text = written({"http": {"routers": {_NAME: router}}}, indent=1)
        write_privately(self.file, text, beside=self.beside, reader=self.reader)

    def touch(self) -> None:
        """Has Traefik read all files again, once it follows them: it may hear of nothing before. Blocks."""
        os.utime(self.file)

    def path(self) -> str:
        """What is known once the first reading is over. Blocks."""
        rule: str = json.loads(self.file.read_text(encoding="utf-8"))["http"]["routers"][_NAME]["rule"]
        return rule.split("`")[-2]
