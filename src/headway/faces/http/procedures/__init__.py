"""The procedures of the API, one file for each router."""

from __future__ import annotations

from headway.faces.http.procedures import application, deployment, environment, project, settings, ssh_key, user
from headway.faces.http.registry import Procedure
from headway.faces.http.streams import Follows


def all_procedures(follows: Follows) -> tuple[Procedure, ...]:
    """Every procedure; ``follows`` keeps who follows a deployment."""
    return (
        *application.procedures(),
        *deployment.procedures(follows),
        *environment.procedures(),
        *project.procedures(),
        *settings.procedures(),
        *ssh_key.procedures(),
        *user.procedures(),
    )
