"""What systemd itself says of the units, and how it is told that the panel is ready."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from headway.cli.commands import install
from headway.infra.panel import service_manager, systemd
from headway.infra.panel.systemd import SystemdRefused
from headway.infra.panel.units import Units
from headway.kernel.settings import Facts, Settings
from headway.panel import Panel
from tests.support.panel.panel import remove_traces

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


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The systemctl of a machine: a script that a test writes."""
    script = tmp_path / "systemctl"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("_SECONDS", "_ANEW_SECONDS"):
        monkeypatch.setattr(systemd, name, 0.1)
    script.touch(mode=0o755)
    return script


def test_a_start_may_take_as_long_as_the_panel_asks_for(told: Path) -> None:
    told.write_text('#!/bin/sh\n[ "$*" = "restart shop.service" ] && exec sleep 0.5\nexit 9\n')
    still = list[int]()
    systemd.start("restart", "shop.service", still=lambda: still.append(1))
    assert len(still) >= 2


@pytest.mark.root
def test_an_install_follows_a_panel_that_upgrades_its_data(
    told: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write_text('#!/bin/sh\n[ "$1" = start ] && exec sleep 0.5\nexit 0\n')
    data = tmp_path / "data"
    facts = Facts(is_root=True, home=tmp_path, cwd=tmp_path, cores=2, memory_bytes=8 << 30)
    env_file = tmp_path / "shop.env"
    units = Units(name="shop", program=Path("/opt/headway"), data_dir=data, env_file=env_file, systemd_version=254)

    install._install(units, Settings.from_env({}, facts, data_dir=str(data)), {env_file: ""})

    out = capsys.readouterr().out
    told_still = "shop.service is still starting; what it does is in its log: journalctl -u shop -f\n"
    assert out.count(told_still) >= 2
    assert "shop.service runs, and will after a boot: http://127.0.0.1:3000\n" in out


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("echo Job failed. >&2; exit 1", "'systemctl start a b' failed: Job failed."),
        ("exit 3", "'systemctl start a b' failed: status 3"),
    ],
)
def test_a_start_that_systemd_refuses_is_told(told: Path, body: str, sentence: str) -> None:
    told.write_text(f"#!/bin/sh\n{body}\n")
    with pytest.raises(SystemdRefused) as refused:
        systemd.start("start", "a", "b", still=lambda: None)
    assert refused.value.message == sentence


def test_a_start_is_not_waited_for_without_end(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(systemd, "_START_SECONDS", 0.2)
    with pytest.raises(SystemdRefused, match="systemd goes on with it: 'systemctl status a' tells"):
        systemd.start("start", "a", still=lambda: None)


@pytest.mark.parametrize("form", ["path", "abstract"])
def test_systemd_is_told_once_that_the_panel_is_ready(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify") if form == "path" else f"@headway-test-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        manager.bind(address.replace("@", "\0", 1))
        monkeypatch.setenv(service_manager.VARIABLE, address)

        service_manager.tell_ready()
        service_manager.tell_ready()

        assert manager.recv(64) == b"READY=1"
        manager.settimeout(0)
        with pytest.raises(BlockingIOError):
            manager.recv(64)


async def test_systemd_is_asked_for_more_time_while_the_database_is_migrated_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_manager, "_ANEW_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5)
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv(service_manager.VARIABLE, str(tmp_path / "notify"))

        async with service_manager.more_time():
            told = [await asyncio.to_thread(manager.recv, 64) for _ in range(3)]

        assert told == [b"EXTEND_TIMEOUT_USEC=90000000"] * 3
        service_manager.tell_ready()
        while (last := await asyncio.to_thread(manager.recv, 64)) == told[0]:
            pass
        assert last == b"READY=1"
        await asyncio.sleep(0.2)
        manager.settimeout(0)
        with pytest.raises(BlockingIOError):
            manager.recv(64)


async def test_systemd_is_not_asked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_manager, "_ANEW_SECONDS", 0.02)
    monkeypatch.setattr(service_manager, "_MOST_SECONDS", 0.04)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv(service_manager.VARIABLE, str(tmp_path / "notify"))
        async with service_manager.more_time():
            for _ in range(2):
                await asyncio.to_thread(manager.recv, 64)
            manager.settimeout(0.3)
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(manager.recv, 64)


async def test_a_panel_that_is_started_asks_for_time_before_it_tells_that_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(is_root=os.geteuid() == 0, home=tmp_path, cwd=tmp_path, cores=2, memory_bytes=8 << 30)
    settings = Settings.from_env({"HEADWAY_BALLAST": "0"}, facts, data_dir=str(tmp_path / "data"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0)
        monkeypatch.setenv(service_manager.VARIABLE, str(tmp_path / "notify"))
        try:
            (await Panel.open(settings)).close()
        finally:
            remove_traces(settings.data_dir)
        assert manager.recv(64) == b"EXTEND_TIMEOUT_USEC=90000000"


async def test_where_nobody_asks_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0)
        monkeypatch.setenv(service_manager.VARIABLE, str(tmp_path / "notify"))
        service_manager.tell_ready()
        assert manager.recv(64) == b"READY=1"

        assert service_manager.VARIABLE not in os.environ
        async with service_manager.more_time():
            await asyncio.sleep(0)
        service_manager.tell_ready()

        with pytest.raises(BlockingIOError):
            manager.recv(64)
