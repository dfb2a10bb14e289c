"""What was done about a delivery, and what its signature is worth, in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# Each outcome as a state (a key of ``words.STATES``) and its word.
OUTCOMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "queued": ("done", "started a deployment"),
        "skipped": ("idle", "started nothing"),
        "refused": ("error", "refused"),
        "removed": ("stopped", "preview removed"),
    }
)
SIGNATURES: Mapping[str, str] = MappingProxyType(
    {
        "valid": "valid: its sender knows the service's webhook secret",
        "unasked": "not asked for: the service has no webhook secret, and whoever knows its address can deploy it",
        "missing": "missing, though the service has a webhook secret",
        "wrong": "wrong: it was made with another secret than the service has",
        "vouched": "not looked at: somebody who may deploy has taken it again",
    }
)
SENDERS: Mapping[str, str] = MappingProxyType(
    {
        "github": "GitHub",
        "gitlab": "GitLab",
        "gitea": "Gitea",
        "bitbucket": "Bitbucket",
        "registry": "a registry",
        "generic": "a call",
    }
)


def outcome_state(outcome: str) -> Mapping[str, str]:
    """An outcome as the macro of states takes it."""
    key, word = OUTCOMES.get(outcome, ("idle", outcome))
    return {"key": key, "word": word}


def sender(word: str) -> str:
    """Whoever sent it, by name."""
    return SENDERS.get(word, word)
