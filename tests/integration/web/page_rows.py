"""The table of access for pages: of each page the operation of the API whose row says who is shown it."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.model import Role
from tests.integration.http.access_rows import MEMBER, MINE, OWN, QUERY, READ, Row
from tests.integration.http.access_table import TABLE
from tests.integration.http.callers import Caller
from tests.integration.http.test_access_table import FORBIDS, LETS_IN, expected

_ANYBODY = Row(QUERY, {}, MEMBER, READ, OWN)

_OPENED_BY: Mapping[str, str | Row] = {
    "/account": "account.sessions",
    "/account/passkeys/{passkeyId}": "account.renamePasskey",
    "/account/sessions/{sessionId}": "account.endSession",
    "/audit": "auditLog.all",
    "/backups": "backup.overview",
    "/backups/new": "service.all",
    "/backups/of/{kind}/{sourceId}": "service.one",
    "/backups/{backupId}": "volumeBackups.one",
    "/backups/{backupId}/destination": "backup.listBackupFiles",
    "/backups/{backupId}/files/{file}": "volumeBackups.one",
    "/containers": "docker.all",
    "/containers/servers/{serverId}/{containerId}": "docker.one",
    "/containers/{containerId}": "docker.one",
    "/deployments": "deployment.search",
    "/deployments/links": "deployment.allLinks",
    "/deployments/several": "deployment.search",
    "/deployments/{deploymentId}": "deployment.one",
    "/deployments/{deploymentId}/links": "deployment.links",
    "/deployments/{deploymentId}/links/{linkId}": "deployment.links",
    "/destinations": "destination.all",
    "/destinations/{destinationId}": "destination.one",
    "/disk": "disk.usage",
    "/git-providers": "gitProvider.getAll",
    "/git-providers/{gitProviderId}": "gitea.one",
    "/home": _ANYBODY,
    "/keys": "user.apiKeys",
    "/keys/{apiKeyId}": "user.updateApiKey",  # and see status_of
    "/members": _ANYBODY,
    "/members/groups": "organization.groupRules",
    "/members/groups/{groupRuleId}": "organization.removeGroupRule",
    "/members/invitations/{invitationId}": "organization.removeInvitation",
    "/members/users/{userId}": "user.one",
    "/new": "project.allForPermissions",
    "/new/provider": "gitProvider.allForPermissions",
    "/new/provider/{gitProviderId}": "gitea.one",
    "/new/provider/{gitProviderId}/{owner}/{repository}": "gitea.one",
    "/new/services/{serviceId}": "service.one",
    "/notifications": "notification.all",
    "/notifications/notices/{noticeId}": "notification.notice",
    "/notifications/{notificationId}": "notification.one",
    "/palette": _ANYBODY,
    "/previews": "previewDeployment.overview",
    "/previews/of/{kind}/{serviceId}": "service.one",
    "/previews/{previewDeploymentId}": "previewDeployment.one",
    "/projects": "project.all",
    "/projects/{projectId}": "project.one",
    "/projects/{projectId}/environments/{environmentId}": "environment.one",
    "/registries": "registry.all",
    "/registries/{registryId}": "registry.one",
    "/schedules": "schedule.overview",
    "/schedules/in/{target}/{targetId}": "service.one",
    "/schedules/new": "service.all",
    "/schedules/{scheduleId}": "schedule.one",
    "/servers": "server.all",
    "/servers/{serverId}": "server.one",
    "/servers/{serverId}/connection": "server.validate",
    "/services": "service.all",
    "/services/{serviceId}": "service.one",
    "/services/{serviceId}/companions": "service.one",
    "/services/{serviceId}/danger": "service.one",
    "/services/{serviceId}/detected": "application.detect",
    "/services/{serviceId}/domain/{domainId}": "service.one",
    "/services/{serviceId}/domains": "service.one",
    "/services/{serviceId}/log": "service.one",
    "/services/{serviceId}/login/{securityId}": "service.one",
    "/services/{serviceId}/mount/{mountId}": "service.one",
    "/services/{serviceId}/port/{portId}": "service.one",
    "/services/{serviceId}/redirect/{redirectId}": "service.one",
    "/services/{serviceId}/releases": "service.one",
    "/services/{serviceId}/rollback/{releaseId}": "rollback.preview",
    "/services/{serviceId}/settings": "service.one",
    "/services/{serviceId}/terminal": "service.one",
    "/services/{serviceId}/variable/{name}": "service.one",
    "/services/{serviceId}/variables": "service.one",
    "/settings": "settings.about",
    "/settings/certificates": "certificates.all",
    "/settings/certificates/{certificateId}": "certificates.one",
    "/settings/environment": Row(QUERY, {}, MEMBER, READ, MINE),  # whose the machine is
    "/shared/{token}": "deployment.shared",
    "/ssh-keys": "sshKey.all",
    "/ssh-keys/{sshKeyId}": "sshKey.one",
    "/webhooks": "webhook.search",
    "/webhooks/{deliveryId}": "webhook.one",
}
PAGE_ROWS: Mapping[str, Row] = {
    path: TABLE[opened] if isinstance(opened, str) else opened for path, opened in _OPENED_BY.items()
}
# The callers who can sign in: a session is whoever has it, with all that they may.
PEOPLE = (
    *("owner", "admin", "owner of others"),
    *("member of the project", "member with the service", "member without access"),
)


def status_of(caller: Caller, path: str) -> int:
    """What the table says that this caller gets of a page. A key of another is seen by admins, who may not change it:
    that ``user.apiKeys`` lists it to them has no row of its own.
    """
    status = expected(caller, PAGE_ROWS[path])
    return LETS_IN if path == "/keys/{apiKeyId}" and status == FORBIDS and caller.role >= Role.ADMIN else status
