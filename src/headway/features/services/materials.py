"""What services are made with: their sources, their images, and what is known of the edge before them."""

from __future__ import annotations

from dataclasses import dataclass

from headway.features.edge.domains_model import EdgeFacts
from headway.features.git.module import Git
from headway.features.registries.service import RegistryService


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """Each of them."""

    facts: EdgeFacts
    git: Git
    registries: RegistryService
