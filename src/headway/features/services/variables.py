"""A service's variables with those of the project and the environment that it lies in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.features.projects import store
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx
from headway.kernel.layers import Layer
from headway.kernel.variables import parse_variables
from headway.kernel.vault import Vault


def layers_of(tx: Tx, service: Service[Any], vault: Vault) -> dict[Layer, Mapping[str, str]]:
    """The variables of a service, and those that they may refer to, as they were written."""
    environment = store.find_environment(tx, vault, service.environment_id)
    project = store.find_project(tx, vault, service.project_id)
    return {
        Layer.PROJECT: parse_variables(project.env),
        Layer.ENVIRONMENT: parse_variables(environment.env),
        Layer.OWN: parse_variables(service.env),
    }
