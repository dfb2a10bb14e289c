"""A panel whose supervisord and Traefik are kept up by units: their own commands, run here as systemd runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headway.infra.panel import systemd
from tests.support.machines.power import answer_of
from tests.support.panel.panel import Panel, git_repository, until, web

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
HEADWAY = [sys.executable, "-m", "headway.cli.main"]


class Keepers:
    """The processes of the two units of one panel."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._stack = ExitStack()
        self.pids: dict[str, int] = {}

    def start(self, part: str) -> None:
        """What systemd does with ``ExecStart=headway keep PART``."""
        panel = self._panel
        env = {
            "HEADWAY_DATA_DIR": str(panel.data_dir),
            "HEADWAY_UNITS": "test",
            "HEADWAY_EDGE_PORT": str(panel.edge_port),
        }
        process = subprocess.Popen(
            [*HEADWAY, "keep", part],
            env={"PATH": os.environ["PATH"], **panel.env, **env},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.pids[part] = process.pid
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)

    def start_all(self) -> None:
        """Starts both, and returns once they have become what they keep up."""
        for part in ("supervisor", "edge"):
            self.start(part)
        until(lambda: pids_of(self._panel) == self.pids, 30, what="supervisord and Traefik are the units'")

    def end(self) -> None:
        """Ends what is left of them."""
        self._stack.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Panel, Keepers]]:
    panel = Panel(tmp_path / "data", HEADWAY_UNITS="test")
    keepers = Keepers(panel)
    try:
        yield panel, keepers
    finally:
        panel.clean_up()
        keepers.end()


def serving(panel: Panel, repository: Path) -> None:
    """Deploys an application and waits until it serves."""
    application_id = panel.application(git_repository(repository, web("here")), name="app")
    panel.done(panel.deploy(application_id))
    assert panel.visit("app").text == "here"


def pids_of(panel: Panel) -> dict[str, int | None]:
    """Supervisord and Traefik as the panel knows them."""
    from headway.drivers.panel_machine import PanelMachine
    from headway.infra.panel.data_dir import DataDir
    from headway.kernel.settings import Facts, Settings

    facts = Facts(is_root=os.geteuid() == 0, home=Path("/"), cwd=Path("/"), cores=1, memory_bytes=1 << 30)
    env = {"HEADWAY_EDGE_PORT": str(panel.edge_port)}
    settings = Settings.from_env(env, facts, data_dir=panel.data_dir)
    machine = PanelMachine(settings=settings, data_dir=DataDir.beside(panel.data_dir))
    return {"supervisor": machine.native.supervisor_pid(), "edge": machine.edge.pid()}


def test_a_panel_works_with_the_supervisord_and_the_traefik_of_units(
    kept: tuple[Panel, Keepers], tmp_path: Path
) -> None:
    panel, keepers = kept
    panel.start()  # makes the data directory; it cannot have systemd start anything here
    keepers.start_all()

    serving(panel, tmp_path / "repository")
    panel.kill()
    assert panel.visit("app").text == "here"
    panel.start()

    assert panel.visit("app").text == "here"
    assert pids_of(panel) == keepers.pids


def test_what_a_unit_starts_again_takes_the_place_of_what_died(kept: tuple[Panel, Keepers], tmp_path: Path) -> None:
    panel, keepers = kept
    panel.start()
    keepers.start_all()
    serving(panel, tmp_path / "repository")

    for part in ("supervisor", "edge"):
        os.kill(keepers.pids[part], signal.SIGKILL)
        until(lambda part=part: pids_of(panel)[part] is None, 10)  # type: ignore[misc]
        keepers.start(part)  # as Restart=on-failure does

    until(lambda: pids_of(panel) == keepers.pids, 30, what="both are the units' again")
    until(lambda: answer_of(panel, "app") == "here", 30, what="the application serves again")


def test_a_unit_waits_for_what_a_panel_without_units_has_started(tmp_path: Path) -> None:
    panel = Panel(tmp_path / "data")
    keepers = Keepers(panel)
    try:
        panel.start()
        serving(panel, tmp_path / "repository")
        before = pids_of(panel)
        panel.stop()
        for part in ("supervisor", "edge"):
            keepers.start(part)
        panel.start(HEADWAY_UNITS="test")

        assert panel.visit("app").text == "here"
        assert pids_of(panel) == before
        for pid in before.values():
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        until(lambda: pids_of(panel) == keepers.pids, 30, what="the units have taken their places")
        until(lambda: answer_of(panel, "app") == "here", 30, what="the application serves again")
    finally:
        panel.clean_up()
        keepers.end()


@pytest.mark.skipif(systemd.runs_here(), reason="systemd runs this machine")
def test_where_there_is_no_systemd_it_is_said_what_to_run_and_nothing_is_changed(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    ended = subprocess.run(
        [*HEADWAY, "install", "--data-dir", str(data_dir), "--name", "headwaytest"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ended.returncode == 1
    assert "systemd does not run this machine, and nothing was changed" in ended.stdout
    assert f"headway serve --data-dir {data_dir}\n" in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines() if sys.prefix not in line) <= 80
    assert not data_dir.exists()
    assert not list(Path("/etc/systemd/system").glob("headwaytest*"))
    assert not Path("/etc/headway/headwaytest.env").exists()


def test_a_dry_run_shows_every_file_and_hides_secrets(tmp_path: Path) -> None:
    url = "postgresql://panel:topsecret@db/headway"
    ended = subprocess.run(
        [*HEADWAY, "install", "--dry-run", "--data-dir", "/srv/shop", "--edge-port", "80", "--name", "shop"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HEADWAY_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    shown = [line.removeprefix("--- ") for line in ended.stdout.splitlines() if line.startswith("--- ")]
    assert shown == [
        "/etc/headway/shop.env",
        *(f"/etc/systemd/system/shop{part}.service" for part in ("", "-supervisor", "-edge")),
    ]
    assert 'HEADWAY_EDGE_PORT="80"' in ended.stdout
    assert "HEADWAY_DATABASE_URL=(hidden here)" in ended.stdout
    assert "topsecret" not in ended.stdout
