"""The permissions of operations, for tests that ask a service or the policy itself."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.policy import Permission
from headway.operations import bare_registry

PERMISSIONS: Mapping[str, Permission] = {each.name: each.permission for each in bare_registry()}


def permission(name: str) -> Permission:
    """What it takes to call the operation of this name."""
    return PERMISSIONS[name]
