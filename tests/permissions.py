"""The permissions of procedures, for tests that ask a service or the policy itself."""

from __future__ import annotations

from headway.core.access.policy import Permission
from headway.faces.http.rules import RULES


def permission(procedure: str) -> Permission:
    """What it takes to call a procedure."""
    return RULES[procedure]
