"""The machine is used by whom it was given to, never with a key that is bound to projects."""

from __future__ import annotations

import pytest

from headway.core.access.machine import MachineRefused, may_use_the_machine, require_machine
from headway.core.access.model import Actor, Credential, Role, Terms


def _actor(*, on_machine: bool, projects: frozenset[str] | None = None) -> Actor:
    return Actor(
        user_id="u",
        organization_id="o",
        role=Role.OWNER,
        credential=Credential.of_key("k"),
        name="n",
        on_machine=on_machine,
        terms=Terms(projects=projects),
    )


def test_whom_it_was_given_to_may_use_the_machine() -> None:
    assert may_use_the_machine(_actor(on_machine=True))
    require_machine(_actor(on_machine=True), "A bind mount of /srv")


def test_an_owner_of_another_organisation_may_not() -> None:
    with pytest.raises(MachineRefused, match="A bind mount of /srv reaches the machine itself"):
        require_machine(_actor(on_machine=False), "A bind mount of /srv")


def test_a_key_for_some_projects_never_reaches_it() -> None:
    assert not may_use_the_machine(_actor(on_machine=True, projects=frozenset({"p"})))
