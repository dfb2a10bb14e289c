"""The rows of the table of access about the machine, servers and SSH keys, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tests.integration.http.access_rows import ADMIN, MUTATION, ORGANISATION, OWN, OWNER, QUERY, READ, SET, Row
from tests.integration.http.world import World

A_SERVER: Mapping[str, str | int] = {"name": "s", "ipAddress": "127.0.0.1", "port": 1}
SERVER = {"serverId": "{server}"}
SSH_KEY = {"sshKeyId": "{ssh_key}"}
A_NAME = {"name": "new"}
THE_ORGANISATION = {"organizationId": "{organization}"}

SERVER_ROWS: Mapping[str, Row] = {
    "organization.grantMachine": Row(MUTATION, THE_ORGANISATION, OWNER, SET, ORGANISATION),
    "organization.machine": Row(QUERY, {}, ADMIN, READ, OWN),
    "organization.withdrawMachine": Row(MUTATION, THE_ORGANISATION, OWNER, SET, ORGANISATION),
    "server.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "server.allForPermissions": Row(QUERY, {}, ADMIN, READ, OWN),
    "server.buildServers": Row(QUERY, {}, ADMIN, READ, OWN),
    "server.count": Row(QUERY, {}, ADMIN, READ, OWN),
    "server.create": Row(MUTATION, {**A_SERVER, "ipAddress": "server.invalid"}, ADMIN, SET, OWN),
    "server.getServerTime": Row(QUERY, SERVER, ADMIN, READ, ORGANISATION),
    "server.one": Row(QUERY, SERVER, ADMIN, READ, ORGANISATION),
    "server.publicIp": Row(QUERY, SERVER, ADMIN, READ, ORGANISATION),
    "server.remove": Row(MUTATION, SERVER, ADMIN, SET, ORGANISATION),
    "server.setup": Row(MUTATION, SERVER, ADMIN, SET, ORGANISATION),
    "server.update": Row(MUTATION, SERVER | {"name": "renamed"}, ADMIN, SET, ORGANISATION),
    "server.usage": Row(QUERY, SERVER, ADMIN, READ, ORGANISATION),
    "server.validate": Row(QUERY, SERVER, ADMIN, READ, ORGANISATION),
    "server.withSSHKey": Row(QUERY, {}, ADMIN, READ, OWN),
    "sshKey.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "sshKey.allForApps": Row(QUERY, {}, ADMIN, READ, OWN),
    "sshKey.create": Row(MUTATION, A_NAME, ADMIN, SET, OWN),
    "sshKey.generate": Row(MUTATION, {"type": "ed25519"}, ADMIN, SET, OWN),
    "sshKey.one": Row(QUERY, SSH_KEY, ADMIN, READ, ORGANISATION),
    "sshKey.remove": Row(MUTATION, SSH_KEY, ADMIN, SET, ORGANISATION),
    "sshKey.update": Row(MUTATION, SSH_KEY | A_NAME, ADMIN, SET, ORGANISATION),
    "sshKey.usedBy": Row(QUERY, SSH_KEY, ADMIN, READ, ORGANISATION),
}


async def _server(world: World) -> tuple[str, ...]:
    key = await world.post("sshKey.create", name="k")
    return ((await world.post("server.create", sshKeyId=key["sshKeyId"], **A_SERVER))["serverId"],)


async def _ssh_key(world: World) -> tuple[str, ...]:
    return ((await world.post("sshKey.create", name="k"))["sshKeyId"],)


SERVER_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    ("server",): _server,
    ("ssh_key",): _ssh_key,
}
