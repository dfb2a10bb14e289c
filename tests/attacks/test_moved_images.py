"""A build server that says more of an image than the one that was asked for names none of another's, and no file."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headway.infra.docker import archive_script
from tests.docker_engine import BASE_IMAGE, Engine

NAME, VICTIM = "headway-p/mine-abc123:r-1", "headway-p/victim-def456:r-7"
LAYER = "blobs/sha256/" + "a" * 64
Json = Any


def archive(files: Mapping[str, Json], *more: tarfile.TarInfo) -> bytes:
    """One as an engine would send it."""
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as tar:
        for entry in more:
            tar.addfile(entry)
        for name, held in files.items():
            content = held if isinstance(held, bytes) else json.dumps(held).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return sent.getvalue()


def through(sent: bytes) -> tuple[int, dict[str, bytes], str]:
    """What is let through: the exit status, the files, and what was said."""
    source = Path(archive_script.__file__).read_text()
    argv = ["/usr/bin/python3", "-I", "-c", source, NAME]
    ended = subprocess.run(argv, input=sent, capture_output=True, check=False, timeout=60)
    files = {}
    if ended.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(ended.stdout)) as tar:
            files = {each.name: held.read() for each in tar if (held := tar.extractfile(each)) is not None}
    return ended.returncode, files, ended.stderr.decode()


def image(*tags: str) -> Json:
    return {"Config": LAYER, "RepoTags": [*tags], "Layers": [LAYER]}


def index(*names: str) -> Json:
    said = [{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": "r-7"} for name in names]
    return {"schemaVersion": 2, "manifests": [{"digest": "sha256:x", "annotations": each} for each in said]}


def test_no_other_name_arrives() -> None:
    sent = archive(
        {
            "manifest.json": [image(NAME, VICTIM, "busybox:latest")],
            "./manifest.json": [image(VICTIM)],
            "x/../index.json": index(f"docker.io/{VICTIM}", "docker.io/library/busybox:latest"),
            "repositories": {"busybox": {"latest": "x"}},
            LAYER: b"layer",
        }
    )
    status, files, said = through(sent)
    assert status == 0, said
    assert b"victim" not in b"".join(files.values())
    assert b"busybox" not in b"".join(files.values())
    assert json.loads(files["manifest.json"])[0]["RepoTags"] == [NAME]
    named = [each["annotations"] for each in json.loads(files["index.json"])["manifests"]]
    own = {"io.containerd.image.name": f"docker.io/{NAME}", "org.opencontainers.image.ref.name": "r-1"}
    assert named == [own, {}]
    assert files[LAYER] == b"layer"


@pytest.mark.parametrize(
    "sent",
    [
        archive({"manifest.json": [image(NAME), image(VICTIM)]}),
        archive({"manifest.json": {"a": 1}}),
        archive({"manifest.json": b"x" * (9 << 20)}),
        archive({"index.json": []}),
        b"no archive at all",
    ],
    ids=["two images", "no list", "too long", "no index", "no archive"],
)
def test_what_is_no_archive_of_one_image_is_refused(sent: bytes) -> None:
    status, _, said = through(sent)
    assert status == 1
    assert "no archive of one image" in said


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_neither_a_link_nor_a_device_stands_for_a_list(kind: bytes) -> None:
    entry = tarfile.TarInfo("manifest.json")
    entry.type, entry.linkname = kind, LAYER
    status, _, said = through(archive({LAYER: [image(VICTIM)]}, entry))
    assert (status, "no plain file" in said) == (1, True)


def test_layers_that_are_links_to_each_other_arrive() -> None:
    entry = tarfile.TarInfo("b/layer.tar")
    entry.type, entry.linkname = tarfile.SYMTYPE, "../a/layer.tar"
    assert through(archive({"manifest.json": [image(NAME)], "a/layer.tar": b"x"}, entry))[0] == 0


@pytest.mark.docker
@pytest.mark.slow
def test_an_engine_that_loads_it_keeps_the_images_of_others(docker_engine: Engine, tmp_path: Path) -> None:
    docker, file = docker_engine.docker, tmp_path / "image.tar"
    docker("tag", BASE_IMAGE, VICTIM)
    container = docker("create", BASE_IMAGE, "true").strip()
    docker("commit", container, NAME)
    docker("rm", container)
    docker("save", f"--output={file}", NAME, VICTIM)
    before = docker("inspect", "--format={{.Id}}", VICTIM)
    with tarfile.open(file) as tar:
        files = {each.name: held.read() for each in tar if (held := tar.extractfile(each)) is not None}
    (mine,) = (each for each in json.loads(files["manifest.json"]) if NAME in each["RepoTags"])
    mine["RepoTags"].append(VICTIM)
    sent = archive({**files, "manifest.json": [mine], "index.json": index(f"docker.io/{VICTIM}")})
    status, let, said = through(sent)
    assert status == 0, said
    docker("rmi", NAME)
    for data, is_taken in ((archive(let), False), (sent, True)):
        file.write_bytes(data)
        docker("load", f"--input={file}")
        assert (docker("inspect", "--format={{.Id}}", VICTIM) != before) is is_taken
    docker("rmi", "--force", NAME, VICTIM)
