"""What every host promises about files and folders."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from headway.infra.hosts.base import (
    FileFailed,
    Host,
    LeadsOutside,
)
from headway.infra.hosts.command import Account
from headway.kernel.errors import Conflict
from tests.contract.host_forms import Form


async def test_files_are_written_read_moved_and_removed(form: Form, host: Host) -> None:
    folder = str(form.folder / "a/b/c")
    await host.make_folder(folder)
    await host.make_folder(folder)
    await host.write_file(f"{folder}/one", b"first")
    await host.write_file(f"{folder}/one", b"second\0", lasting=False)
    assert await host.read_file(f"{folder}/one") == b"second\0"
    assert await host.read_file(f"{folder}/one", 3) == b"sec"
    assert await host.read_file(f"{folder}/two") is None
    assert await host.read_file(f"{folder}/one/two") is None
    assert await host.read_file(folder) is None
    await host.rename(folder, f"{form.folder}/moved")
    assert await host.read_file(f"{form.folder}/moved/one") == b"second\0"
    await host.remove_tree(f"{form.folder}/moved")
    await host.remove_tree(f"{form.folder}/moved")
    assert await host.read_file(f"{form.folder}/moved/one") is None
    assert await host.free_bytes(str(form.folder)) > 0


async def test_the_files_of_a_folder_are_removed_by_the_beginning_of_their_names(form: Form, host: Host) -> None:
    folder = form.folder / "folder"
    (folder / "tmp_folder").mkdir(parents=True)
    (form.folder / "tmp_outside").write_text("kept")
    for name in ("tmp_one", "tmp_two", "other", "tmp_folder/tmp_below"):
        (folder / name).write_text("x")
    (folder / "tmp_link").symlink_to(form.folder / "tmp_outside")
    (form.folder / "by_link").symlink_to(folder)

    await host.remove_files(str(folder), "tmp_")
    await host.remove_files(str(folder), "tmp_")
    await host.remove_files(str(form.folder / "missing"), "tmp_")

    assert sorted(path.name for path in folder.rglob("*")) == ["other", "tmp_below", "tmp_folder"]
    assert (form.folder / "tmp_outside").read_text() == "kept"
    with pytest.raises(FileFailed, match=r"Cannot remove files from .*/by_link"):
        await host.remove_files(str(form.folder / "by_link"), "other")


async def test_nothing_is_moved_over_something(form: Form, host: Host) -> None:
    await host.make_folder(f"{form.folder}/old")
    await host.make_folder(f"{form.folder}/new")
    with pytest.raises(Conflict, match="exists already"):
        await host.rename(f"{form.folder}/new", f"{form.folder}/old")


async def test_a_file_that_cannot_be_written_says_which_and_why(form: Form, host: Host) -> None:
    with pytest.raises(FileFailed, match=r"Cannot write .*/missing/file: No such file or directory\."):
        await host.write_file(f"{form.folder}/missing/file", b"x")


async def test_reading_below_a_folder_is_not_led_outside(form: Form, host: Host) -> None:
    top = form.folder / "workspace"
    (top / "sub").mkdir(parents=True)
    (form.folder / "key").write_text("secret")
    (top / "file").write_text("plain")
    (top / "inside").symlink_to("sub/../file")
    (top / "whole").symlink_to(top / "file")
    (top / "sub/up").symlink_to("../../key")
    (top / "outside").symlink_to(form.folder / "key")
    (top / "out").symlink_to("..")
    (top / "loop").symlink_to("loop")
    for name in ("file", "inside", "whole", "sub/../file"):
        assert await host.read_file(f"{top}/{name}", below=str(top)) == b"plain"
    for name in ("sub/up", "outside", "out/key", "../key", "loop"):
        with pytest.raises(LeadsOutside):
            await host.read_file(f"{top}/{name}", below=str(top))
        with pytest.raises(LeadsOutside) as said:
            await host.read_files([f"{top}/file", f"{top}/{name}"], below=str(top))
        assert said.value.path == f"{top}/{name}"
    several = [f"{top}/{name}" for name in ("file", "missing", "sub", "inside")]
    assert await host.read_files(several, 3, below=str(top)) == [b"pla", None, None, b"pla"]
    assert await host.read_file(f"{top}/missing", below=str(top)) is None
    assert await host.read_file(f"{top}/sub", below=str(top)) is None


async def test_a_folder_whose_owner_put_a_link_there_is_neither_read_nor_written(form: Form, host: Host) -> None:
    (form.folder / "private").mkdir()
    (form.folder / "private" / "key").write_text("secret")
    theirs = form.folder / "theirs"
    theirs.symlink_to("private")
    with pytest.raises(FileFailed, match=r"Cannot read .*/theirs/key: Not a directory\."):
        await host.read_file(f"{theirs}/key", below=str(theirs))
    with pytest.raises(FileFailed, match=r"Cannot write .*/theirs/key: "):
        await host.write_file(f"{theirs}/key", b"theirs", owner=Account(uid=os.geteuid(), gid=os.getegid()))
    assert (form.folder / "private" / "key").read_text() == "secret"
    assert await host.read_file(f"{form.folder}/missing/key", below=f"{form.folder}/missing") is None


async def test_a_stamp_changes_with_what_is_there_and_with_what_a_folder_has(form: Form, host: Host) -> None:
    folder, file, link = form.folder / "folder", form.folder / "folder/file", form.folder / "link"
    folder.mkdir()
    file.write_text("one")
    link.symlink_to(file)
    paths = [str(each) for each in (folder, file, link, form.folder / "none", file / "below")]
    first = await host.stamps(paths)
    assert await host.stamps(paths) == first
    assert [bool(each) for each in first] == [True, True, True, False, False]
    assert [int(each.rpartition(":")[2]) for each in first[:3]] == [
        int(each.lstat().st_ctime) for each in (folder, file, link)
    ]
    await asyncio.sleep(max(0.0, int(folder.stat().st_ctime) + 1.1 - time.time()))  # a stamp tells seconds apart
    file.chmod(0o700)
    link.unlink()
    link.symlink_to(folder)
    (folder / "more").mkdir()
    second = await host.stamps(paths)
    assert [was == now for was, now in zip(first, second, strict=True)] == [False, False, False, True, True]


async def test_files_are_listed_those_near_first_and_no_link_is_followed(form: Form, host: Host) -> None:
    top = form.folder / "tree"
    for name in ("near", "a/b/deep", "a/.git/config", "a/b/c/too deep", "with space\nand line/\u00fc"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("four")
    (top / "out").symlink_to(form.folder)
    (top / "a/file").symlink_to("../near")
    os.mkfifo(top / "pipe")
    listing = await host.list_files(str(top), without=[".git"], deepest=3)
    assert not listing.is_cut
    found = {each.name: (each.target, each.size) for each in listing.files}
    assert found == {
        "near": (None, 4),
        "out": (str(form.folder), len(str(form.folder))),
        "a/file": ("../near", 7),
        "with space\nand line/\u00fc": (None, 4),
        "a/b/deep": (None, 4),
    }
    assert [each.name.count("/") for each in listing.files] == sorted(each.name.count("/") for each in listing.files)
    with pytest.raises(FileFailed, match=r"Cannot look into .*/none"):
        await host.list_files(f"{top}/none", without=[], deepest=3)


async def test_a_tree_without_end_is_listed_in_part(form: Form, host: Host) -> None:
    top = form.folder / "many"
    below = top.joinpath(*["z" * 200] * 4)
    below.mkdir(parents=True)
    for number in range(1_500):
        (below / str(number)).touch()
    (top / "file").write_text("")
    listing = await host.list_files(str(top), without=[], deepest=8)
    assert listing.is_cut
    assert listing.files[0].name == "file"
    assert 1 < len(listing.files) < 1_500
