"""Everybody who may call: each role with each kind of access, keys that are good for less, and nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import update

from headway.core.access import passkeys_store, people_store, sessions_store, store, tokens
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.core.access.passkeys import NewCredential, PasskeyHost
from headway.core.access.session import Stage, Visitor
from headway.infra.db.tables.access import api_keys
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.world import KEYS, World, add_person


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whose key it is (None: no key), what it is good for, what its holder was given: a whole project or one service;
    ``refused`` says that the key is good for nothing any more.
    """

    person: str | None
    role: Role = Role.OWNER
    scope: Scope = Scope.ADMIN
    elsewhere: bool = False
    given: str = ""
    foreign: bool = False
    refused: bool = False


CALLERS: Mapping[str, Caller] = MappingProxyType(
    {
        "owner": Caller(person="owner"),
        "admin": Caller(person="admin", role=Role.ADMIN),
        "member of the project": Caller(person="in-project", role=Role.MEMBER, given="project"),
        "member with the service": Caller(person="in-service", role=Role.MEMBER, given="service"),
        "member without access": Caller(person="member", role=Role.MEMBER),
        "owner of others": Caller(person="stranger", foreign=True),
        "expired key": Caller(person="expired", refused=True),
        "disabled key": Caller(person="disabled", refused=True),
        "unknown key": Caller(person="nobody-knows", refused=True),
        "no key": Caller(person=None, refused=True),
        **{f"key to {scope}": Caller(person=f"only-{scope}", scope=scope) for scope in Scope},
        "key of another project": Caller(person="elsewhere", elsewhere=True),
    }
)


def key_of(caller: Caller) -> str | None:
    """The key that a caller shows."""
    return None if caller.person is None else KEYS.get(caller.person) or caller.person.ljust(64, "-")


async def admit_callers(world: World) -> Mapping[Caller, str]:
    """Makes all of them; the memberships of those who are to be given something."""
    elsewhere = await world.post("project.create", name="elsewhere")
    made = await world.services.db.run(lambda tx: _add(tx, elsewhere["project"]["projectId"]))
    return {caller: made[caller.person] for caller in CALLERS.values() if caller.person in made}


async def give(world: World, member_id: str, caller: Caller, project_id: str, *service_ids: str) -> None:
    """Gives a member what it is to have here, and nothing else any more."""
    given = {
        "": Grants(),
        "project": Grants(projects=frozenset({project_id})),
        "service": Grants(services=frozenset(service_ids)),
    }[caller.given]
    await world.services.db.run(lambda tx: store.give(tx, member_id, given))
    world.services.access.forget()


def _add(tx: Tx, elsewhere: str) -> dict[str, str]:
    owner = store.first_owner(tx)
    assert owner is not None
    user_id, organization_id = owner
    roles = {"admin": Role.ADMIN, "in-project": Role.MEMBER, "in-service": Role.MEMBER}
    members = {name: add_person(tx, name, organization_id, role)[1] for name, role in roles.items()}
    terms = {f"only-{scope}": Terms(scopes=frozenset({scope})) for scope in Scope}
    terms["elsewhere"] = Terms(projects=frozenset({elsewhere}))
    terms["expired"] = Terms(expires_at=tx.now - timedelta(seconds=1))
    terms["disabled"] = Terms()
    for name, good_for in terms.items():
        key = name.ljust(64, "-")
        store.add_key(tx, key, name=name, user_id=user_id, organization_id=organization_id, terms=good_for)
    tx.execute(update(api_keys).where(api_keys.c.name == "disabled").values(disabled_at=tx.now))
    return members


async def _api_key(world: World) -> tuple[str, ...]:
    return ((await world.post("user.createApiKey", name="k"))["id"],)


async def _session(world: World) -> tuple[str, ...]:
    return (await world.services.db.run(_add_session),)


def _add_session(tx: Tx) -> str:
    owner = store.first_owner(tx)
    assert owner is not None
    person = people_store.person_of(tx, owner[0])
    assert person is not None
    digest = tokens.digest(new_id())
    sessions_store.add(tx, digest, person, Stage.WHOLE, Visitor(address="192.0.2.7", agent="A browser"))
    actor = sessions_store.actor_of(tx, digest)
    assert actor is not None
    return actor.credential.id


async def _passkey(world: World) -> tuple[str, ...]:
    return (await world.services.db.run(_add_passkey),)


def _add_passkey(tx: Tx) -> str:
    owner = store.first_owner(tx)
    assert owner is not None
    host = PasskeyHost(name="localhost", origin="http://localhost:3000")
    made = NewCredential(credential_id=new_id(), credential="", counter=0, synced=False)
    return passkeys_store.add(tx, owner[0], host, "a key", made).passkey_id


async def _group_rule(world: World) -> tuple[str, ...]:
    return ((await world.post("organization.setGroupRule", name=new_id(), role="member"))["groupRuleId"],)


async def _organization(world: World) -> tuple[str, ...]:
    return ((await world.get("user.get"))["organizationId"],)


async def _invitation(world: World) -> tuple[str, ...]:
    made = await world.post("organization.inviteMember", email=f"{new_id()}@example.org", role="member")
    return made["id"], made["token"]


async def _member(world: World) -> tuple[str, ...]:
    made = await world.post("organization.inviteMember", email=f"{new_id()}@example.org", role="member")
    joined = await world.post("organization.acceptInvitation", token=made["token"])
    return joined["userId"], (await world.get("user.one", userId=joined["userId"]))["id"]


PEOPLE_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = MappingProxyType(
    {
        ("api_key",): _api_key,
        ("session",): _session,
        ("passkey",): _passkey,
        ("group_rule",): _group_rule,
        ("organization",): _organization,
        ("user", "member"): _member,
        ("invitation", "token"): _invitation,
    }
)
