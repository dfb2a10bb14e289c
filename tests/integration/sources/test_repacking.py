"""Uploads become archives that can be unpacked anywhere, or are refused with a sentence and leave nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from headway.drivers.sources.upload_archive import ArchiveRefused, NoRoomUnpacked, Packed, repack
from headway.features.services.uploads import ArchiveReaders, Archives
from headway.kernel.uploads import Upload
from tests.integration.sources.archives import FILES, entry, link, tar, zipped

MOST = 8 << 20
UID = 61309  # whose processes nobody counts
Make = Callable[[Path], Path]


async def packed(upload: Path, most_bytes: int = MOST) -> tuple[Packed, dict[str, tarfile.TarInfo]]:
    """What is known of the archive, and what it holds."""
    target = upload.with_name("packed.tar")
    found = await repack(upload, target, uid=UID, most_bytes=most_bytes)
    with tarfile.open(target, "r:") as archive:
        return found, {info.name: info for info in archive}


@pytest.mark.parametrize(
    "make",
    [
        lambda path: zipped(path, FILES),
        lambda path: tar(path, FILES),
        lambda path: tar(path, FILES, compressed="xz"),
        lambda path: tar(path, FILES, compressed="bz2"),
        lambda path: tar(path, FILES, compressed=""),
        lambda path: tar(path, {f"./{name}": text for name, text in FILES.items()}),
        lambda path: tar(path, {f"shop-main/{name}": text for name, text in FILES.items()}),
        lambda path: zipped(path, {**{f"shop/{name}": text for name, text in FILES.items()}, "__MACOSX/x": "x"}),
    ],
    ids=["zip", "gz", "xz", "bz2", "tar", "dotted", "one folder around it", "from a Mac"],
)
async def test_an_archive_is_taken_in_the_forms_that_people_send(tmp_path: Path, make: Make) -> None:
    found, held = await packed(make(tmp_path / "upload"))
    assert {name for name, info in held.items() if info.isfile()} == FILES.keys()
    assert found.bytes >= sum(map(len, FILES.values()))


async def test_what_belongs_to_nobody_else_is_kept_of_a_file(tmp_path: Path) -> None:
    run = entry("run.sh", mode=0o755)
    _, held = await packed(tar(tmp_path / "upload", FILES, run, link("web/app.py", "../app.py")))
    assert (held["run.sh"].mode, held["app.py"].mode) == (0o755, 0o644)
    assert (held["app.py"].uid, held["app.py"].mtime) == (0, 1_700_000_000)
    assert held["web/app.py"].linkname == "../app.py"


async def test_a_root_that_the_archive_names_is_kept(tmp_path: Path) -> None:
    root = entry(".", tarfile.DIRTYPE, mode=0o755)
    _, held = await packed(tar(tmp_path / "upload", {"./public/index.html": "x"}, root))
    assert "public/index.html" in held


async def test_a_hard_link_follows_its_file_out_of_the_folder_around_it(tmp_path: Path) -> None:
    same = entry("shop/copy", tarfile.LNKTYPE, target="shop/app.py")
    _, held = await packed(tar(tmp_path / "upload", {"shop/app.py": "print(1)"}, same))
    assert (held["copy"].islnk(), held["copy"].linkname) == (True, "app.py")


REFUSED: dict[str, tuple[Make, str]] = {
    "absolute": (lambda path: tar(path, {"/etc/passwd": "x"}), "absolute path '/etc/passwd'"),
    "absolute in a zip": (lambda path: zipped(path, {"/etc/passwd": "x"}), "absolute path '/etc/passwd'"),
    "drive": (lambda path: zipped(path, {"C:\\x": "x"}), "absolute path"),
    "upwards": (lambda path: tar(path, {"a/../../x": "x"}), "'a/../../x', which leads out"),
    "link out": (lambda path: tar(path, FILES, link("a", "../x")), "'a' leads out of the archive, to '../x'"),
    "absolute link": (lambda path: tar(path, FILES, link("a", "/etc/passwd")), "'a' leads out"),
    "link out by a link": (
        lambda path: tar(path, FILES, link("d/up", ".."), link("out", "d/up/../x")),
        "'out' leads out",
    ),
    "link in a zip": (
        lambda path: zipped(path, {"a": "../../x", **FILES}, {"a": stat.S_IFLNK | 0o777}),
        "'a' leads out",
    ),
    "behind a link": (lambda path: tar(path, {"a/x": "x"}, link("a", "web")), "'a/x' lies below 'a', which is a link"),
    "hard link to nothing": (
        lambda path: tar(path, FILES, entry("a", tarfile.LNKTYPE, target="nothing")),
        "hard link to 'nothing'",
    ),
    "twice": (lambda path: tar(path, {"a": "x"}, link("a", "b")), "holds 'a' twice"),
    "device": (lambda path: tar(path, FILES, entry("a", tarfile.BLKTYPE)), "'a' is a device"),
    "terminal": (lambda path: zipped(path, {"a": ""}, {"a": stat.S_IFCHR | 0o600}), "'a' is a device"),
    "pipe": (lambda path: tar(path, FILES, entry("a", tarfile.FIFOTYPE)), "'a' is a pipe"),
    "setuid": (lambda path: tar(path, FILES, entry("a", mode=0o4755)), "'a' is set to run with its owner's rights"),
    "setuid in a zip": (lambda path: zipped(path, {"a": "x"}, {"a": stat.S_IFREG | 0o4755}), "setuid"),
    "entries": (
        lambda path: tar(path, {}, *(entry(f"f{number}") for number in range(100_001))),
        "more than 100,000 entries",
    ),
    "size": (lambda path: tar(path, FILES, entry("big", size=9 << 20)), "larger than the 8 MiB"),
    "empty": (lambda path: tar(path, {}), "is empty"),
    "nothing": (lambda path: _file(path, b""), "cannot be read"),
    "no archive": (lambda path: _file(path, b"hello, world\n" * 100), "cannot be read"),
    "cut off": (lambda path: _cut(tar(path, {"a": "x" * 100_000}, compressed="")), "cannot be read"),
    "cut off in a zip": (lambda path: _cut(zipped(path, {"a": "x" * 100_000})), "cannot be read"),
    "long name": (lambda path: tar(path, {"a" * 300: "x"}), "more than 255 bytes"),
    "zstd": (lambda path: _file(path, b"\x28\xb5\x2f\xfd" + b"x" * 50), "zip, tar, tar.gz"),
}


@pytest.mark.parametrize(("make", "sentence"), REFUSED.values(), ids=REFUSED)
@pytest.mark.slow
async def test_what_would_do_harm_is_refused_and_leaves_nothing(tmp_path: Path, make: Make, sentence: str) -> None:
    upload = make(tmp_path / "upload")
    with pytest.raises(ArchiveRefused) as caught:
        await packed(upload)
    assert sentence in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]


async def test_a_bomb_is_known_by_how_it_grows(tmp_path: Path) -> None:
    upload = tar(tmp_path / "upload", FILES, entry("zeros", size=80 << 20))
    assert upload.stat().st_size < 1 << 20
    with pytest.raises(ArchiveRefused, match="more than 200 times its size"):
        await packed(upload, most_bytes=1 << 30)


async def test_what_would_take_what_others_need_of_the_disk_is_not_written(tmp_path: Path) -> None:
    upload, target = tar(tmp_path / "upload", FILES, entry("zeros", size=6 << 20)), tmp_path / "packed.tar"
    given = {"uid": UID, "most_bytes": MOST}
    with pytest.raises(NoRoomUnpacked, match=r"takes 6 MiB .*HEADWAY_LEAST_FREE"):
        await repack(upload, target, **given, least_free_bytes=1 << 60)
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]
    await repack(upload, target, **given, least_free_bytes=1)
    assert target.stat().st_size < (6 << 20) + (64 << 10), "what was taken for heads that there are not is given back"


async def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = entry("pax", tarfile.XHDTYPE, size=3 << 30).tobuf(tarfile.GNU_FORMAT)
    upload = _file(tmp_path / "upload", header)
    os.truncate(upload, 3 << 30)  # a file of holes
    with pytest.raises(ArchiveRefused, match=r"cannot be read"):
        await packed(upload)


async def test_a_header_of_some_hundred_megabytes_is_held_by_nobody(tmp_path: Path) -> None:
    header = entry("pax", tarfile.XHDTYPE, size=400 << 20).tobuf(tarfile.GNU_FORMAT)
    upload = tmp_path / "upload"
    with gzip.open(upload, "wb", compresslevel=1) as packed_up:
        packed_up.write(header)
        for _ in range(401):
            packed_up.write(bytes(1 << 20))
    with pytest.raises(ArchiveRefused, match="within the memory"):
        await packed(upload)


@pytest.mark.slow
async def test_as_many_files_as_may_be_are_read_within_that_memory(tmp_path: Path) -> None:
    names = (f"node_modules/a-package-of-some-length/{number % 999}/dist/{number}.js" for number in range(99_990))
    found, _ = await packed(zipped(tmp_path / "upload", dict.fromkeys(names, "x")))
    assert found.bytes == 99_990


@pytest.mark.slow
async def test_few_are_read_at_a_time_and_fewer_of_one_organisation(tmp_path: Path) -> None:
    upload = tar(tmp_path / "upload", {}, *(entry(f"f{number}") for number in range(2_000)))
    archives = Archives(folders=Folders(tmp_path), most_bytes=MOST, least_free_bytes=0, readers=ArchiveReaders())
    seen: dict[str, list[int]] = {"of one": [], "of three": []}
    scores: dict[int, str] = {}

    async def take(number: int, organization: str) -> None:
        path = tmp_path / f"{organization}-{number}"
        shutil.copyfile(upload, path)
        sent = Upload(path=path, name="upload", bytes=path.stat().st_size, digest=str(number))
        await archives.take(f"{organization}-{number}", sent, UID, organization)

    async def watched(what: str, organizations: str) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(take(number, each)) for each in organizations for number in range(3)]
            while not all(task.done() for task in tasks):
                living = readers()
                scores.update(living)
                seen[what].append(len(living))
                await asyncio.sleep(0.02)

    await watched("of one", "a")
    await watched("of three", "bcd")
    assert (max(seen["of one"]), max(seen["of three"])) == (2, 4)
    assert "1000" in scores.values(), "and whoever looks for memory ends these first"


async def test_a_name_is_shown_without_what_a_terminal_would_act_on(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused) as caught:
        await packed(tar(tmp_path / "upload", {"/\x1b[2Jx\n": "x"}))
    assert caught.value.message.isprintable()


@dataclass(frozen=True)
class Folders:
    """Where archives lie, a folder for each service."""

    place: Path

    def archives(self, service_id: str) -> str:
        """One of them."""
        return str(self.place / "kept" / service_id)


def readers() -> dict[int, str]:
    """The processes of ours that read archives, with how soon each is ended where memory is short."""
    found = {}
    for each in Path("/proc/self/task").glob("*/children"):
        for pid in each.read_text().split():
            with contextlib.suppress(OSError):
                if b"repacker.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found[int(pid)] = Path(f"/proc/{pid}/oom_score_adj").read_text().strip()
    return found


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _cut(path: Path) -> Path:
    os.truncate(path, path.stat().st_size // 2)
    return path
