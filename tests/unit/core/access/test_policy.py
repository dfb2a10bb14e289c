"""Who may do what: owner, admin, member and stranger, under every rule that there can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from headway.core.access.model import GUEST, Actor, Credential, CredentialKind, Rate, Role, Scope, Terms
from headway.core.access.policy import (
    ConfirmFirst,
    Missing,
    Noun,
    Permission,
    admit,
    excess,
    glimpses,
    may,
    permit,
    reach,
    sees,
)
from headway.kernel.errors import Forbidden

OWNER = Actor(user_id="u", organization_id="org", role=Role.OWNER, credential=Credential.of_key("k"), name="Owner")
ADMIN = replace(OWNER, role=Role.ADMIN)
MEMBER = replace(OWNER, role=Role.MEMBER, projects=frozenset({"mine"}))
STRANGER = replace(OWNER, organization_id="other org")

# Every rule that there can be. That each operation has the one that it is to have is shown by the table of access.
EVERY: Mapping[str, Permission] = {
    name: Permission(name=name, noun=Noun.DOMAIN, least=least, scope=scope, in_project=in_project)
    for least, scope, in_project in product(Role, (*Scope, None), (True, False))
    for name in (f"{least.word}.{scope or 'any'}{'' if in_project else 'OfAll'}",)
}
OF_MEMBERS = frozenset(name for name, each in EVERY.items() if each.least <= Role.MEMBER)
OF_OWNERS = frozenset(name for name, each in EVERY.items() if each.least is Role.OWNER)
OF_THE_ORGANISATION = frozenset(name for name, each in EVERY.items() if not each.in_project)
IN_PROJECTS = frozenset(EVERY) - OF_THE_ORGANISATION
DEPLOYS = Permission(name="application.deploy", noun=Noun.APPLICATION, least=Role.MEMBER, scope=Scope.DEPLOY)
LOOKS = Permission(name="project.one", noun=Noun.PROJECT, least=Role.MEMBER, scope=Scope.READ, glimpse=True)


def admitted(actor: Actor, procedure: str) -> str:
    """How the procedure is refused to a caller whatever it is asked about; "" where it is not."""
    try:
        admit(actor, EVERY[procedure])
    except Forbidden as refused:
        return str(refused)
    return ""


def permitted(actor: Actor, procedure: str, project_id: str | None = None) -> str:
    """How it is refused for a thing of the organisation, and of a project of it; "" where it is not."""
    try:
        permit(actor, EVERY[procedure], "org", project_id)
    except (Forbidden, Missing) as refused:
        return str(refused)
    return ""


def test_an_owner_may_do_everything_in_its_organisation_and_an_admin_but_for_a_few() -> None:
    nothing = dict.fromkeys(EVERY, "")
    few = {each: f"{each} needs the role owner; yours is admin." for each in OF_OWNERS}
    assert {each: admitted(OWNER, each) for each in EVERY} == nothing
    assert {each: permitted(OWNER, each, "any project") for each in EVERY} == nothing
    assert {each: admitted(ADMIN, each) for each in EVERY} == nothing | few
    assert {each: permitted(ADMIN, each, "any project") for each in EVERY} == nothing | few


def test_a_member_may_do_what_the_table_says() -> None:
    refused = {
        each: "" if each in OF_MEMBERS else f"{each} needs the role {EVERY[each].least.word}; yours is member."
        for each in EVERY
    }
    assert {each: admitted(MEMBER, each) for each in EVERY} == refused
    assert {each: permitted(MEMBER, each, "mine") for each in EVERY} == refused


def test_a_stranger_learns_nothing() -> None:
    found = {each: permitted(STRANGER, each, "mine") for each in EVERY}
    assert found == {each: f"{rule.noun} not found" for each, rule in EVERY.items()}


@pytest.mark.parametrize("project", ["not mine", None])
def test_to_a_member_what_lies_in_no_project_of_theirs_does_not_exist(project: str | None) -> None:
    of_members = OF_MEMBERS & IN_PROJECTS
    found = {each: permitted(MEMBER, each, project) for each in of_members}
    assert found == {each: f"{EVERY[each].noun} not found" for each in of_members}


def test_a_thing_is_missed_by_its_own_noun() -> None:
    with pytest.raises(Missing, match=r"^Compose not found$"):
        permit(STRANGER, DEPLOYS, "org", noun=Noun.COMPOSE)


def test_what_belongs_to_the_organisation_is_seen_by_its_members_and_nobody_else() -> None:
    assert sees(MEMBER, "org", None, in_project=False)
    assert not sees(STRANGER, "org", None, in_project=False)


def test_a_member_who_was_given_one_application_sees_it_and_no_other_and_knows_its_project_by_name() -> None:
    actor = replace(MEMBER, projects=frozenset(), services=frozenset({"app"}), glimpsed=frozenset({"mine"}))
    permit(actor, DEPLOYS, "org", "mine", service_id="app")
    permit(actor, LOOKS, "org", "mine")
    for service_id in ("another", None):
        with pytest.raises(Missing):
            permit(actor, DEPLOYS, "org", "mine", service_id=service_id)
    assert glimpses(actor, "org", "mine")
    assert not glimpses(actor, "org", "another")
    assert not glimpses(actor, "other org", "mine")


@pytest.mark.parametrize("scope", Scope)
def test_a_key_does_what_its_scope_is_for_and_nothing_else(scope: Scope) -> None:
    actor = replace(OWNER, terms=Terms(scopes=frozenset({scope})))
    wanted = {each: rule.scope for each, rule in EVERY.items()}
    refused = {
        each: ""
        if need in {None, scope} or scope is Scope.ADMIN
        else f"{each} needs a key with the scope {need}; this one has: {scope}."
        for each, need in wanted.items()
    }
    assert {each: permitted(actor, each, "mine") for each in EVERY} == refused


def test_a_key_of_one_project_opens_no_other_and_nothing_of_the_whole_organisation() -> None:
    actor = replace(OWNER, terms=Terms(projects=frozenset({"mine"})))
    missed = {each: f"{EVERY[each].noun} not found" for each in IN_PROJECTS}
    assert {each: permitted(actor, each, "mine") for each in IN_PROJECTS} == dict.fromkeys(IN_PROJECTS, "")
    for project_id in ("another", None):
        assert {each: permitted(actor, each, project_id) for each in IN_PROJECTS} == missed
    found = {each: permitted(actor, each) for each in OF_THE_ORGANISATION}
    assert found == {
        each: ""
        if EVERY[each].least <= Role.MEMBER
        else f"{each} is about the whole organisation; this key is for some of its projects only."
        for each in OF_THE_ORGANISATION
    }


def test_a_key_of_one_project_narrows_also_what_a_member_was_given() -> None:
    given = replace(MEMBER, projects=frozenset({"a", "b"}), services=frozenset({"app"}), glimpsed=frozenset({"c"}))
    actor = replace(given, terms=Terms(projects=frozenset({"b"})))
    assert [sees(actor, "org", project_id) for project_id in ("a", "b")] == [False, True]
    assert not sees(actor, "org", "c", service_id="app")
    assert not glimpses(actor, "org", "c")
    assert glimpses(given, "org", "c")


@pytest.mark.parametrize(
    "actor",
    [
        OWNER,
        MEMBER,
        replace(MEMBER, services=frozenset({"app"})),
        replace(OWNER, terms=Terms(projects=frozenset({"mine"}))),
        replace(MEMBER, services=frozenset({"app"}), terms=Terms(projects=frozenset({"theirs"}))),
    ],
)
def test_the_reach_of_a_list_is_what_the_caller_sees(actor: Actor) -> None:
    found = reach(actor)
    for project_id in ("mine", "theirs", None):
        for service_id in ("app", "other", None):
            listed = found.everything or project_id in found.projects or service_id in found.services
            listed = listed and (found.within is None or project_id in found.within)
            assert listed == sees(actor, "org", project_id, service_id=service_id), (project_id, service_id)


def test_higher_roles_may_do_what_lower_ones_may() -> None:
    assert Role.OWNER > Role.ADMIN > Role.MEMBER > Role.GUEST
    assert [Role.of(role.word) for role in Role] == list(Role)


def test_a_guest_may_do_what_takes_neither_role_nor_key_and_nothing_else() -> None:
    assert {name for name, each in EVERY.items() if not admitted(GUEST, name)} == {
        name for name, each in EVERY.items() if each.least is Role.GUEST and each.scope is None
    }


LATER, SOONER = datetime(2030, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
SLOW, FAST = (Rate(calls=calls, window=timedelta(minutes=1)) for calls in (10, 11))
NARROW = Terms(scopes=frozenset({Scope.READ}), projects=frozenset({"a", "b"}), expires_at=SOONER, rate=SLOW)


@pytest.mark.parametrize(
    ("maker", "wanted", "more"),
    [
        (Terms(), Terms(), None),
        (Terms(), NARROW, None),
        (NARROW, NARROW, None),
        (NARROW, replace(NARROW, projects=frozenset({"a"})), None),
        (Terms(scopes=frozenset({Scope.ADMIN})), Terms(), None),
        (NARROW, replace(NARROW, scopes=frozenset({Scope.READ, Scope.KILL})), "the scopes kill"),
        (NARROW, replace(NARROW, projects=None), "other projects"),
        (NARROW, replace(NARROW, projects=frozenset({"a", "c"})), "other projects"),
        (NARROW, replace(NARROW, expires_at=None), "a later end"),
        (NARROW, replace(NARROW, expires_at=LATER), "a later end"),
        (NARROW, replace(NARROW, rate=None), "more calls"),
        (NARROW, replace(NARROW, rate=FAST), "more calls"),
        (NARROW, replace(NARROW, rate=Rate(calls=600, window=timedelta(hours=1))), None),
    ],
)
def test_what_a_key_would_have_beyond_its_maker_is_told(maker: Terms, wanted: Terms, more: str | None) -> None:
    assert excess(maker, wanted) == more


def test_who_has_signed_in_confirms_what_is_careful_and_a_key_is_never_asked() -> None:
    careful = replace(EVERY["admin.admin"], careful=True)
    session = Credential(kind=CredentialKind.SESSION, id="s", is_confirmed=False)
    signed_in = replace(ADMIN, credential=session)
    with pytest.raises(ConfirmFirst):
        admit(signed_in, careful)
    with pytest.raises(ConfirmFirst):
        permit(signed_in, careful, "org", "a project")
    assert may(signed_in, careful), "it is offered"
    admit(signed_in, EVERY["admin.admin"])
    admit(replace(signed_in, credential=replace(session, is_confirmed=True)), careful)
    admit(ADMIN, careful)
    refused = replace(signed_in, role=Role.MEMBER)
    with pytest.raises(Forbidden, match=r"needs the role admin"):
        admit(refused, careful)
    assert not may(refused, careful)
