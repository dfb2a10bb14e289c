"""What changes are told under: a topic for each kind of thing, and one for each thing, by which pages ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.core.access.model import Actor
from headway.core.access.policy import Noun, Permission, sees
from headway.kernel.events import Changed, Whose

SERVICE, AUDIT_LOGS = "service", "auditLogs"
# What services are called.
OF_SERVICES = (
    Noun.APPLICATION,
    Noun.COMPOSE,
    Noun.DATABASE,
    Noun.LIBSQL,
    Noun.MARIADB,
    Noun.MONGO,
    Noun.MYSQL,
    Noun.POSTGRES,
    Noun.REDIS,
    Noun.SERVICE,
)
_WORDS: Mapping[Noun, str] = MappingProxyType({**dict.fromkeys(OF_SERVICES, SERVICE), Noun.PREVIEW: "preview"})
# Who has which keys, and who is signed in from where, is nobody's but theirs; of the others members are shown none, so
# that they are not told either that there is one.
_OF_ADMINS = frozenset(
    {
        *(Noun.API_KEY, Noun.SESSION, Noun.PASSKEY, Noun.AUDIT_LOG, Noun.MEMBER, Noun.INVITATION, Noun.NOTIFICATION),
        *(Noun.CERTIFICATE, Noun.DESTINATION, Noun.GIT_PROVIDER, Noun.REGISTRY, Noun.SSH_KEY, Noun.GROUP_RULE),
    }
)


def topics_of(noun: Noun, id_: str | None) -> tuple[str, ...]:
    """The topics of a thing: its own where its id is known, and that of all of its kind."""
    word = _WORDS.get(noun, noun.field.removesuffix("Id"))
    own = () if id_ is None else (f"{word}:{id_}",)
    return (*own, f"{word[:-1]}ies" if word.endswith("y") and word[-2] not in "aeiou" else f"{word}s")


def topics_of_services(service_id: str) -> tuple[str, ...]:
    """The topics of a service, of whatever kind."""
    return f"{SERVICE}:{service_id}", f"{SERVICE}s"


def words() -> frozenset[str]:
    """What topics begin with, and those of whole kinds: what a page can ask for."""
    return frozenset(topic.partition(":")[0] for noun in Noun for topic in topics_of(noun, ""))


def whose(actor: Actor, permission: Permission, project_id: str | None, service_id: str | None) -> Whose:
    """Whose business it is what somebody has done to a thing that lies there."""
    return Whose(
        organization_id=actor.organization_id,
        project_id=project_id,
        service_id=service_id,
        everyone=project_id is None and not permission.in_project and permission.noun not in _OF_ADMINS,
    )


def may_know(actor: Actor, changed: Changed) -> bool:
    """Whether somebody may be told of a change."""
    where = changed.whose
    return sees(
        actor,
        where.organization_id,
        where.project_id,
        service_id=where.service_id,
        in_project=not where.everyone,
    )
