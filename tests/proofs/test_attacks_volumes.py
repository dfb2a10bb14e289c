"""The attacks by a kept file that somebody has made himself, on a server."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

import pytest

from tests.attacks.test_volume_restores import added, listing, made, restored
from tests.e2e.test_applications_servers import connected
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import Panel, git_repository, web

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]


def test_nothing_but_files_of_the_application_comes_of_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with connected(tmp_path_factory.mktemp("volumes")) as site:
        folder = tmp_path_factory.mktemp("repository")
        application_id = site.application(git_repository(folder, web("one")), "kept")
        site.panel.done(site.panel.deploy(application_id), 120)
        data = next((site.server.root / "var/lib/headway").glob("*.work")) / "data" / application_id
        own = {"applicationId": application_id, "volumeName": "data"}
        _no_device(site.panel, data, own)
        _no_rights(site.panel, data, own)
        _nothing_outside(site.panel, data, own)
        assert data.stat().st_uid != 0


def _no_device(panel: Panel, data: Path, own: dict[str, str]) -> None:
    before = listing(data).keys()
    for kind in (tarfile.BLKTYPE, tarfile.CHRTYPE):

        def fill(tar: tarfile.TarFile, kind: bytes = kind) -> None:
            added(tar, "./first")
            tar.addfile(made("./disk", kind, devmajor=7, devminor=0, uid=data.stat().st_uid, mode=0o666))

        row, _ = restored(panel, fill, **own)
        assert (row["status"], "disk" in row["errorMessage"]) == ("error", True), row
        assert listing(data).keys() == before


def _no_rights(panel: Panel, data: Path, own: dict[str, str]) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        added(tar, "./suid", b"#!/bin/sh\n", mode=0o6755)
        tar.addfile(made("./pipe", tarfile.FIFOTYPE, mode=0o666))
        added(tar, "./others", uid=12345, gid=0)

    row, log = restored(panel, fill, **own)
    assert row["status"] == "done", log
    found = listing(data)
    assert "pipe" not in found
    assert not found["suid"].st_mode & (stat.S_ISUID | stat.S_ISGID)
    assert {each.st_uid for each in found.values()} == {data.stat().st_uid}


def _nothing_outside(panel: Panel, data: Path, own: dict[str, str]) -> None:
    outside = data.parent / "outside"

    def fill(tar: tarfile.TarFile) -> None:
        tar.addfile(made("./way", tarfile.SYMTYPE, linkname=".."))
        added(tar, "./way/outside")

    restored(panel, fill, **own)
    assert not os.path.lexists(outside)
