"""What systemd itself says of the units, and how it is told that the panel is ready."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from headway.infra.panel import notify
from headway.infra.panel.units import Units

VERIFY = shutil.which("systemd-analyze")


@pytest.mark.skipif(VERIFY is None, reason="needs systemd-analyze, of the package systemd")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    program = Path(sys.prefix) / "bin" / "headway"
    units = Units(
        name="shop",
        program=program,
        data_dir=Path("/srv/shop"),
        env_file=Path("/etc/headway/shop.env"),
        systemd_version=254,
    )
    paths = [tmp_path / name for name in units.names]
    for path in paths:
        path.write_text(units.render()[path.name])

    ended = subprocess.run(
        ["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False, timeout=60
    )

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("form", ["path", "abstract"])
def test_systemd_is_told_once_that_the_panel_is_ready(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify") if form == "path" else f"@headway-test-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        manager.bind(address.replace("@", "\0", 1))
        monkeypatch.setenv(notify.VARIABLE, address)

        notify.tell_ready()
        notify.tell_ready()

        assert manager.recv(64) == b"READY=1"
        manager.settimeout(0)
        with pytest.raises(BlockingIOError):
            manager.recv(64)


def test_where_nobody_asks_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(notify.VARIABLE, raising=False)
    notify.tell_ready()
