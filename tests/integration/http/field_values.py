"""What is sent in each field of a write to see whether it is kept: two values, and what some want beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from headway.api.operation import Operation
from tests.attacks.test_foreign_ids import FORGES, KINDS, MANY, NAMES
from tests.support.certificates.certificates import certificate_for
from tests.support.forges.forge_apis import Facts, app_key

Json = Any
URLS = ("https://a.example", "https://b.example")
CRONS = ("1 2 * * *", "2 3 * * *")
OF_A_TYPE: Mapping[str, tuple[Json, ...]] = {
    "string": ("a", "b"),
    "number": (1, 2),
    "boolean": (True, False),
    "array": (["a"], ["b"]),
    "object": ({"a": "b"}, {"a": "c"}),
}
# Of what takes certain words only, by the field's name or by its procedure's too.
WORDS: Mapping[str, tuple[Json, ...]] = {
    **dict.fromkeys(("apiUrl", "serverUrl", *(f"{each}Url" for each in FORGES)), URLS),
    **dict.fromkeys(("cpuLimit", "cpuReservation"), ("0.5", "1")),
    **dict.fromkeys(("memoryLimit", "memoryReservation"), (str(128 << 20), str(256 << 20))),
    **dict.fromkeys(("cronExpression", "backup.create schedule", "backup.update schedule"), CRONS),
    **dict.fromkeys(("githubAppId", "githubInstallationId"), ("1", "2")),
    **dict.fromkeys(("healthCheckPath", "hostPath", "path", "internalPath", "mountPath"), ("/a", "/b")),
    "additionalFlags": (["--s3-acl=private"], ["--s3-acl=public-read"]),
    "bitbucketEmail": ("a@a.example", "b@b.example"),
    "build": ({"install": "a"}, {"start": "b"}),
    "certificateData": ("{certificate_pem}",),
    "chatId": ("-1001", "@ops"),
    "commit": ("a" * 40, "b" * 40),
    "composeFile": ("services: {a: {image: debian}}", "services: {b: {image: debian}}"),
    "connection": ({"host": "203.0.113.9", "port": 1}, {"host": "203.0.113.8", "port": 2}),
    "customEntrypoint": ("web",),
    "customGitUrl": ("https://a.example/a.git", "https://b.example/b.git"),
    "deployment.createLink expiresIn": (3_600, 7_200),
    "externalAddress": ("127.0.0.1", "0.0.0.0"),  # noqa: S104 - what Docker is told
    "fromAddress": ("a@a.example", "b@b.example"),
    "loopback": ([1], [2]),
    "messageThreadId": ("1", "2"),
    "rateLimitTimeWindow": (1_000, 2_000),
    "publicKey": ("{ssh_public}",),
    "retry": (30, 60),
    "scale": ({"web": 2}, {"web": 3}),
    "scopes": (["read"], ["read", "deploy"]),
    "timezone": ("Europe/Berlin", "UTC"),
    "destination.create type": ("s3", "sftp"),
    "user.createApiKey metadata": ({"organizationId": "{organization}"}, {"a": "b"}),
}
# What a field wants beside it; null stands for what is not to be sent.
BESIDE: Mapping[str, Mapping[str, Json]] = {
    "backup.create environmentId": {"composeId": None, "connection": {"host": "203.0.113.9", "port": 1}},
    **{f"backup.create {each}Id": {"composeId": None, "databaseType": each} for each in KINDS if each != "redis"},
    "certificates.create certificateData": {"privateKey": "{certificate_key}"},
    "compose.create composeFile": {"sourceType": "raw"},
    **{
        f"domain.create {each}": {"applicationId": None, "serviceName": "web", "port": 1}
        for each in ("composeId", "previewDeploymentId")
    },
    "github.create githubAppId": {"githubInstallationId": "1", "githubPrivateKey": "{app_key}", "accessToken": None},
    "github.create githubInstallationId": {"githubAppId": "1", "githubPrivateKey": "{app_key}", "accessToken": None},
    "mounts.create content": {"type": "file", "volumeName": None},
    "mounts.create filePath": {"type": "file", "volumeName": None, "content": "x"},
    "mounts.create hostPath": {"type": "bind", "volumeName": None},
    "schedule.create composeId": {"applicationId": None, "scheduleType": "compose", "serviceName": "web"},
    "schedule.create serverId": {"applicationId": None, "scheduleType": "server"},
    "sshKey.create publicKey": {"privateKey": "{ssh_private}"},
    **{f"volumeBackups.create {each}Id": {"composeId": None, "serviceType": each} for each in ("application", *KINDS)},
}


def keys() -> dict[str, str]:
    """Things that are used up by nobody: keys that fit what is told beside them."""
    pem, key = certificate_for("a.example")
    ssh = Ed25519PrivateKey.generate()
    private = ssh.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = ssh.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return {
        "app_key": app_key(Facts()),
        "certificate_key": key,
        "certificate_pem": pem,
        "ssh_private": private.decode(),
        "ssh_public": public.decode(),
    }


def tries(
    procedure: Operation, field: str, given: Mapping[str, Json], things: Mapping[str, str]
) -> Iterator[tuple[str, Json, Mapping[str, Json]]]:
    """Each value of a field, and all that is sent with it: beside what is usual, and beside what the field wants, which
    is told apart by the first word.
    """
    wanted = BESIDE.get(f"{procedure.name} {field}")
    for value in _values(procedure, field, things):
        yield field, value, {**given, field: value}
        if wanted is not None:
            sent = {**given, **_filled(wanted, things), field: value}
            yield f"{field} as wanted", value, {name: each for name, each in sent.items() if each is not None}


def shown(read: Json, field: str) -> list[Json]:
    """What a read has in a field, or else in those of its name in the objects within."""
    if field in read:
        return [read[field]]
    return [each[field] for each in read.values() if isinstance(each, dict) and field in each]


def _values(procedure: Operation, field: str, things: Mapping[str, str]) -> tuple[Json, ...]:
    expected = procedure.expected[field]
    known = WORDS.get(f"{procedure.name} {field}") or WORDS.get(field) or expected.options
    if not known and field in NAMES:
        return ([things[NAMES[field]]] if MANY.search(field) else things[NAMES[field]],)
    return tuple(_filled(each, things) for each in known or OF_A_TYPE[expected.type])


def _filled(value: Json, things: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _filled(each, things) for name, each in value.items()}
    return things[value[1:-1]] if isinstance(value, str) and value[1:-1] in things else value
