"""What the panel's deployments are performed by: the names that stand on rows, and what takes each effect back."""

from __future__ import annotations

from dataclasses import replace

from headway.core.deployments import store
from headway.core.deployments.subjects import SERVICES
from headway.core.engine.run_end import take_back
from headway.features.services.model import type_of
from headway.kind_versions import KIND_VERSIONS
from tests.integration.http.world import World

_OF_GIT = {"git-key", "git-fetch", "errand", "outgoing", "incoming"}
_OF_KEPT_FILES = {"passing folder", "object"}
_OF_APPLICATIONS = {"release", "running", "restart", "route"}
_OF_IMAGES = {"image-pull", "image-build", "image-push"}
_OF_COMPOSES = {"release", "containers", "login", "image-build", "push"}
_OF_SERVERS = {"stopped service", "programs on a server"}
_OF_DATABASES = {"programs inside a container"}
KINDS = {
    "application.deploy": _OF_GIT | _OF_APPLICATIONS | _OF_IMAGES | {"toolchain", "workshop", "move"},
    "application.rollback": _OF_APPLICATIONS | {"domains", "kept"},
    "backup": _OF_KEPT_FILES | _OF_DATABASES,
    "backup.drill": _OF_KEPT_FILES | _OF_DATABASES | {"database that was made"},
    "backup.restore": _OF_KEPT_FILES | _OF_DATABASES | {"database that was made"},
    "compose.deploy": _OF_GIT | _OF_COMPOSES,
    "compose.rollback": _OF_COMPOSES | {"domains"},
    "database.connect": set(),
    "application.run": {"inside"},
    "schedule": {"inside"},
    "server.setup": set(),
    "volumeBackup": _OF_KEPT_FILES | _OF_SERVERS,
    "volumeBackup.restore": _OF_KEPT_FILES | _OF_SERVERS | {"new volume", "exchanged folder"},
}
"""What rows of every version may say, which a panel has to know for as long as there are such rows."""


def test_what_rows_say_of_kinds_and_undos_is_known(world: World) -> None:
    assert {name: set(kind.undos) for name, kind in world.platform.engine._parts.registered.kinds.items()} == KINDS


def test_each_kind_of_service_is_known_for_one_beside_its_folder(world: World) -> None:
    kinds = set(world.platform.features.kinds.by_type)
    assert kinds <= set(SERVICES), "OF_SERVICES of core/access/topics.py lacks its noun"
    assert {type_of(kind) for kind in kinds} == kinds, "it is taken for an application"


async def test_an_undo_that_no_version_knows_stays_owed_whatever_its_kind(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    db, parts = world.services.db, world.platform.engine._parts
    ended = await db.read(lambda tx: store.find(tx, deployment_id))
    dropped = []
    for name in KINDS:
        await db.run(lambda tx: store.add_undo(tx, deployment_id, "of a version to come", "{}"))
        owed = await take_back(parts, replace(ended, kind=name), None)
        if owed is None or not await db.read(lambda tx: store.undos_of(tx, deployment_id)):
            dropped.append(name)
    assert dropped == []


def test_whoever_looks_ahead_of_an_upgrade_knows_all_kinds(world: World) -> None:
    kinds = world.platform.engine._parts.registered.kinds.values()
    assert {kind.name: (kind.version, kind.repeatable_until) for kind in kinds} == KIND_VERSIONS
