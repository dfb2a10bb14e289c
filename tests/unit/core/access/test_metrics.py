"""Who may read the metrics, which tell of every organisation of a panel."""

from __future__ import annotations

import pytest

from headway.core.access.model import Actor, Credential, Role, Scope, Terms
from headway.core.access.policy import METRICS, admit
from headway.kernel.errors import Forbidden


def actor(role: Role = Role.ADMIN, terms: Terms | None = None) -> Actor:
    return Actor(
        user_id="u",
        organization_id="org",
        role=role,
        credential=Credential.of_key("k"),
        name="Somebody",
        terms=terms or Terms(),
    )


def test_an_admins_key_that_may_read_is_enough() -> None:
    admit(actor(terms=Terms(scopes=frozenset({Scope.READ}))), METRICS)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (actor(Role.MEMBER), "needs the role admin"),
        (actor(terms=Terms(scopes=frozenset({Scope.DEPLOY}))), "needs a key with the scope read"),
        (actor(terms=Terms(projects=frozenset({"one"}))), "is about the whole organisation"),
    ],
)
def test_less_is_not(who: Actor, why: str) -> None:
    with pytest.raises(Forbidden, match=f"^{METRICS.name} {why}"):
        admit(who, METRICS)
