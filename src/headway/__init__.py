"""Headway: a self-hosted deployment platform whose statuses are facts about the machine."""

from __future__ import annotations

__version__ = "0.1.0"
