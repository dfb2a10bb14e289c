"""The labels on all that is made in an engine: whose it is, and how it is found again."""

from __future__ import annotations

PANEL = "headway.panel"
PROJECT = "headway.project"
APPLICATION = "headway.application"
NAME = "headway.name"
DEPLOYMENT = "headway.deployment"
RELEASE = "headway.release"
COMPOSE = "headway.compose"
SWARM = "headway.swarm"
# Whose labels tell where a container belongs: Headway's own, and Compose's.
OWN_FAMILIES = ("headway.", "com.docker.compose.")


def labelled(**wanted: str) -> dict[str, list[str]]:
    """The filter of a listing for what carries these labels, by their last words: ``labelled(release=…)``."""
    return {"label": [f"headway.{name}={value}" for name, value in wanted.items()]}
