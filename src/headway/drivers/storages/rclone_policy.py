"""What somebody may ask of rclone: storages elsewhere, and no way to this machine's files, programs or own rights.

What may be given is listed, by type and option, in ``rclone_verdicts.json``; what is not in it is refused, and so is an
option of a later rclone until somebody has judged it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from headway.kernel.errors import InvalidInput

S3 = "s3"
LOCAL = "local"

_FLAG = re.compile(r"--([a-z0-9-]+)(=[a-zA-Z0-9._:/@,-]+)?")
_FLAGS = re.compile(
    r"s3-(acl|bucket-acl|chunk-size|copy-cutoff|directory-markers|disable-checksum|disable-http2|force-path-style|leave-"
    r"parts-on-error|list-version|location-constraint|max-upload-parts|no-head|no-head-object|no-system-metadata|region|"
    r"requester-pays|server-side-encryption|sse-kms-key-id|storage-class|upload-concurrency|upload-cutoff|use-"
    r"accelerate-endpoint|use-dual-stack|use-multipart-etag|use-unsigned-payload|v2-auth|sign-accept-encoding|versions)"
    r"|no-check-certificate|bwlimit|timeout|contimeout|low-level-retries|tpslimit|tpslimit-burst|buffer-size|user-agent"
    r"|no-gzip-encoding|disable-http2|expect-continue-timeout|multi-thread-streams|retries|retries-sleep"
)


@cache
def verdicts() -> Mapping[str, Any]:
    """The list, as it lies beside this file."""
    text = resources.files("headway.drivers.storages").joinpath("rclone_verdicts.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def check_type(kind: str) -> None:
    """Whether a storage of this kind may be used. Raises InvalidInput."""
    found = _type(kind)
    if found is None or "refused" in found:
        why = "" if found is None else f": it {verdicts()['reasons_of_types'][found['refused']]}"
        raise InvalidInput(
            f"{kind!r} is no storage that backups can lie in{why}. Give s3, or another type of docs/destinations.md, "
            "such as sftp, azureblob or b2; leave it out and set provider to local for a folder of this machine."
        )


def judged_options(kind: str, options: Mapping[str, str]) -> dict[str, str]:
    """The options that a storage of a kind that may be used is given, by rclone's own names: case, ``-`` and ``_`` are
    alike there, and so here. Raises InvalidInput.
    """
    judged: dict[str, str] = {}
    for given, value in options.items():
        name = given.lower().replace("-", "_") if given.isascii() else given
        if name in judged:
            raise InvalidInput(f"The option {name} is given twice.")
        _check_option(kind, given, name)
        if "\n" in value and name in addresses_of(kind):
            raise InvalidInput(f"The option {name} is one line.")
        judged[name] = value
    return judged


def addresses_of(kind: str) -> tuple[str, ...]:
    """The options of a storage that name an address, to which it is spoken and what opens it is sent."""
    return tuple((_type(kind) or {}).get("addresses", ()))


def check_flags(flags: Iterable[str]) -> None:
    """Whether these flags of rclone's are about the storage and nothing else. Raises InvalidInput."""
    for flag in flags:
        found = _FLAG.fullmatch(flag)
        if found is None or not _FLAGS.fullmatch(found[1]):
            raise InvalidInput(
                f"The flag {flag!r} is not passed on to rclone: only those about S3 (--s3-…), bounds and time-outs "
                "are, each as --name=value."
            )


def check_bucket(bucket: str) -> None:
    """Whether this is a bucket, or a folder, and a way below it and nothing else. Raises InvalidInput."""
    if ".." in re.split(r"[/\\]", bucket):
        raise InvalidInput("The bucket's name holds no '..'.")
    if any(character in ":,\\'\"`$" or not character.isprintable() for character in bucket):
        raise InvalidInput(f"{bucket!r} is no bucket or folder: it holds no colons, commas, quotes or backslashes.")


def _check_option(kind: str, given: str, name: str) -> None:
    found = _type(kind) or {}
    if name in found.get("allowed", ()):
        return
    reasons = verdicts()["reasons_of_options"]
    why = next((reasons[each] for each, names in found.get("refused_options", {}).items() if name in names), "")
    if not why:
        raise InvalidInput(f"{given!r} is no option that a {kind} storage may be given: docs/destinations.md has them.")
    raise InvalidInput(
        f"The option {name} of a {kind} storage is given to nobody: it {why}. Give what opens the storage by an option "
        "of its own, such as key_pem instead of key_file."
    )


def _type(kind: str) -> Mapping[str, Any] | None:
    """What is said of a type, by rclone's name of it or the short one."""
    types: Mapping[str, Mapping[str, Any]] = verdicts()["types"]
    return types.get(kind) or next((each for each in types.values() if each.get("also") == kind), None)
