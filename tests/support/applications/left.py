"""What there still is of a deployment that has ended, on the machine and in the database; and of panels that went."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from pathlib import Path

from tests.support.applications.kept import carrying
from tests.support.panel.panel import Panel


def left_of(panel: Panel, deployment_id: str) -> list[object]:
    """Whatever there is of a deployment beside its row and log."""
    found: list[object] = [
        *panel.work.glob(f"releases/*/{deployment_id}"),
        *panel.work.glob(f"native/**/*{deployment_id}*"),
        *(panel.data_dir / "run" / "runs").glob(f"{deployment_id}.*"),
        *carrying([f"HEADWAY_{kind}_ID={deployment_id}\0".encode() for kind in ("DEPLOYMENT", "RELEASE")]),
    ]
    with contextlib.closing(sqlite3.connect(Path(panel.data_dir) / "headway.db", timeout=10)) as connection:
        for table in ("undos", "leases"):
            found += connection.execute(f"SELECT * FROM {table} WHERE deployment_id = ?", [deployment_id])  # noqa: S608
        found += connection.execute("SELECT * FROM ports WHERE release_id = ?", [deployment_id])
    return found


def daemons() -> dict[int, str]:
    """What panels of this checkout keep applications up with, Traefik and supervisord, and whose panel is no more: what
    each was started as.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            argv = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
            environment = b"\0" + (folder / "environ").read_bytes()
            parent = (folder / "stat").read_text().rpartition(") ")[2].split()[1]
            if argv[0].startswith(f"{sys.prefix}/") and b"\0HEADWAY_DAEMON=" in environment and parent == "1":
                found[int(folder.name)] = " ".join(argv)
    return found
