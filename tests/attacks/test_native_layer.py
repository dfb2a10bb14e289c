"""What a process writes in its release: its own, bounded, gone with it; and the release as it was built."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support.panel.panel import Panel, git_repository, until, web

pytestmark = [pytest.mark.root, pytest.mark.slow]

BOUND = "48MiB"
WRITER = """\
import ctypes, http.server, os, shutil, threading, time, urllib.parse

def told(path, text="", mode="w"):
    with open(path, mode) as file:
        return file.read() if mode == "r" else file.write(text)

def fill(folder, megabytes):
    os.makedirs(folder, exist_ok=True)
    for number in range(megabytes):
        with open(f"{folder}/{number}", "wb") as file:
            file.write(bytes(1 << 20))
        time.sleep(0.01)

def later(work):
    threading.Thread(target=work).start()
    return "begun"

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.unquote(self.path[1:])
        try:
            said = str(eval(asked)) if asked else str(os.getpid())
        except OSError as error:
            said = f"{type(error).__name__} {error.errno}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(said.encode())))
        self.end_headers()
        self.wfile.write(said.encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
# Says what it sees of what the other has written.
WORKER = 'while :; do ls > "$DATA_DIR/seen.new"; mv "$DATA_DIR/seen.new" "$DATA_DIR/seen"; sleep 0.2; done'
RELEASE = 'echo released > by-release; rm gone.txt; echo "as $(id -u) in $PWD, $(ls), signed with $SECRET_KEY"'
FILES = {
    "app.py": WRITER,
    "Procfile": f"release: {RELEASE}\nweb: python3 app.py\nworker: {WORKER}\n",
    "requirements.txt": "",
    "app.json": '{"env": {"SECRET_KEY": {"generator": "secret"}}}',
    "kept.txt": "as it was\n",
    "gone.txt": "goes\n",
    "run.sh": "#!/bin/sh\n",
    "dist/server/main.js": "compiled\n",
    "dist/server/more.js": "compiled\n",
    "static/old.css": "old\n",
}


def digest(folder: Path) -> str:
    """Of names, kinds, owners, modes, times and contents below a folder."""
    seen = hashlib.sha256()
    for path in [folder, *sorted(folder.rglob("*"))]:
        at = path.lstat()
        content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        seen.update(repr((str(path), at.st_mode, at.st_uid, at.st_gid, at.st_mtime_ns, content)).encode())
    return seen.hexdigest()


def layers(panel: Panel, release: str = "") -> list[str]:
    """The layers that there are, by the names of their processes."""
    return sorted(each.name.partition("+")[0] for each in (panel.work / "native/layers").glob(f"{release or '*'}/*"))


class Stage:
    """A panel with an application that writes in its release, and a neighbour that serves."""

    def __init__(self, panel: Panel, folder: Path, open_: Path) -> None:
        self.panel, self.loads = panel, open_
        panel.done(panel.deploy(panel.application(git_repository(folder / "neighbour", web("here")), name="neighbour")))
        url = git_repository(folder / "writer", FILES)
        self.writer = panel.application(url, name="writer")
        # With these every program says what it loads, as whom it does.
        loads = f"LD_DEBUG=libs\nLD_DEBUG_OUTPUT={open_}/ld"
        panel.post("application.saveEnvironment", applicationId=self.writer, env=loads)
        self.row = panel.done(panel.deploy(self.writer))
        self.release = str(self.row["deploymentId"])
        self.folder = panel.work / "releases" / self.writer / self.release
        self.data = panel.work / "data" / self.writer
        panel.post("application.saveEnvironment", applicationId=self.writer, env="")
        self.before = digest(self.folder)

    def asks(self, what: str) -> str:
        """What came of it."""
        return self.panel.visit("writer", f"/{quote(what)}").text

    def pid(self) -> int | None:
        """The process that serves, None while none does; one that is ended as it answers takes its answer with it."""
        try:
            answer = self.panel.visit("writer")
        except httpx.RemoteProtocolError:
            return None
        return int(answer.text) if answer.status_code == 200 else None


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("layer")
    panel = Panel(folder / "data", HEADWAY_APPLICATION_LAYER=BOUND).start()
    with tempfile.TemporaryDirectory(prefix="headway-loads-") as open_:
        try:
            Path(open_).chmod(0o777)
            yield Stage(panel, folder, Path(open_))
        finally:
            panel.clean_up()  # its application writes there


@pytest.mark.parametrize(
    "what",
    [
        "told('new.txt', 'x')",
        "told('kept.txt', 'more', 'a')",
        "told('kept.txt', 'other') and told('kept.txt', mode='r') == 'other'",
        "os.makedirs('instance') or told('instance/db.sqlite', 'x')",
        "os.remove('gone.txt') or os.path.exists('gone.txt') is False",
        "os.chmod('run.sh', 0o700) or os.access('run.sh', os.X_OK)",
        "os.utime('kept.txt', (1, 1)) or os.stat('kept.txt').st_mtime == 1",
        "os.rename('static', 'public') or told('public/old.css', mode='r') == 'old\\n'",
        "shutil.rmtree('dist') or os.mkdir('dist') or os.listdir('dist') == []",
        "all(os.stat(each).st_uid == os.getuid() for each in ['.', 'app.py', 'requirements.txt'])",
    ],
)
def test_a_process_creates_changes_and_deletes_any_file_of_its_release(stage: Stage, what: str) -> None:
    assert stage.asks(f"bool({what})") == "True"
    assert digest(stage.folder) == stage.before


def test_what_one_process_writes_no_other_sees(stage: Stage) -> None:
    assert stage.asks("told('only-mine.txt', 'x')") == "1"
    (stage.data / "seen").unlink()
    seen = until(lambda: (stage.data / "seen").read_text() if (stage.data / "seen").exists() else "")
    assert "kept.txt" in seen
    assert "only-mine.txt" not in seen
    assert layers(stage.panel, stage.release) == ["web", "worker"]


def test_neither_the_raw_layer_nor_the_mount_is_within_reach(stage: Stage) -> None:
    above = stage.panel.work / "native/layers" / stage.release
    place = next(above.glob("web+*"))
    assert stage.asks(f"os.listdir({str(place)!r})").startswith("PermissionError")
    assert stage.asks(f"told({str(place / 'upper/new.txt')!r}, 'x')").startswith("PermissionError")
    assert stage.asks(f"ctypes.CDLL(None).umount2({str(stage.folder)!r}.encode(), 2)") == "-1"
    assert str(stage.folder) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize("whose", ["the neighbour's release", "the panel's data", "the machine's"])
def test_a_link_that_a_build_leaves_in_the_place_of_its_folder_shows_nobody_elses_files(
    stage: Stage, tmp_path: Path, whose: str
) -> None:
    panel, name = stage.panel, f"reader-{len(whose)}"
    places = {
        "the neighbour's release": next(path.parent for path in panel.work.glob("releases/*/*/app.py")),
        "the panel's data": panel.data_dir,
        "the machine's": Path("/etc"),
    }
    files = {"inside/Procfile": "web: cat app.py vault.key shadow; sleep 600\n", "inside/requirements.txt": ""}
    build = f"cd .. && rm -r inside && ln -s {places[whose]} inside"
    given = {"customGitBuildPath": "inside", "buildCommand": build, "healthDeadlineSeconds": 5}
    reader = panel.application(git_repository(tmp_path / "reader", files), name=name, **given)

    row = panel.ended(panel.deploy(reader), 60)

    assert "a symbolic link in the place of its build path 'inside'" in str(row["errorMessage"])
    assert not (panel.work / "releases" / reader / row["deploymentId"]).exists()
    said = panel.deployment_log(row["deploymentId"]) + panel.get("application.readLogs", applicationId=reader)
    assert "cat:" not in said


def test_a_release_command_writes_in_a_layer_of_its_own(stage: Stage) -> None:
    log = stage.panel.deployment_log(stage.release)
    assert f"in {stage.folder}" in log
    assert "by-release" in log
    assert "as 0 " not in log
    assert stage.asks("os.path.exists('by-release')") == "False"
    assert not (stage.folder / "by-release").exists()
    assert "" not in layers(stage.panel, stage.release)


def test_a_secret_that_the_repository_asks_for_is_there_and_shows_nowhere(stage: Stage) -> None:
    secret = stage.asks("os.environ['SECRET_KEY']")
    assert len(secret) >= 50
    log = stage.panel.deployment_log(stage.release)
    assert "signed with " in log
    assert "signed with \n" not in log
    assert secret not in log


def test_no_variable_of_a_user_is_in_force_while_root_makes_the_layer(stage: Stage) -> None:
    owners = {each.stat().st_uid for each in stage.loads.glob("ld.*")}
    assert owners, "programs of the application said what they loaded"
    assert 0 not in owners


def test_nothing_of_it_is_left_after_a_kill(stage: Stage) -> None:
    stage.asks("told('doomed.txt', 'x')")
    old = until(lambda: stage.pid() or 0)
    os.kill(old, signal.SIGKILL)
    until(lambda: stage.pid() not in {None, old}, 20, what="it serves again")
    assert stage.asks("os.path.exists('doomed.txt')") == "False"
    until(lambda: layers(stage.panel, stage.release) == ["web", "worker"], what="the old layer is gone")


def test_whoever_fills_its_layer_is_ended_and_told_and_the_neighbour_serves(stage: Stage) -> None:
    before = until(stage.pid)
    stage.asks("later(lambda: fill('cache', 3000))")
    until(lambda: stage.pid() not in {None, before}, 30, what="it is ended, and started again")
    said = stage.panel.get("application.readLogs", applicationId=stage.writer, tail=1000)
    assert "where a process may write 48 MiB there" in said
    assert f"DATA_DIR, {stage.data}, or raise HEADWAY_APPLICATION_LAYER" in said
    assert stage.panel.visit("neighbour").text == "here"
    assert stage.asks("os.path.exists('cache')") == "False"
    until(lambda: layers(stage.panel, stage.release) == ["web", "worker"], what="the old layer is gone")


def test_it_is_told_where_to_write_and_what_goes(stage: Stage) -> None:
    log = stage.panel.deployment_log(stage.release)
    assert f"DATA_DIR is {stage.data}: what is to stay belongs there." in log
    assert log.index("DATA_DIR is") < log.index("Release command:") < log.index("The new release is healthy.")
    assert "goes to a layer of its own (an overlay; 48 MiB at most, HEADWAY_APPLICATION_LAYER)" in log
    assert stage.asks("os.environ['DATA_DIR'] == os.environ['HOME']") == "True"
    address = stage.panel.get("application.one", applicationId=stage.writer)["address"]
    assert stage.asks("[os.environ['PUBLIC_URL'], os.environ['HEADWAY_PUBLIC_DOMAIN']]") == str(
        [address, "writer.localhost"]
    )
    assert stage.asks("os.environ['SOURCE_COMMIT']") in stage.row["description"]


def test_after_a_stop_neither_a_layer_nor_a_mount_is_left(stage: Stage) -> None:
    stage.panel.post("application.stop", applicationId=stage.writer)
    assert layers(stage.panel, stage.release) == []
    assert not list((stage.panel.work / "native/layers").glob(stage.release))
    assert mounted(stage.folder) == []
    assert digest(stage.folder) == stage.before
    stage.panel.post("application.start", applicationId=stage.writer)
    until(stage.pid, what="it serves again")


def mounted(folder: Path) -> list[str]:
    """The processes of the machine that have something mounted there."""
    found = []
    for each in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found += [each.parent.name] if f" {folder} " in each.read_text() else []
        except OSError:
            continue
    return found
