"""Every operation has the rule that the table of access says, and the table has a row for each."""

from __future__ import annotations

from headway.core.access.model import Role
from headway.operations import bare_registry
from tests.integration.http.access_rows import Place
from tests.integration.http.access_table import TABLE
from tests.support.panel.permissions import PERMISSIONS

CAREFUL = {
    "account.addPasskey",
    "account.beginPasskey",
    "account.beginSecondFactor",
    "account.confirmSecondFactor",
    "account.newRecoveryCodes",
    "account.removePasskey",
    "account.removeSecondFactor",
    "account.setPassword",
    "backup.restoreBackupWithLogs",
    "organization.create",
    "organization.delete",
    "organization.grantMachine",
    "organization.inviteMember",
    "organization.removeGroupRule",
    "organization.removeInvitation",
    "organization.setGroupRule",
    "organization.updateMemberRole",
    "organization.withdrawMachine",
    "user.assignPermissions",
    "user.createApiKey",
    "user.deleteApiKey",
    "user.remove",
    "user.updateApiKey",
    "volumeBackups.restoreVolumeBackupWithLogs",
}


def test_who_may_call_an_operation_is_what_the_table_says() -> None:
    said = {name: (row.least, row.scope) for name, row in TABLE.items()}
    assert {name: (each.least, each.scope) for name, each in PERMISSIONS.items()} == said


def test_what_is_glimpsed_is_what_the_table_says() -> None:
    glimpsed = {name for name, row in TABLE.items() if row.place is Place.GLIMPSED}
    assert {name for name, each in PERMISSIONS.items() if each.glimpse and name in glimpsed} == glimpsed


def test_what_lies_in_a_project_is_asked_of_the_project_and_the_rest_is_not() -> None:
    inside = {name for name, row in TABLE.items() if row.place in {Place.SERVICE, Place.PROJECT, Place.GLIMPSED}}
    outside = {name for name, row in TABLE.items() if row.place in {Place.ORGANISATION, Place.HELD, Place.MINE}}
    assert [name for name in sorted(inside) if not PERMISSIONS[name].in_project] == []
    assert [name for name in sorted(outside) if PERMISSIONS[name].in_project] == []


def test_what_is_asked_of_who_has_signed_in_only_after_they_have_confirmed_it() -> None:
    assert {name for name, each in PERMISSIONS.items() if each.careful} == CAREFUL


def test_a_guest_may_accept_an_invitation_and_read_by_a_link_and_nothing_else() -> None:
    registry = bare_registry()
    by_link = {f"deployment.{name}" for name in ("followSharedLines", "shared", "sharedLines")}
    wanted = {"organization.acceptInvitation", *by_link}
    assert {name for name, each in PERMISSIONS.items() if each.least is Role.GUEST} == wanted
    assert {name for name in PERMISSIONS if registry.is_open(name)} == wanted
