"""Whether what paths lead to can be exchanged, on real folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path as Folder

import pytest

from headway.drivers.runtimes.compose.footing import Exchangeable, require
from headway.drivers.runtimes.compose.policy import Path, Use
from headway.drivers.runtimes.contract.machine import OwnMachine

Written = tuple[str, bool]


def mount(own: Folder, path: str, *, writable: bool = True, use: Use = Use.MOUNT) -> Path:
    return Path(path=f"{own}/{path}", use=use, where="a mount of web", writable=writable)


@pytest.fixture
def own(tmp_path: Folder) -> Folder:
    for folder in ("files/f/x/deep", "files/other", "release/conf"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "files/f/file").touch()
    (tmp_path / "release/link").symlink_to("../files/f/x")
    (tmp_path / "release/same").symlink_to("../files/f")
    (tmp_path / "release/plain").symlink_to("conf")
    (tmp_path / "release/absolute").symlink_to(tmp_path / "files/f/x")
    (tmp_path / "release/out").symlink_to("/etc")
    (tmp_path / "release/round").symlink_to("round")
    return tmp_path


@pytest.mark.parametrize(
    ("outer", "inner", "refused"),
    [
        ("files", "files/f", True),
        ("files/f", "files/f", False),
        ("files/f", "files/other", False),
        ("files/f", "files/f/x/deep", True),
        ("files/f", "files/f/none", True),
        ("files/f", "files/fx", False),
        ("files/f", "release/link", True),
        ("files/f", "release/absolute", True),
        ("files/f/x", "release/link", False),
        ("release/same", "files/f/x", True),
        ("release/same", "release/link", True),
        ("files/f", "release/same/x", True),
        ("files/f", "release/plain", False),
        ("files/none", "files/none/x", True),
        ("files/f", "release/../files/f/x", True),
        ("files/f/file", "files/f/file", False),
        ("release", "release/plain", True),
    ],
)
async def test_no_path_leads_through_a_folder_that_is_written_to(
    own: Folder, outer: str, inner: str, *, refused: bool
) -> None:
    writes, reads = mount(own, outer), mount(own, inner, writable=False)
    for asked, beside in (([writes, reads], []), ([reads], [writes]), ([writes], [reads])):
        if refused:
            with pytest.raises(Exchangeable, match="put a link to anything"):
                await require(OwnMachine(), str(own), asked, beside)
        else:
            await require(OwnMachine(), str(own), asked, beside)
    await require(OwnMachine(), str(own), [mount(own, outer, writable=False), reads], [reads])


async def test_files_are_held_against_it_as_mounts_are(own: Folder) -> None:
    secret = mount(own, "files/f/file", use=Use.FILE)
    with pytest.raises(Exchangeable, match=r"uses \.\./files/f/file .* within \.\./files/f, a folder"):
        await require(OwnMachine(), str(own), [secret], [mount(own, "files/f")])


@pytest.mark.parametrize("path", ["release/out", "release/out/passwd", "release/round", "../x", "files/../../x"])
async def test_what_leads_out_is_refused(own: Folder, path: str) -> None:
    with pytest.raises(Exchangeable, match="leads out of its files"):
        await require(OwnMachine(), str(own), [mount(own, path)], [])


async def test_what_lies_elsewhere_is_not_judged_here(own: Folder) -> None:
    everything = Path(path="/", use=Use.MOUNT, where="a mount of web", writable=True)
    await require(OwnMachine(), str(own), [everything, mount(own, "files/f")], [everything])


async def test_another_name_of_a_folder_hides_nothing(own: Folder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder that was moved by somebody who was let do that before is the same folder."""
    (own / "files/f").rename(own / "files/moved")
    (own / "files/f").symlink_to("moved")
    with pytest.raises(Exchangeable):
        await require(OwnMachine(), str(own), [mount(own, "files/moved/x")], [mount(own, "files/f")])


async def test_of_a_container_that_writes_to_what_it_is_built_of_read_only_is_the_way_out(own: Folder) -> None:
    code, built = mount(own, "release"), mount(own, "release/Dockerfile", use=Use.FILE)
    with pytest.raises(Exchangeable, match=r"Make a mount of web of \.\./release read only \(:ro") as refused:
        await require(OwnMachine(), str(own), [code, built], [])
    assert str(refused.value).index(":ro") < str(refused.value).index("Give such containers")
    await require(OwnMachine(), str(own), [replace(code, writable=False), built], [])


async def test_read_only_is_no_way_out_where_it_is_not_enough(own: Folder) -> None:
    code, built = mount(own, "release"), mount(own, "release/Dockerfile", use=Use.FILE)
    nested = [mount(own, "files"), mount(own, "files/f")]
    for asked, beside in (([code, built, *nested], []), ([built], [code]), ([code, built, mount(own, "x")], [code])):
        with pytest.raises(Exchangeable) as refused:
            await require(OwnMachine(), str(own), asked, beside)
        assert ":ro" not in str(refused.value)
