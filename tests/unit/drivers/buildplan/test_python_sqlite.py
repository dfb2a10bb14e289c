"""The file of SQLite that stays, as a shell takes the line that puts it there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from headway.drivers.buildplan.providers.turns import copied


def test_the_first_copy_of_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    release, data = tmp_path / "release", tmp_path / "data"
    release.mkdir()
    data.mkdir()
    (release / "shop.db").write_bytes(os.urandom(64 << 10))

    def starts(before: str = "") -> bool:
        line, env = f"{before}{copied('shop.db')}", {"PATH": os.environ["PATH"], "DATA_DIR": str(data)}
        return subprocess.run(("sh", "-c", line), cwd=release, env=env, check=False).returncode == 0

    assert not starts("ulimit -f 16; "), "cp is ended amid the file"
    assert not (data / "shop.db").exists()
    assert starts()
    assert (data / "shop.db").read_bytes() == (release / "shop.db").read_bytes()
    assert {path.name for path in data.iterdir()} == {"shop.db", ".migrations"}
    (data / "shop.db").write_text("what was written since")
    assert starts()
    assert (data / "shop.db").read_text() == "what was written since"
