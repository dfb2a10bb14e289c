"""Images in an engine: what is known of one, and the names under which those of releases are kept."""

from __future__ import annotations

from collections.abc import Mapping

from headway.infra.docker import image_names
from headway.infra.docker.api import DockerApi, EngineRefused, Json
from headway.infra.docker.labels import strange
from headway.kernel.artifacts import Image
from headway.kernel.errors import HeadwayError


class ImageUnusable(HeadwayError):
    """An image that is there cannot be run on this machine."""


def release_name(panel_id: str, app_name: str, release_id: str) -> str:
    """The name under which the image of a release is kept for as long as the release is."""
    return f"headway-{panel_id}/{app_name}:{tag_of(release_id)}"


def tag_of(release_id: str) -> str:
    """The tag of a release's image, here and in a registry."""
    return f"r-{release_id}"


async def inspect(api: DockerApi, reference: str, name: str, *, own: Mapping[str, str] | None = None) -> Image | None:
    """What is known of an image, None where there is none. Raises ImageUnusable for one of another architecture, and,
    where it is known which labels of Headway's are its ``own``, for one that brings others.
    """
    found = await api.find(f"/images/{reference}/json")
    if found is None:
        return None
    architecture = await api.architecture()
    if found["Architecture"] not in {"", architecture}:
        raise ImageUnusable(
            f"The image {name} is made for {found['Architecture']}, and this machine is {architecture}. Build or "
            "choose one for this machine."
        )
    configuration = found.get("Config") or {}
    if own is not None:
        require_own_labels(name, configuration.get("Labels") or {}, own)
    return Image(
        reference=found["Id"],
        name=name,
        digest=_digest(found, name),
        ports=_ports(configuration),
        volumes=tuple(sorted(configuration.get("Volumes") or {})),
        is_checked=_has_check(configuration),
        bytes=found["Size"],
    )


def require_own_labels(name: str, labels: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Raises ImageUnusable for an image whose labels say that it is another service's, or another panel's."""
    found = strange(labels, own)
    if found:
        raise ImageUnusable(
            f"The image {name} brings the label {found[0]}, by which Headway knows whose a container is, and it is not "
            f"this service's. Take it out of the image: LABEL {found[0]}= in its Dockerfile, or build it anew without."
        )


async def keep(api: DockerApi, image: Image, name: str) -> None:
    """Gives an image a further name, so that it stays when it loses the others."""
    repository, _, tag = name.rpartition(":")
    await api.post(f"/images/{image.reference}/tag", repo=repository, tag=tag)


async def let_go(api: DockerApi, name: str) -> bool:
    """Takes a name away; the image goes with its last one. Whether it is gone: no error when a container uses it."""
    try:
        await api.delete(f"/images/{name}")
    except EngineRefused as refused:
        if refused.status != 409:
            raise
        return False
    return True


async def discard_release(api: DockerApi, panel_id: str, release_id: str) -> None:
    """Lets the image of a release go, if nothing else needs it: its name here, and that in its registry."""
    name = release_name(panel_id, "*", release_id)
    tag = name.rpartition(":")[2]
    for image in await api.get("/images/json", filters={"reference": [name]}):
        for each in image["RepoTags"] or ():
            if each.endswith(f":{tag}"):
                await let_go(api, each)


async def bound_cache(api: DockerApi, most_bytes: int) -> int:
    """Removes what was used longest ago of what BuildKit keeps, until it is no more than so much, but for what a build
    needs now; the bytes that it has freed.
    """
    done = await api.post("/build/prune", seconds=600.0, all=True, **{"keep-storage": most_bytes})
    return int((done or {}).get("SpaceReclaimed") or 0)


def _digest(found: Json, name: str) -> str | None:
    """The digest by which the repository of that name knows it. Another repository's says nothing of this one: the same
    image may have been pushed elsewhere, and nobody could fetch it from here by that.
    """
    own = (
        each for each in found.get("RepoDigests") or () if image_names.repository(each) == image_names.repository(name)
    )
    return next((each.partition("@")[2] for each in own), None)


def _ports(configuration: Json) -> tuple[int, ...]:
    declared = (text.partition("/") for text in configuration.get("ExposedPorts") or {})
    return tuple(sorted(int(port) for port, _, protocol in declared if protocol == "tcp" and port.isdecimal()))


def _has_check(configuration: Json) -> bool:
    test = (configuration.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return bool(test[0] != "NONE")
