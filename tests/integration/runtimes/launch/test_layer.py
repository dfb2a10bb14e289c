"""The layer of a process over its release in each of its forms, with the folders that stay."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.contract.inner_places import InFolder
from headway.drivers.runtimes.launch import layer, overlay
from headway.drivers.runtimes.launch.launcher import BESIDE
from headway.drivers.runtimes.process import record
from headway.drivers.runtimes.process.disks import held_by
from headway.drivers.runtimes.process.layers import Layers
from headway.drivers.runtimes.process.programs import Layout
from headway.infra.hosts import procfs
from headway.kernel.artifacts import Bundle
from headway.kernel.errors import InvalidInput
from tests.integration.runtimes.bench import (
    ACCOUNT,
    PYTHON,
    Work,
    make_runtime,
    make_spec,
    open_folder,
    opened,
    run,
    settle,
)

pytestmark = pytest.mark.root

# Takes the place of a launcher: makes the layer in the form asked for, becomes the account, does what it is told.
LAUNCHER = """
import json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
from headway.drivers.runtimes.launch import layer, overlay
root, form, terms, what = sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), sys.argv[5]
parted = form != "copy" and overlay.part_mounts()
if form == "owners":
    lay_over = layer.lay_over
    def refusing(*given, lent):
        if lent:
            raise OSError("the kernel lends no files")
        return lay_over(*given, lent=False)
    layer.lay_over = refusing
os.chdir(layer.lay(root, "r1", terms, parted=parted))
os.setgroups([]); os.setgid(terms["gid"]); os.setuid(terms["uid"])
exec(what)
"""
# As an account that is not root: says who it is, how its layer was made, what the release holds and what is left.
BY_ITSELF = """
import glob, json, os, sys
sys.path[:0] = [{source!r}]
from headway.drivers.runtimes.launch import layer, overlay
os.mkdir({root!r} + "/release")
open({root!r} + "/release/a", "w").write("before")
if not (pid := os.fork()):
    parted = overlay.part_mounts() if {parted} else False
    os.chdir(layer.lay({root!r}, "r1", {terms!r}, parted=parted))
    open("a", "w").write("after"); os.makedirs("closed/inner"); os.chmod("closed", 0)
    os._exit(0)
os.waitpid(pid, 0)
(place,) = glob.glob({root!r} + "/layers/r1/*")
form = json.load(open(place + "/layer.json"))["form"]
layer.clear(place)
print(os.getuid(), form, open({root!r} + "/release/a").read(), len(glob.glob({root!r} + "/layers/r1/*")))
"""
FORMS = (layer.OVERLAY, layer.OWNERS, layer.COPY)


class Bench:
    """A sealed release, the application's data folder, and processes over them."""

    def __init__(self, root: Path) -> None:
        self.root, self.release, self.home = root, root / "release, odd:name", root / "home"
        for name, text in {"kept.txt": "kept", "var/data/first.txt": "first", "node_modules/a/i.js": "a"}.items():
            path = self.release / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.release / "link").symlink_to("kept.txt")
        (self.release / "away").symlink_to("/etc")
        for path in [self.release, *self.release.rglob("*")]:
            os.chown(path, 0, ACCOUNT, follow_symlinks=False)
            if not path.is_symlink():
                path.chmod(0o750 if path.is_dir() else 0o640)
        self.home.mkdir(mode=0o700)
        os.chown(self.home, ACCOUNT, ACCOUNT)

    def does(
        self,
        form: str,
        what: str,
        root: Path | None = None,
        **terms: Any,  # noqa: ANN401 - JSON
    ) -> subprocess.CompletedProcess[str]:
        """What a process says that works in a layer."""
        settled = {"folder": str(self.release), "uid": ACCOUNT, "gid": ACCOUNT, "home": str(self.home), "keep": []}
        told = {**settled, "program": "web", "app_name": "shop", "bytes": 1 << 20, **terms}
        source = str(Path(layer.__file__).parents[4])
        argv = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            LAUNCHER,
            json.dumps([source]),
            str(root or self.root),
            form,
            json.dumps(told),
            what,
        ]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with open_folder() as folder:
        yield Bench(folder)


@pytest.mark.parametrize("form", FORMS)
def test_in_each_form_the_files_of_a_release_are_the_processs_own_and_stay_as_they_were(
    bench: Bench, form: str
) -> None:
    said = bench.does(
        form,
        "open('kept.txt', 'a').write(' more'); os.utime('kept.txt', (1, 1)); os.chmod('kept.txt', 0o600)\n"
        "open('var/data/new.txt', 'w'); os.remove('var/data/first.txt'); os.remove('link'); os.mkdir('made')\n"
        "print(open('kept.txt').read(), open('node_modules/a/i.js').read(), os.readlink('away'))",
    )
    assert (said.stdout, said.returncode) == ("kept more a /etc\n", 0), said.stderr
    assert ("works in a copy" in said.stderr, "was given to the process" in said.stderr) == (
        form == layer.COPY,
        form == layer.OWNERS,
    )
    assert (bench.release / "kept.txt").read_text() == "kept"
    assert sorted(each.name for each in (bench.release / "var/data").iterdir()) == ["first.txt"]
    assert (bench.release / "link").is_symlink()
    assert not (bench.release / "made").exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_link_in_the_place_of_a_releases_folder_shows_nothing_but_the_release(bench: Bench, form: str) -> None:
    led_out = bench.does(form, "print(os.listdir('.'))", folder=str(bench.release / "away"))
    assert (led_out.stdout, led_out.returncode != 0) == ("", True)
    assert "leads out of the release by a symbolic link" in led_out.stderr
    (bench.release / "inner").symlink_to("var")
    within = bench.does(form, "print(os.listdir('.'), os.listdir('data'))", folder=str(bench.release / "inner"))
    assert within.stdout == "['data'] ['first.txt']\n", within.stderr


@pytest.mark.parametrize("form", FORMS)
def test_a_release_is_all_that_lies_in_its_own_folder_and_not_its_neighbours(bench: Bench, form: str) -> None:
    root, mine = bench.root / "native", bench.root / "releases/mine/r1"
    for folder in (root, mine, bench.root / "releases/others/r2/web"):
        folder.mkdir(parents=True)
    for name, to in {"web": "../../others/r2/web", "up": "..", "own": "."}.items():
        (mine / name).symlink_to(to)
    told = {
        name: bench.does(form, "print('laid')", root, folder=f"{mine}/{name}").stdout
        for name in ("web", "up", "own", ".")
    }
    assert told == {"web": "", "up": "", "own": "laid\n", ".": "laid\n"}


@pytest.mark.parametrize(("form", "changes"), [(layer.OVERLAY, True), (layer.OWNERS, False), (layer.COPY, False)])
def test_what_was_installed_is_changed_only_where_the_kernel_lends_files(
    bench: Bench, form: str, *, changes: bool
) -> None:
    said = bench.does(form, "open('node_modules/a/i.js', 'a').write('b')")
    assert (said.returncode == 0, "PermissionError" in said.stderr) == (changes, not changes)
    added = bench.does(form, "open('node_modules/.cache', 'x')")
    assert (added.returncode == 0) == (form != layer.COPY)
    assert (bench.release / "node_modules/a/i.js").read_text() == "a"
    assert not (bench.release / "node_modules/.cache").exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_kept_folder_begins_as_the_release_has_it_and_stays(bench: Bench, form: str) -> None:
    first = bench.does(
        form, "open('var/data/mine.txt', 'w').write('x'); print(os.listdir('var/data'))", keep=["var/data"]
    )
    assert "first.txt" in first.stdout, first.stderr
    then = bench.does(form, "print(sorted(os.listdir('var/data')))", keep=["var/data"])
    assert then.stdout == "['first.txt', 'mine.txt']\n", then.stderr
    assert (bench.home / "var/data/mine.txt").stat().st_uid == ACCOUNT
    assert not (bench.release / "var/data/mine.txt").exists()


@pytest.mark.parametrize("form", FORMS)
def test_a_kept_folder_that_the_release_has_not_is_made(bench: Bench, form: str) -> None:
    assert bench.does(form, "open('up/loads/a', 'w')", keep=["up/loads"]).returncode == 0
    assert (bench.home / "up/loads/a").exists()


@pytest.mark.parametrize("where", ["release", "home"])
def test_a_kept_folder_leads_nowhere_by_a_link(bench: Bench, where: str) -> None:
    link = (bench.release if where == "release" else bench.home) / "up"
    link.symlink_to("/etc")
    os.chown(link, ACCOUNT, ACCOUNT, follow_symlinks=False)
    said = bench.does(layer.OVERLAY, "print(os.listdir('up'))", keep=["up"])
    assert said.returncode != 0
    assert "It has to be a folder, and no link (" in said.stderr
    assert "passwd" not in said.stdout


@pytest.mark.parametrize("path", ["", "/", "/etc", "..", "a/../b", "a//b", ".", "a\0b"])
def test_only_a_folder_within_the_release_can_be_kept(path: str) -> None:
    with open_folder() as folder, pytest.raises(InvalidInput, match=r"--keep"):
        record.check_spec(make_spec(folder, keep=(path,)))


def test_a_copy_is_no_larger_than_a_layer_may_be(bench: Bench) -> None:
    (bench.release / "large").write_bytes(bytes(2 << 20))
    (bench.release / "large").chmod(0o644)
    said = bench.does(layer.COPY, "print('began')")
    assert (said.returncode == 0, said.stdout) == (False, "")
    assert "larger than HEADWAY_APPLICATION_LAYER lets it be" in said.stderr


@pytest.mark.parametrize("form", [layer.OVERLAY, layer.COPY])
def test_without_root_a_process_has_a_layer_too_and_nothing_of_it_is_left(form: str) -> None:
    with open_folder() as folder:
        os.chown(folder, ACCOUNT, ACCOUNT)
        source = folder / "source"  # a checkout may be closed to others
        for module in (layer, overlay, procfs):
            place = source.joinpath(*module.__name__.split(".")[:-1])
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(module.__file__), place)
        settled = {"folder": f"{folder}/release", "home": str(folder), "keep": [], "program": "web", "app_name": "shop"}
        terms = {**settled, "uid": None, "gid": None, "bytes": 1 << 20}
        script = BY_ITSELF.format(source=str(source), root=str(folder), terms=terms, parted=form == layer.OVERLAY)
        account = ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups")
        said = subprocess.run((*account, PYTHON, "-I", "-S", "-c", script), capture_output=True, text=True, check=False)
        assert said.stdout.split() == [str(ACCOUNT), form, "before", "0"], said.stderr


@pytest.mark.parametrize("form", FORMS)
def test_what_a_dead_process_has_left_is_taken_away(bench: Bench, form: str) -> None:
    assert bench.does(form, "open('made', 'w')").returncode == 0
    assert len(list(bench.root.glob("layers/r1/web+*"))) == 1
    Layers(layout=Layout(root=bench.root)).watch()
    assert list(bench.root.glob("layers/*")) == []


def test_a_layer_begins_while_folders_in_which_nothing_is_left_are_taken_away(tmp_path: Path) -> None:
    ended = threading.Event()

    def clear() -> None:
        while not ended.wait(0.0001):  # without a pause the two threads may fall into step
            with suppress(OSError):
                (tmp_path / "layers/r1").rmdir()

    clearing = threading.Thread(target=clear)
    clearing.start()
    try:
        for _ in range(2000):
            Path(layer.own_folder(str(tmp_path), "r1", "web")).rmdir()
    finally:
        ended.set()
        clearing.join()


def test_no_depth_keeps_a_layer_from_being_counted_or_taken_away(bench: Bench) -> None:
    digs = "for _ in range(3000): os.mkdir('d'); os.chdir('d')\nopen('large', 'wb').write(bytes(1 << 20))"
    assert bench.does(layer.OVERLAY, digs).returncode == 0
    (place,) = bench.root.glob("layers/r1/web+*")
    assert held_by(str(place / "upper")) > 1 << 40
    Layers(layout=Layout(root=bench.root)).watch()
    assert list(bench.root.glob("layers/*")) == []


def test_the_next_copy_of_a_process_takes_away_what_the_last_has_left_without_a_panel(bench: Bench) -> None:
    for _ in range(3):
        assert bench.does(layer.OVERLAY, "open('made', 'x')").returncode == 0
    assert len(list(bench.root.glob("layers/r1/web+*"))) == 1


async def test_something_beside_a_release_has_a_layer_of_its_own_its_variables_and_its_input() -> None:
    with open_folder() as folder:
        async with opened(make_runtime(folder)) as runtime:
            spec = make_spec(
                folder, port=None, health=settle(0.1), processes={"web": "exec sleep 600"}, env={"A": "s'1"}
            )
            await run(runtime, Work(), spec)
            place = await runtime.inside(spec.release_id)
            assert isinstance(place, InFolder)
            script = b"import os; open('made', 'x'); print(os.environ['A'], os.getuid(), os.getcwd())"
            command = place.command((PYTHON, "-"), text=script, seconds=10, silent_seconds=10)
            argv = command.stages[0].argv
            assert BESIDE in argv
            assert not any("s'1" in word for word in argv)
            ended = subprocess.run(argv, input=command.stdin, env=command.env, cwd="/", capture_output=True, check=True)
            assert ended.stdout.decode().split() == ["s'1", str(ACCOUNT), spec.bundle.folder]
            assert not (Path(spec.bundle.folder) / "made").exists()


async def test_each_copy_of_a_process_has_a_layer_of_its_own_and_a_static_site_none() -> None:
    with open_folder() as folder:
        async with opened(make_runtime(folder)) as runtime:
            line = 'ls > "$DATA_DIR/$HEADWAY_PROCESS.seen"; touch "$HEADWAY_PROCESS.mine"; exec sleep 600'
            spec = make_spec(folder, port=None, health=settle(0.3), processes={"one": line, "two": line})
            work = Work()
            await run(runtime, work, spec)
            places = list((folder / "runtime/layers" / spec.release_id).iterdir())
            assert sorted(each.name.partition("+")[0] for each in places) == ["one", "two"]
            assert not list(Path(spec.bundle.folder).glob("*.mine"))
            assert "goes to a layer of its own (an overlay; 1024 MiB at most" in work.lines[-1]
            await runtime.stop(spec.release_id)
            assert not list((folder / "runtime/layers").iterdir())


def test_programs_are_told_of_the_virtual_environment_and_of_nothing_else() -> None:
    with open_folder() as folder:
        bundle = Bundle(folder="/release", path=(".headway/bin", ".venv/bin"))
        assert record.told_variables(make_spec(folder, bundle=bundle)) == {"VIRTUAL_ENV": "/release/.venv"}
        told = make_spec(
            folder, bundle=Bundle(folder="/release", path=("node_modules/.bin",)), told={"PUBLIC_URL": "u"}
        )
        assert record.told_variables(told) == {"PUBLIC_URL": "u"}


@pytest.mark.parametrize("form", FORMS)
def test_no_layer_is_laid_over_a_folder_that_a_build_can_still_change(bench: Bench, form: str) -> None:
    root, above = bench.root / "native", bench.root / "releases/mine/r1/a"
    for folder in (root, above / "inside"):
        folder.mkdir(parents=True)
    assert bench.does(form, "print('laid')", root, folder=f"{above}/inside").stdout == "laid\n"
    for owner, mode in ((ACCOUNT, 0o750), (0, 0o770), (0, 0o752)):
        os.chown(above, owner, ACCOUNT)
        above.chmod(mode)
        assert "not closed to its build" in bench.does(form, "print('laid')", root, folder=f"{above}/inside").stderr
