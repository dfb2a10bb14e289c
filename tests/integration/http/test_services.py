"""Services of all kinds are rows of one table, and each kind answers for its own alone."""

from __future__ import annotations

from typing import Any

from headway.core.deployments.model import SubjectType
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.application import store as applications
from headway.features.services.compose import store as composes
from headway.features.services.compose.model import Record
from headway.features.services.model import APPLICATIONS, COMPOSES
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.ids import new_id
from tests.integration.http.database_rows import A_DATABASE
from tests.integration.http.world import World

Json = Any


async def three(world: World) -> tuple[str, str, str]:
    """An application, a compose service and a database, each with a release that serves."""
    environment = {"environmentId": await world.environment()}
    application = (await world.post("application.create", name="one", **environment))["applicationId"]
    compose = (await world.post("compose.create", name="two", **environment))["composeId"]
    database = (await world.post("postgres.create", name="three", **environment, **A_DATABASE))["databaseId"]
    vault, of_compose = world.platform.data_dir.vault, new_id()
    made = {each: await world.release(each) for each in (application, database)}

    def serve(tx: Tx) -> None:
        of = {"release_id": of_compose, "compose_id": compose, "folder": "/x"}
        composes.write_release(tx, vault, **of, record=Record(file={"services": {}}), commit_hash=None)
        for service_id, release_id in {**made, compose: of_compose}.items():
            releases_store.make_serving(tx, service_id, release_id)

    await world.services.db.run(serve)
    return application, compose, database


async def test_an_id_of_one_kind_opens_nothing_of_another(world: World) -> None:
    application, compose, database = await three(world)
    asked = {
        "application.one": ("applicationId", (compose, database)),
        "release.all": ("applicationId", (compose, database)),
        "compose.one": ("composeId", (application, database)),
        "postgres.one": ("postgresId", (application, compose)),
    }
    for procedure, (field, others) in asked.items():
        for id_ in others:
            assert (await world.owner.get(f"/{procedure}", params={field: id_})).status_code == 404, procedure
    for procedure, field, id_ in (
        ("application.delete", "applicationId", compose),
        ("compose.delete", "composeId", application),
        ("compose.deploy", "composeId", database),
    ):
        assert (await world.owner.post(f"/{procedure}", json={field: id_})).status_code == 404, procedure


async def test_a_release_of_one_kind_is_none_of_another(world: World) -> None:
    application, compose, database = await three(world)
    vault = world.platform.data_dir.vault

    def look(tx: Tx) -> Json:
        ids = {
            each: services_store.find(tx, each, APPLICATIONS | COMPOSES) for each in (application, compose, database)
        }
        serves = {each: row.serving_release_id for each, row in ids.items() if row is not None}
        return [
            [each for each in serves if applications.serving(tx, each) is not None],
            [each for each in serves if applications.release(tx, serves[each]) is not None],
            [each for each in serves if applications.releases_of(tx, each)],
            [each for each in serves if composes.release(tx, serves[each], vault) is not None],
            [each for each in serves if composes.serving(tx, each, vault) is not None],
            applications.any_in_containers(tx),
            {each.service_id for each in applications.every_release(tx)} == {application, database},
        ]

    mine, theirs = [application, database], [compose]
    assert await world.services.db.read(look) == [mine, mine, mine, theirs, theirs, False, True]
    (rows,) = [await world.get("release.all", applicationId=application)]
    assert len(rows) == 1


async def test_what_is_asked_of_one_kind_tells_of_no_other(world: World) -> None:
    application, compose, database = await three(world)

    def look(tx: Tx) -> Json:
        at_rest = [{each.service_id for each in services_store.at_rest(tx, "local", kinds)} for kinds in both]
        owned = [
            {each for each in (application, compose, database) if services_store.owner(tx, each, kind) is not None}
            for kind in (SubjectType.APPLICATION, SubjectType.COMPOSE, SubjectType.DATABASE)
        ]
        called = services_store.find(tx, compose, COMPOSES)
        assert called is not None
        return at_rest, owned, services_store.named(tx, called.app_name)

    both = (APPLICATIONS, COMPOSES)
    at_rest, owned, named = await world.services.db.read(look)
    assert at_rest == [{application, database}, {compose}]
    assert owned == [{application}, {compose}, {database}]
    assert named is None, "a compose service has no name below the base domain"


async def test_what_is_deleted_of_one_kind_leaves_the_others(world: World) -> None:
    application, compose, database = await three(world)
    vault = world.platform.data_dir.vault

    def delete(tx: Tx) -> Json:
        services_store.begin_deletion(tx, compose, delete_volumes=True)
        gone = [each.service_id for each in composes.being_deleted(tx, vault)]
        others = applications.being_deleted(tx, vault, at_rest_on="local")
        services_store.remove(tx, compose)
        left = [each for each in (application, database) if applications.serving(tx, each) is not None]
        try:
            composes.find(tx, compose, vault)
        except NotFound:
            return gone, others, left
        return None

    assert await world.services.db.run(delete) == ([compose], [], [application, database])
