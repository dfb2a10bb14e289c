"""What somebody may ask of rclone: storages elsewhere, and no way to this machine's files, programs or own rights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from headway.kernel.errors import InvalidInput

S3 = "s3"
LOCAL = "local"

# They lead to another remote or to this machine, or keep nothing.
_NO_STORAGES = frozenset(
    {
        *("alias", "archive", "cache", "chunker", "combine", "compress", "crypt", "hasher", "http", "memory", "union"),
        LOCAL,
    }
)
_TYPE = re.compile(r"[a-z0-9][a-z0-9 ]{0,39}")
_OPTION = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
# Options that name a file or a program of this machine, or the rights that it has by itself.
_REACHES_HERE = re.compile(
    r".*_(file|command|path|profile|socket)|ssh|set_env|env_auth|profile|remote|upstreams|copy_links|path_override"
)
_HARMLESS = frozenset({"chunk_path"})
_FLAG = re.compile(r"--([a-z0-9-]+)(=[a-zA-Z0-9._:/@,-]+)?")
_FLAGS = re.compile(
    r"s3-(acl|bucket-acl|chunk-size|copy-cutoff|directory-markers|disable-checksum|disable-http2|force-path-style|leave-"
    r"parts-on-error|list-version|location-constraint|max-upload-parts|no-head|no-head-object|no-system-metadata|region|"
    r"requester-pays|server-side-encryption|sse-kms-key-id|storage-class|upload-concurrency|upload-cutoff|use-"
    r"accelerate-endpoint|use-dual-stack|use-multipart-etag|use-unsigned-payload|v2-auth|sign-accept-encoding|versions)"
    r"|no-check-certificate|bwlimit|timeout|contimeout|low-level-retries|tpslimit|tpslimit-burst|buffer-size|user-agent"
    r"|no-gzip-encoding|disable-http2|expect-continue-timeout|multi-thread-streams|retries|retries-sleep"
)


def check_type(kind: str) -> None:
    """Whether a storage of this kind may be used. Raises InvalidInput."""
    if not _TYPE.fullmatch(kind) or kind in _NO_STORAGES:
        raise InvalidInput(
            f"{kind!r} is no storage that backups can lie in: give s3, or what `rclone help backends` lists, such as "
            "sftp, azureblob or b2; leave it out and set provider to local for a folder of this machine."
        )


def check_options(options: Mapping[str, str]) -> None:
    """Whether a storage may be given these options. Raises InvalidInput."""
    for name in options:
        if not _OPTION.fullmatch(name):
            raise InvalidInput(f"{name!r} is no option of a storage: they are written as in rclone's configuration.")
        if name not in _HARMLESS and _REACHES_HERE.fullmatch(name):
            raise InvalidInput(
                f"The option {name} reaches into the panel's own machine. Give what the file holds by an option of its "
                "own, such as key_pem instead of key_file."
            )


def check_flags(flags: Iterable[str]) -> None:
    """Whether these flags of rclone's are about the storage and nothing else. Raises InvalidInput."""
    for flag in flags:
        found = _FLAG.fullmatch(flag)
        if found is None or not _FLAGS.fullmatch(found[1]):
            raise InvalidInput(
                f"The flag {flag!r} is not passed on to rclone: only those about S3 (--s3-…), bounds and time-outs "
                "are, each as --name=value."
            )
