"""The file server that is put into the images of sites: its program and its configuration, in a folder of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from headway.seams.runtimes.launcher import file_server
from headway.seams.runtimes.native import beside_python

PORT = 80
PROGRAM = "caddy"
CONFIGURATION = "site.json"


def lay_out(folder: Path) -> None:
    """Makes the folder what it has to be; quick when it is. Blocks."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    configuration = file_server("/site", PORT)
    configuration["apps"]["http"]["servers"]["static"]["listen"] = [f":{PORT}"]
    (folder / CONFIGURATION).write_text(json.dumps(configuration))
    program, kept = beside_python(PROGRAM), folder / PROGRAM
    if not kept.exists() or kept.stat().st_size != program.stat().st_size:
        draft = folder.with_name(f".{PROGRAM}.new")
        shutil.copyfile(program, draft)
        draft.chmod(0o755)
        draft.replace(kept)
