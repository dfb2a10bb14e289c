"""What a provider's claims say of somebody, and what their groups make of them: pure rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headway.core.access.identities import Belonging, GroupRule, belongings, identity_of
from headway.core.access.model import Role

ISSUER = "https://id.example"


def rule(organization_id: str, name: str, role: Role, *projects: str) -> GroupRule:
    return GroupRule(
        group_rule_id=f"{organization_id} {name}",
        organization_id=organization_id,
        name=name,
        role=role,
        projects=frozenset(projects),
        created_at=datetime(2026, 11, 29, tzinfo=UTC),
    )


RULES = (
    rule("one", "ops", Role.ADMIN),
    rule("one", "shop", Role.MEMBER, "p1"),
    rule("one", "more", Role.MEMBER, "p2", "p3"),
    rule("two", "ops", Role.MEMBER, "p9"),
)


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ((), {}),
        (("of no concern",), {}),
        (("OPS",), {}),
        (("shop",), {"one": Belonging(role=Role.MEMBER, projects=frozenset({"p1"}))}),
        (("shop", "more"), {"one": Belonging(role=Role.MEMBER, projects=frozenset({"p1", "p2", "p3"}))}),
        (
            ("shop", "ops"),
            {
                "one": Belonging(role=Role.ADMIN, projects=frozenset({"p1"})),
                "two": Belonging(role=Role.MEMBER, projects=frozenset({"p9"})),
            },
        ),
    ],
)
def test_the_highest_role_of_several_groups_counts_and_all_projects_together(
    groups: tuple[str, ...], found: dict[str, Belonging]
) -> None:
    assert belongings(RULES, groups) == found
    assert belongings(reversed(RULES), groups) == found


@pytest.mark.parametrize(
    ("claims", "path", "groups"),
    [
        ({"groups": ["a", "b"]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),
        ({"groups": ["a", 7, None, "", "x" * 256, ["b"]]}, "groups", {"a"}),
        ({"groups": {"a": 1}}, "groups", set()),
        ({}, "groups", set()),
        ({"realm": {"roles": ["a"]}}, "realm.roles", {"a"}),
        ({"realm": ["roles"]}, "realm.roles", set()),
        ({"https://x.example/groups": ["a"]}, "https://x.example/groups", {"a"}),
    ],
)
def test_groups_are_read_from_the_claim_that_the_settings_name(
    claims: dict[str, object], path: str, groups: set[str]
) -> None:
    assert identity_of({"sub": "s", **claims}, ISSUER, path).groups == groups


@pytest.mark.parametrize(
    ("claims", "name", "email"),
    [
        ({"name": "Ada  L.", "email": "Ada@Example.org"}, "Ada L.", "ada@example.org"),
        ({"name": "", "preferred_username": "ada"}, "ada", None),
        ({"name": 7, "email": "nobody"}, "nobody", None),
        ({"name": "a\u202eb\x1b[31m"}, "a b [31m", None),
        ({"name": "x" * 10_000}, "x" * 255, None),
        ({}, "s", None),
    ],
)
def test_somebody_is_called_what_can_be_shown(claims: dict[str, object], name: str, email: str | None) -> None:
    found = identity_of({"sub": "s", **claims}, ISSUER, "groups")
    assert (found.subject, found.name, found.email) == ("s", name, email)
