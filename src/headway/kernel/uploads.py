"""Uploads, as they came."""

from __future__ import annotations

from pathlib import Path

from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What somebody has sent, as it came: a file of the panel's own, gone once the call is answered."""

    path: Path
    name: str
    bytes: int
    digest: str
