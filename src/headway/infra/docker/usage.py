"""What an engine holds on the disk: images layer by layer, containers, volumes, and what it keeps of builds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from headway.infra.docker.api import DockerApi, Json
from headway.kernel.dataclass import dataclass

# What each step of a build leaves: these words begin a layer, as BuildKit and as the builder before it write them.
_MAKE_LAYERS = ("RUN ", "COPY ", "ADD ", "WORKDIR ")
_NOT_RUN = "#(nop) "
_MEASURE_SECONDS = 120.0
# An engine before 23 does not know the types and says everything.
_OF_IMAGES = "/system/df?type=image&type=build-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer of an image, known by all layers up to it; bytes as the engine counts them."""

    chain: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldImage:
    """An image, its names and labels, its layers from the lowest, and whether a container has been made of it."""

    image_id: str
    names: tuple[str, ...]
    labels: Mapping[str, str]
    layers: tuple[Layer, ...]
    is_used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldThing:
    """A container's own files, or a volume; bytes."""

    name: str
    labels: Mapping[str, str]
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """What is kept of a step of a build, and may go. What images have too is counted with them."""

    bytes: int
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineUsage:
    """All of it, at one moment, and which engine it is: hosts may share one."""

    images: tuple[HeldImage, ...]
    containers: tuple[HeldThing, ...]
    volumes: tuple[HeldThing, ...]
    cache: tuple[CacheEntry, ...]
    root: str
    engine_id: str


async def measure(api: DockerApi, known: dict[str, tuple[Layer, ...]], *, images_only: bool = False) -> EngineUsage:
    """Asks the engine; ``images_only`` for these and what it keeps of builds, since an engine walks through every
    volume to say how large it is. ``known`` are the layers of images that were looked at before: an image never
    changes, so the next measurement asks for new ones only. Raises EngineAway, EngineRefused.
    """
    found = await api.get(_OF_IMAGES if images_only else "/system/df", seconds=_MEASURE_SECONDS)
    listed = found["Images"] or ()
    for gone in known.keys() - {each["Id"] for each in listed}:
        del known[gone]
    images = []
    for each in listed:
        if each["Id"] not in known:
            layers = await _layers(api, each)
            if layers is None:
                continue  # it has gone meanwhile
            known[each["Id"]] = layers
        images.append(_image(each, known[each["Id"]]))
    about = await api.get("/info")
    return EngineUsage(
        images=tuple(images),
        containers=tuple(_container(each) for each in found.get("Containers") or ()),
        volumes=tuple(_volume(each) for each in found.get("Volumes") or ()),
        cache=tuple(_entry(each) for each in found["BuildCache"] or () if not each["Shared"]),
        root=about["DockerRootDir"],
        engine_id=about["ID"],
    )


def layers_of(diffs: Sequence[str], history: Sequence[tuple[str, int]], size: int, shared: int) -> tuple[Layer, ...]:
    """The layers of an image. ``history`` is what was done, from the first step on, with the bytes that each added: it
    says nothing of which step made a layer. Where that cannot be told the image is one layer that is its own, upon one
    that it shares.
    """
    made = [(step, added) for step, added in history if added or _makes_layer(step)]
    if len(made) > len(diffs):  # a working folder that was there already makes none
        made = [(step, added) for step, added in made if added or "WORKDIR " not in step]
    sizes = [added for _, added in made]
    if len(sizes) != len(diffs) or sum(sizes) != size:
        base, own = diffs[0] if diffs else "", "".join(diffs)
        return (Layer(chain=base, bytes=shared), Layer(chain=own, bytes=max(size - shared, 0)))
    chain, layers = hashlib.sha256(), []
    for diff, added in zip(diffs, sizes, strict=True):
        chain.update(diff.encode())
        layers.append(Layer(chain=chain.hexdigest(), bytes=added))
    return tuple(layers)


def _makes_layer(step: str) -> bool:
    _, is_noted, noted = step.partition(_NOT_RUN)
    if is_noted:
        return noted.lstrip().startswith(_MAKE_LAYERS[1:])
    return step.startswith((*_MAKE_LAYERS, "/bin/sh -c ", "|"))


async def _layers(api: DockerApi, listed: Json) -> tuple[Layer, ...] | None:
    inspected = await api.find(f"/images/{listed['Id']}/json")
    history = await api.find(f"/images/{listed['Id']}/history")
    if inspected is None or history is None:
        return None
    done = [(each["CreatedBy"] or "", each["Size"]) for each in reversed(history)]
    diffs = inspected["RootFS"].get("Layers") or ()
    return layers_of(diffs, done, listed["Size"], max(listed["SharedSize"], 0))


def _image(listed: Json, layers: tuple[Layer, ...]) -> HeldImage:
    return HeldImage(
        image_id=listed["Id"],
        names=tuple(listed["RepoTags"] or ()),
        labels=listed["Labels"] or {},
        layers=layers,
        is_used=listed["Containers"] != 0,  # -1: it was not counted
    )


def _container(listed: Json) -> HeldThing:
    name = (listed.get("Names") or ("",))[0].removeprefix("/")
    return HeldThing(name=name, labels=listed["Labels"] or {}, bytes=listed.get("SizeRw") or 0)


def _volume(listed: Json) -> HeldThing:
    size = (listed.get("UsageData") or {}).get("Size", 0)  # -1: the engine could not tell
    return HeldThing(name=listed["Name"], labels=listed["Labels"] or {}, bytes=max(size, 0))


def _entry(listed: Json) -> CacheEntry:
    used = listed.get("LastUsedAt") or listed["CreatedAt"]
    return CacheEntry(bytes=listed["Size"], used_at=datetime.fromisoformat(used[:19] + "+00:00"))
