"""``organization.*``, of groups: what those have in an organisation who are in a group of the provider's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Empty, Ids, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.groups import GroupService
from headway.core.access.identities import GroupRule
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.access.api.organizations import RoleName

router = Router[GroupService]("organization", resource=Noun.GROUP_RULE, in_project=False)


class GroupRuleRow(TypedDict):
    """A group of the provider's, and what those have here who are in it."""

    groupRuleId: str
    name: str
    role: str
    projects: list[str]
    createdAt: str


class GroupRulesRow(TypedDict):
    """What groups may do. ``provider`` is what people know the provider by, null where there is none; ``mayName`` says
    whether the caller may name a group that is not among these yet.
    """

    provider: str | None
    mayName: bool
    rules: list[GroupRuleRow]


class SetGroupRule(Input):
    """``name`` is the group as the provider tells it. Owners and admins see all projects."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    role: RoleName
    projects: Ids | None = None


class ByGroupRule(Input):
    group_rule_id: Annotated[str, Field(min_length=1, max_length=64)]


@router.query("groupRules", least=Role.OWNER, scope=Scope.READ)
async def group_rules(groups: GroupService, call: Call[Empty]) -> GroupRulesRow:
    """What groups of the provider may do in the caller's organisation."""
    found = await groups.all(call.actor, call.permission)
    provider = None if groups.provider is None else groups.provider.name
    may_name = await groups.may_name(call.actor)
    return {"provider": provider, "mayName": may_name, "rules": [_row(each) for each in found]}


@router.mutation("setGroupRule", least=Role.OWNER, scope=Scope.ADMIN, careful=True)
async def set_group_rule(groups: GroupService, call: Call[SetGroupRule]) -> GroupRuleRow:
    """What those have here who are in a group, as of their next sign-in.

    A group of this name that was known before has this from now on.
    """
    given = call.input
    projects = frozenset(given.projects or ())
    return _row(await groups.set(call.actor, call.permission, given.name, Role.of(given.role), projects))


@router.mutation("removeGroupRule", least=Role.OWNER, scope=Scope.ADMIN, careful=True)
async def remove_group_rule(groups: GroupService, call: Call[ByGroupRule]) -> GroupRuleRow:
    """A group gives nothing any more.

    Whoever has nothing by another group is a member no more as of their next sign-in, which they are asked for within
    the time that a session of theirs lasts.
    """
    return _row(await groups.remove(call.actor, call.permission, call.input.group_rule_id))


def _row(rule: GroupRule) -> GroupRuleRow:
    return {
        "groupRuleId": rule.group_rule_id,
        "name": rule.name,
        "role": rule.role.word,
        "projects": sorted(rule.projects),
        "createdAt": moment(rule.created_at),
    }
