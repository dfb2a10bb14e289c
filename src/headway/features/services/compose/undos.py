"""Takes back what a deploy of a compose service did before it failed or was ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from headway.core.deployments.run import Json, Undo, UndoContext
from headway.drivers.runtimes.compose.footing import Exchangeable
from headway.features.services import releases_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.image_builds import UNDO_BUILD
from headway.features.services.compose.image_distribution import UNDO_LOGIN, UNDO_PUSH
from headway.features.services.compose.model import ComposeRelease
from headway.features.services.compose.tools import ComposeContext, ComposeContexts
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway


def undos(contexts: ComposeContexts) -> Mapping[str, Undo]:
    """What takes back each effect, with the tools of the run's host."""

    def of(take_back: Callable[[ComposeContext, UndoContext, Json], Awaitable[None]]) -> Undo:
        return lambda undoing, data: take_back(contexts.at(undoing.deployment.host_id), undoing, data)

    return {name: of(each) for name, each in _UNDOS.items()}


async def _undo_release(tools: ComposeContext, undoing: UndoContext, data: Mapping[str, Json]) -> None:
    await undoing.host.remove_tree(tools.folders.release(data["compose_id"], data["new"]))
    await undoing.write(lambda tx: releases_store.remove(tx, data["new"]))
    with suppress(EngineAway):  # then the next to be cleared takes them along
        for name in await tools.needless_images(data["compose_id"], data["app_name"]):
            await tools.engine.take_back(name)


async def _undo_containers(tools: ComposeContext, undoing: UndoContext, data: Mapping[str, Json]) -> None:
    """Removes what was begun. What served before is brought up again, as far as it is wanted."""
    labels = {"panel": tools.panel_id, "compose": data["compose_id"]}
    compose_id, before = data["compose_id"], await tools.release(data["old"])
    serves = before if data["was_up"] else None
    async with undoing.fence():
        await tools.routing.lead(compose_id, serves)  # as long as both are there
        if before is None or not before.record.stack:
            await tools.stacks.remove(compose_id)
            networks = labels if before is None else None
            await tools.engine.remove(networks, **labels, deployment=data["new"])
        if before is None:
            await tools.engine.remove_networks(**labels)
        elif serves is not None:
            if not await undoing.write(lambda tx: _is_withheld(tx, tools, serves)):
                with suppress(Exchangeable):  # what of it runs goes on; the keeper says why the rest does not
                    await tools.bring_up(compose_id, data["app_name"], serves.record)
            await tools.lead_to_stack(compose_id, data["app_name"], serves)
            await tools.routing.lead(compose_id, serves)  # who was started again has another address
        else:
            await tools.take_down(compose_id)


def _is_withheld(tx: Tx, tools: ComposeContext, release: ComposeRelease) -> bool:
    """Whether what it needs of its machine was taken back meanwhile: then it is not started again."""
    compose = store.find(tx, release.service_id, tools.vault)
    return powers.refusal_of_serving(tx, compose, release.record) is not None


async def _undo_login(_tools: ComposeContext, undoing: UndoContext, data: Mapping[str, Json]) -> None:
    await undoing.host.remove_tree(data["folder"])


async def _undo_build(_tools: ComposeContext, undoing: UndoContext, data: Mapping[str, Json]) -> None:
    await undoing.host.end_group(data["group"])  # what the engine still does for it


async def _undo_push(tools: ComposeContext, _undoing: UndoContext, data: Mapping[str, Json]) -> None:
    with suppress(EngineAway):  # a name that stays is a name of what is gone with the next clean-up
        await tools.engine.take_back(data["image"])


_UNDOS: Mapping[str, Callable[[ComposeContext, UndoContext, Json], Awaitable[None]]] = {
    "release": _undo_release,
    "containers": _undo_containers,
    UNDO_BUILD: _undo_build,
    UNDO_LOGIN: _undo_login,
    UNDO_PUSH: _undo_push,
}
