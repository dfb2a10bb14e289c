"""A kept file that somebody has made himself is restored: nothing comes of it but files of the service's own."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.storages import packer
from tests.support.docker.compose import SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, git_repository, panel, web
from tests.support.storages.backups import Volumes

Json = Any
Filled = Callable[[tarfile.TarFile], None]
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="volumes hold files of many accounts: needs root"),
]
SECRET = "only-for-root"


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Panel, str, Path]]:
    folder = tmp_path_factory.mktemp("native")
    url = git_repository(folder / "repository", web("one"))
    with panel(folder / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as running:
        application_id = running.application(url, "kept")
        running.done(running.deploy(application_id), 60)
        yield running, application_id, running.work / "data" / application_id


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of root's with a secret."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    return tmp_path


def made(name: str, kind: bytes = tarfile.REGTYPE, **fields: Json) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = kind, 0o755, 0, 0
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def added(tar: tarfile.TarFile, name: str, content: bytes = b"x", **fields: Json) -> None:
    tar.addfile(made(name, size=len(content), **fields), io.BytesIO(content))


def packed(fill: Filled) -> bytes:
    """A kept file as Headway would have written it, with what somebody else has put in it."""
    tar, kept = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as opened:
        opened.addfile(made(".", tarfile.DIRTYPE))
        fill(opened)
    header = json.dumps({"engine": "tar", "deployment": "x", "format": 1})
    packer.pack(io.BytesIO(tar.getvalue()), kept, header.encode())
    return kept.getvalue()


def restored(running: Panel, fill: Filled, volume: str | None = None, **service: Json) -> tuple[Json, str]:
    """The restore of such a file, once it has ended, and its log."""
    volumes = Volumes(running)
    made_ = volumes.make(**service)
    destination_id = running.get("volumeBackups.one", volumeBackupId=made_)["destinationId"]
    folder = running.data_dir / "backups" / destination_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "crafted").write_bytes(packed(fill))
    row = volumes.restore(made_, "crafted", volume)
    return row, running.deployment_log(row["deploymentId"])


def listing(folder: Path) -> dict[str, os.stat_result]:
    return {str(each.relative_to(folder)): each.lstat() for each in sorted(folder.rglob("*"))}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [tarfile.BLKTYPE, tarfile.CHRTYPE], ids=["block", "character"])
def test_no_device_is_made(native: tuple[Panel, str, Path], kind: bytes) -> None:
    running, application_id, data = native
    before = listing(data)

    def fill(tar: tarfile.TarFile) -> None:
        added(tar, "./first")
        tar.addfile(made("./disk", kind, devmajor=7, devminor=0, uid=data.stat().st_uid, mode=0o666))

    row, log = restored(running, fill, applicationId=application_id, volumeName="data")
    assert (row["status"], "disk" in row["errorMessage"]) == ("error", True), row
    assert "The backup has devices of a machine in it, which are made for nobody: ./disk." in log
    assert listing(data).keys() == before.keys(), "nothing was touched"


@pytest.mark.slow
def test_a_native_folder_is_the_applications_whatever_the_file_says(native: tuple[Panel, str, Path]) -> None:
    running, application_id, data = native
    account = running.work.joinpath("data", application_id).stat().st_uid
    assert account != 0

    def fill(tar: tarfile.TarFile) -> None:
        added(tar, "./suid", b"#!/bin/sh\n", mode=0o6755)
        tar.addfile(made("./sticky", tarfile.DIRTYPE, mode=0o7777))
        tar.addfile(made("./pipe", tarfile.FIFOTYPE, mode=0o666))
        added(tar, "./others", uid=12345, gid=0)
        added(tar, "./named", pax_headers={"uname": "root", "SCHILY.xattr.user.x": "y"})
        tar.addfile(made("./suid2", tarfile.LNKTYPE, linkname="./suid", mode=0o4755))

    row, log = restored(running, fill, applicationId=application_id, volumeName="data")
    assert row["status"] == "done", log
    found = listing(data)
    assert found.keys() == {"suid", "sticky", "others", "named", "suid2"}
    assert {(each.st_uid, each.st_gid) for each in (data.lstat(), *found.values())} == {(account, account)}
    assert not [name for name, each in found.items() if each.st_mode & 0o6000], "no right of anybody's comes along"
    assert "The pipe pipe is left out." in log
    assert "The file suid loses its setuid bit." in log


LINK, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
UP = "../" * 30
# Files that lead out of the folder, each in its own way: the entries by name, type and the rest; HERE is outside.
LINKS: dict[str, list[tuple[str, bytes, dict[str, Json]]]] = {
    "through a link": [("./way", LINK, {"linkname": "HERE"}), ("./way/planted", tarfile.REGTYPE, {})],
    "through two": [
        ("./a", LINK, {"linkname": "HERE"}),
        ("./b", LINK, {"linkname": "a"}),
        ("./b/planted", tarfile.REGTYPE, {}),
    ],
    "a folder becomes a link": [
        ("./way", FOLDER, {}),
        ("./way/first", tarfile.REGTYPE, {}),
        ("./way", LINK, {"linkname": "HERE"}),
        ("./way/planted", tarfile.REGTYPE, {}),
    ],
    "absolute": [("HERE/planted", tarfile.REGTYPE, {})],
    "upwards": [(f"./{UP}HERE/planted", tarfile.REGTYPE, {})],
    "hard": [("./stolen", HARD, {"linkname": "HERE/secret"})],
    "hard upwards": [("./stolen", HARD, {"linkname": f"{UP}HERE/secret"})],
    "hard through a link": [("./way", LINK, {"linkname": "HERE"}), ("./stolen", HARD, {"linkname": "./way/secret"})],
    "hard to a link": [("./way", LINK, {"linkname": "HERE/secret"}), ("./stolen", HARD, {"linkname": "./way"})],
    "pax path": [("./x", tarfile.REGTYPE, {"pax_headers": {"path": "HERE/planted"}})],
    "sparse": [
        ("./y", tarfile.REGTYPE, {"pax_headers": {"GNU.sparse.name": "HERE/planted", "GNU.sparse.major": "1"}}),
    ],
    "owner through a link": [("./way", LINK, {"linkname": "HERE/secret", "mode": 0o4777, "uid": 7})],
    "folder through a link": [
        ("./way", LINK, {"linkname": "HERE"}),
        ("./way/.", FOLDER, {"mode": 0o777, "uid": 7}),
    ],
}


def leading_out(outside: Path) -> Filled:
    """All of them, each in a folder of its own."""

    def there(value: Json, number: int) -> Json:
        if isinstance(value, dict):
            return {name: there(each, number) for name, each in value.items()}
        if not isinstance(value, str):
            return value
        below = f"./{number}/{value.removeprefix('./')}" if value.startswith("./") else value
        return below.replace("HERE", str(outside))

    def fill(tar: tarfile.TarFile) -> None:
        for number, way in enumerate(LINKS.values()):
            for name, kind, fields in way:
                if kind == tarfile.REGTYPE:
                    added(tar, there(name, number), **there(fields, number))
                else:
                    tar.addfile(made(there(name, number), kind, **there(fields, number)))
        added(tar, "./last")

    return fill


def is_untouched(outside: Path, data: Path) -> bool:
    secret = (outside / "secret").lstat()
    plain = [each for each in data.rglob("*") if stat.S_ISREG(each.lstat().st_mode)]
    return (
        [each.name for each in outside.iterdir()] == ["secret"]
        and outside.stat().st_uid == 0
        and (secret.st_uid, stat.S_IMODE(secret.st_mode), secret.st_nlink) == (0, 0o600, 1)
        and SECRET.encode() not in [each.read_bytes() for each in plain]
    )


@pytest.mark.slow
def test_nothing_outside_of_a_native_folder_is_reached(native: tuple[Panel, str, Path], outside: Path) -> None:
    running, application_id, data = native
    row, log = restored(running, leading_out(outside), applicationId=application_id, volumeName="data")
    assert is_untouched(outside, data.parent), (row, log)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[tuple[Panel, Stack, Path]]:
    with panel_with_engine(tmp_path_factory.mktemp("volumes") / "data", docker_engine) as running:
        made_ = stack(running, docker_engine, "volume shop")
        made_.change(composeFile=as_file({"kept": {}}, db={**SLEEPS, "volumes": ["kept:/kept"]}))
        running.done(made_.begin(), 90)
        name = f"{made_.one()['appName']}_kept"
        yield running, made_, Path(json.loads(docker_engine.docker("volume", "inspect", name))[0]["Mountpoint"])
        running.post("compose.delete", composeId=made_.compose_id, deleteVolumes=True)


@pytest.mark.docker
def test_a_containers_volume_gets_its_files_back_and_no_device(shop: tuple[Panel, Stack, Path]) -> None:
    running, made_, folder = shop

    def device(tar: tarfile.TarFile) -> None:
        tar.addfile(made("./disk", tarfile.BLKTYPE, devmajor=7, devminor=0, mode=0o666))

    def plain(tar: tarfile.TarFile) -> None:
        added(tar, "./suid", mode=0o4755, uid=999, gid=998)
        tar.addfile(made("./pipe", tarfile.FIFOTYPE, uid=999))

    row, log = restored(running, device, composeId=made_.compose_id, volumeName="kept")
    assert (row["status"], "made for nobody: ./disk" in log) == ("error", True), log
    row, log = restored(running, plain, composeId=made_.compose_id, volumeName="kept")
    assert row["status"] == "done", log
    found = listing(folder)
    assert (found["suid"].st_uid, found["suid"].st_gid, stat.S_IMODE(found["suid"].st_mode)) == (999, 998, 0o4755)
    assert stat.S_ISFIFO(found["pipe"].st_mode)


# chown, dac_override, fowner and fsetid by their numbers: what it takes to give files back to their owners.
FILLING = sum(1 << number for number in (0, 1, 3, 4))


@contextmanager
def seen(word: str) -> Iterator[list[dict[str, str]]]:
    """What the kernel says of each program of this name that fills a folder meanwhile."""
    found: dict[int, dict[str, str]] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.002):
            for each in Path("/proc").glob("[1-9]*"):
                with suppress(OSError):
                    words = (each / "cmdline").read_bytes().split(b"\0")
                    if words[:2] == [b"tar", b"--extract"] and any(word.encode() in part for part in words):
                        lines = (each / "status").read_text().splitlines()
                        found[int(each.name)] = dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    looking = threading.Thread(target=look)
    looking.start()
    programs: list[dict[str, str]] = []
    try:
        yield programs
    finally:
        over.set()
        looking.join()
        programs.extend(found.values())


def large(tar: tarfile.TarFile) -> None:
    """It takes a while to write."""
    added(tar, "./large", bytes(256 << 20), uid=999)


def rights(program: dict[str, str]) -> tuple[int, ...]:
    """Those in force, those that there can ever be, those that are kept, and whether a program can bring others."""
    return (
        *(int(program[each], 16) for each in ("CapEff", "CapBnd", "CapPrm", "CapInh", "CapAmb")),
        int(program["NoNewPrivs"]),
    )


@pytest.mark.docker
def test_what_fills_a_volume_has_four_rights_of_roots_and_gets_no_other(shop: tuple[Panel, Stack, Path]) -> None:
    running, made_, folder = shop
    with seen(folder.parent.name) as programs:
        row, log = restored(running, large, composeId=made_.compose_id, volumeName="kept")
    assert row["status"] == "done", log
    print(programs and {name: programs[-1][name] for name in ("Name", "Uid", "CapEff", "CapBnd", "NoNewPrivs")})
    assert {rights(each) for each in programs} == {(FILLING, FILLING, FILLING, 0, 0, 1)}


@pytest.mark.slow
def test_what_fills_a_native_folder_has_no_right_at_all(native: tuple[Panel, str, Path]) -> None:
    running, application_id, data = native
    with seen(data.name) as programs:
        row, log = restored(running, large, applicationId=application_id, volumeName="data")
    assert row["status"] == "done", log
    assert {(each["Uid"].split()[1], rights(each)[0], rights(each)[2]) for each in programs} == {
        (str(data.stat().st_uid), 0, 0)
    }


@pytest.mark.docker
def test_nothing_outside_of_a_volume_is_reached(shop: tuple[Panel, Stack, Path], outside: Path) -> None:
    running, made_, folder = shop
    for volume in (None, "again"):
        row, log = restored(running, leading_out(outside), volume, composeId=made_.compose_id, volumeName="kept")
        assert is_untouched(outside, folder.parent), (row, log)
