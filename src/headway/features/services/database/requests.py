"""What is queued for a deploy of a database."""

from __future__ import annotations

from dataclasses import replace

from headway.core.deployments.model import Request
from headway.features.services.application.deploy import APPLICATION_DEPLOY
from headway.features.services.database.connection import KIND, VERSION
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import Database
from headway.features.services.requests import deploy_request


def request_of(database: Database) -> Request:
    """A deploy as of any application, or, of one that runs elsewhere, a question whether it answers."""
    asked = deploy_request(database.runs, APPLICATION_DEPLOY, allow_file=False)
    if database.settings.elsewhere is None:
        return asked
    return replace(asked, kind=KIND, kind_version=VERSION, default_title=f"Connect to {KINDS[database.kind].title}")
