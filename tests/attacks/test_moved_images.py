"""A build server that says more of an image than the one that was asked for names none of another's, and no file."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from headway.infra.docker import archive_script
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

NAME, VICTIM = "headway-p/mine-abc123:r-1", "headway-p/victim-def456:r-7"
LAYER, DIGEST, KIND = "blobs/sha256/" + "a" * 64, "sha256:" + "b" * 64, "application/vnd.oci.image.index.v1+json"
Json = Any


def archive(files: Mapping[str, Json], *more: tarfile.TarInfo, after: Sequence[tarfile.TarInfo] = ()) -> bytes:
    """One as an engine would send it, ``more`` before its files."""
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as tar:
        for each in more:
            tar.addfile(each, io.BytesIO(b"x" * each.size))
        for name, held in files.items():
            content = held if isinstance(held, bytes) else json.dumps(held).encode()
            # Said twice: engines and Python's writer believe the extended header.
            tar.addfile(entry(name, size=len(content), said={"size": str(len(content))}), io.BytesIO(content))
        for each in after:
            tar.addfile(each)
    return sent.getvalue()


def entry(
    path: str, kind: bytes = tarfile.REGTYPE, link: str = "", *, size: int = 0, said: Mapping[str, str] | None = None
) -> tarfile.TarInfo:
    """One of an archive, and what is ``said`` of it by an extended header."""
    made = tarfile.TarInfo(path)
    made.type, made.linkname, made.size, made.pax_headers = kind, link, size, dict(said or {})
    return made


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
    manifests = [{"mediaType": KIND, "digest": DIGEST, "size": 7, "annotations": each} for each in said]
    return {"schemaVersion": 2, "mediaType": KIND, "manifests": manifests}


def test_an_image_arrives_as_engines_save_it() -> None:
    """Those that keep images themselves and those that leave it to containerd, with what each has of its own."""
    platform = {"architecture": "arm64", "os": "linux", "variant": "v8"}
    layout = index(f"docker.io/{NAME}")
    layout["manifests"][0] |= {"platform": platform}
    more = {"Parent": DIGEST, "LayerSources": {DIGEST: {"mediaType": KIND, "size": 1, "digest": DIGEST}}}
    files = {
        LAYER: b"layer",
        "index.json": layout,
        "manifest.json": [image(NAME) | more],
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "repositories": {"headway-p/mine-abc123": {"r-1": "a"}},
    }
    status, let, said = through(archive(files, entry("blobs", tarfile.DIRTYPE), entry("blobs/sha256", tarfile.DIRTYPE)))
    assert status == 0, said
    assert sorted(let) == sorted({*files} - {"repositories"})
    assert json.loads(let["manifest.json"]) == [image(NAME)]
    own = {"io.containerd.image.name": f"docker.io/{NAME}", "org.opencontainers.image.ref.name": "r-1"}
    descriptor = {"mediaType": KIND, "digest": DIGEST, "size": 7, "platform": platform, "annotations": own}
    assert json.loads(let["index.json"]) == {"schemaVersion": 2, "mediaType": KIND, "manifests": [descriptor]}
    assert (let[LAYER], json.loads(let["oci-layout"])) == (b"layer", files["oci-layout"])


def test_an_image_arrives_as_older_engines_save_it() -> None:
    links = [entry("b/layer.tar", tarfile.SYMTYPE, "../a/layer.tar")]
    files = {"c.json": {}, "a/VERSION": b"1.0", "a/layer.tar": b"x", "b/VERSION": b"1.0", "b/json": {}}
    none = {"Config": "c.json", "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar"]}
    status, let, said = through(archive({**files, "manifest.json": [none]}, entry("b", tarfile.DIRTYPE), *links))
    assert status == 0, said
    assert json.loads(let["manifest.json"]) == [none | {"RepoTags": [NAME]}]
    assert let["b/layer.tar"] == b"x"


def test_no_other_name_arrives() -> None:
    """An engine reads keys in whatever case, and takes the last."""
    held = image(NAME, VICTIM, "busybox:latest") | {
        "repotags": [VICTIM],
        "REPOTAGS": [VICTIM],
        "Repo\u017ftags": [VICTIM],
    }
    layout = index(f"docker.io/{VICTIM}")
    layout["manifests"][0] |= {"Annotations": index(VICTIM)["manifests"][0]["annotations"], "victim": 1}
    layout |= {"Manifests": index(VICTIM)["manifests"], "annotations": {"a": VICTIM}}
    doubled = json.dumps([held])[:-2] + f', "RepoTags": ["{VICTIM}"]}}]'
    files = {"index.json": layout, "repositories": {VICTIM: {"latest": "x"}}, LAYER: b"layer"}
    status, let, said = through(archive({"manifest.json": doubled.encode(), **files}))
    assert status == 0, said
    assert sorted(let) == [LAYER, "index.json", "manifest.json"]
    assert b"victim" not in b"".join(let.values()).lower()
    assert b"busybox" not in b"".join(let.values())
    assert json.loads(let["manifest.json"]) == [image(NAME)]
    own = {"io.containerd.image.name": f"docker.io/{NAME}", "org.opencontainers.image.ref.name": "r-1"}
    assert [each["annotations"] for each in json.loads(let["index.json"])["manifests"]] == [own]
    assert set(json.loads(let["index.json"])) == {"schemaVersion", "mediaType", "manifests"}


@pytest.mark.parametrize(
    "sent",
    [
        archive({"manifest.json": [image(NAME), image(VICTIM)]}),
        archive({"manifest.json": [image(NAME)], "index.json": index(NAME, VICTIM)}),
        archive({"manifest.json": {"a": 1}}),
        archive({"manifest.json": [image(NAME) | {"Config": {"RepoTags": [VICTIM]}}]}),
        archive({"manifest.json": [image(NAME) | {"Layers": LAYER}]}),
        archive({"manifest.json": [image(NAME) | {"Layers": [[VICTIM]]}]}),
        archive({"manifest.json": b"x" * (9 << 20)}),
        archive({"manifest.json": b"[" * (1 << 20)}),
        archive({"manifest.json": [image(NAME)], "index.json": []}),
        archive({"manifest.json": [image(NAME)], "index.json": {"schemaVersion": 2, "manifests": [{"digest": [1]}]}}),
        archive({"repositories": {"busybox": {"latest": "x"}}, LAYER: b"layer"}),
        archive({"manifest.json": [image(NAME)]}, entry("index.json", tarfile.DIRTYPE)),
        b"no archive at all",
    ],
    ids=[
        *("two images", "two in the index", "no list", "no config", "no layers", "lists of layers", "too long"),
        *("too deep", "no index", "no digest", "no manifest", "a folder", "no archive"),
    ],
)
def test_what_is_no_archive_of_one_image_is_refused(sent: bytes) -> None:
    status, _, said = through(sent)
    assert (status, said.count("\n")) == (1, 1)
    assert "no archive of one image" in said


@pytest.mark.parametrize(
    "path",
    [
        "./manifest.json",
        "/manifest.json",
        "x/../manifest.json",
        "../x",
        "a//b",
        "a/./b",
        "x\\y",
        "a\nb",
        "\u017f",
        "blobs/..",
    ],
)
def test_a_path_that_could_be_read_otherwise_is_refused(path: str) -> None:
    status, _, said = through(archive({"manifest.json": [image(NAME)], path: [image(VICTIM)]}))
    assert (status, "no plain file" in said) == (1, True), said


@pytest.mark.parametrize("path", ["manifest.json", "index.json", "repositories", LAYER])
def test_a_file_that_comes_twice_is_refused(path: str) -> None:
    once = {"manifest.json": [image(NAME)], "index.json": index(NAME), "repositories": {}, LAYER: b"x"}
    assert through(archive(once))[0] == 0
    status, _, said = through(archive(once, after=[entry(path)]))
    assert (status, "twice" in said) == (1, True), said


def test_what_extended_headers_say_does_not_arrive() -> None:
    """Another reader than the one that judged finds the same paths."""
    source = Path(archive_script.__file__).read_text()
    argv = ["/usr/bin/python3", "-I", "-c", source, NAME]
    blob = entry("blobs/x", size=3, said={"path": "blobs/y", "VENDOR.note": VICTIM})
    sent = archive({"manifest.json": [image(NAME)]}, blob)
    let = subprocess.run(argv, input=sent, capture_output=True, check=True, timeout=60).stdout
    listed = subprocess.run(["tar", "--list", "--file=-"], input=let, capture_output=True, check=True, timeout=60)
    assert listed.stdout.decode().split() == ["blobs/y", "manifest.json"]
    assert (b"PaxHeader" in let, VICTIM.encode() in let) == (False, False)


@pytest.mark.parametrize(
    "said",
    [
        {"path": "x/../manifest.json"},
        {"path": "manifest.json/"},
        {"GNU.sparse.map": "0,512", "GNU.sparse.size": "1024"},
        {"size": "-512"},
    ],
    ids=["a path", "a folder", "holes", "no size"],
)
def test_an_extended_header_is_judged_too(said: Mapping[str, str]) -> None:
    status, let, _ = through(archive({"manifest.json": [image(NAME)]}, entry("blobs/x", size=512, said=said)))
    assert (status, let) == (1, {})


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_neither_a_link_nor_a_device_stands_for_a_list(kind: bytes) -> None:
    status, _, said = through(archive({LAYER: [image(VICTIM)]}, entry("manifest.json", kind, LAYER)))
    assert (status, "no plain file" in said) == (1, True)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("x/layer.tar", ".."),
        ("x/layer.tar", "../manifest.json"),
        ("x/layer.tar", "../../layer.tar"),
        ("x/layer.tar", "../y/../manifest.json"),
        ("x/layer.tar", "/etc/layer.tar"),
        ("x/y/layer.tar", "../z/layer.tar"),
        ("x/layer.tar", "../y/layer.tar\n"),
    ],
)
def test_a_link_leads_to_a_layer_and_nowhere_else(path: str, to: str) -> None:
    status, _, said = through(archive({"manifest.json": [image(NAME)]}, entry(path, tarfile.SYMTYPE, to)))
    assert (status, "no plain file" in said) == (1, True), said


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.REGTYPE])
def test_nothing_lies_below_a_link_or_a_file(kind: bytes) -> None:
    """An engine would follow the link, and write there."""
    above = entry("x/layer.tar", kind, "../y/layer.tar" if kind == tarfile.SYMTYPE else "")
    files = {"manifest.json": [image(NAME)], "x/layer.tar/manifest.json": [image(VICTIM)]}
    status, _, said = through(archive(files, above))
    assert (status, "below" in said) == (1, True), said


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
        files: dict[str, Json] = {each.name: held.read() for each in tar if (held := tar.extractfile(each)) is not None}
    (mine,) = (each for each in json.loads(files["manifest.json"]) if NAME in each["RepoTags"])
    taking = [mine | {"RepoTags": [NAME, VICTIM]}]
    files["manifest.json"] = [mine]
    link = entry("x/layer.tar", tarfile.SYMTYPE, "..")
    attacks = (
        archive({**files, "manifest.json": taking, "index.json": index(f"docker.io/{VICTIM}")}),
        archive({**files, "manifest.json": [mine | {"repotags": [VICTIM]}], "index.json": index(VICTIM)}),
        archive({**files, "x/layer.tar/manifest.json": taking}, link),
    )
    docker("rmi", NAME)
    for sent in attacks:
        status, let, said = through(sent)
        assert status == (1 if sent is attacks[2] else 0), said
        for data, is_taken in ((archive(let), False), (sent, True)):
            if data is sent or let:
                file.write_bytes(data)
                docker("load", f"--input={file}")
            assert (docker("inspect", "--format={{.Id}}", VICTIM) != before) is is_taken
        docker("tag", BASE_IMAGE, VICTIM)
    docker("rmi", "--force", NAME, VICTIM)
