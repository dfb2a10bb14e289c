"""The images of releases in an engine: whether one is still there, and the names by which it stays."""

from __future__ import annotations

from dataclasses import replace

from headway.infra.docker import images
from headway.infra.docker.api import DockerApi
from headway.kernel.artifacts import Artifact, Image, image_of


async def missing(api: DockerApi, artifact: Artifact) -> str | None:
    """What keeps the image from being run without a fetch, as a sentence; None where nothing does."""
    image = image_of(artifact)
    try:
        found = await images.inspect(api, image.reference, image.name)
    except images.ImageUnusable as unusable:
        return unusable.message
    return None if found else f"Its image {image.name} is not on this machine any more; deploy that commit again."


async def keep(api: DockerApi, artifact: Artifact, *, panel_id: str, app_name: str, release_id: str) -> Image:
    """Gives the image the name of one more release: here, and in its registry's words, without which the engine would
    forget by which digest that knows it. One that was built here is called by nothing else from now on, for the name of
    its first release goes with that.
    """
    image, name = image_of(artifact), images.release_name(panel_id, app_name, release_id)
    await images.keep(api, image, name)
    if image.pullable is not None:
        repository = image.pullable.partition("@")[0]
        await images.keep(api, image, f"{repository}:{images.tag_of(release_id)}")
    is_ours = image.name.startswith(f"{name.partition('/')[0]}/")
    return replace(image, name=name) if is_ours else image
