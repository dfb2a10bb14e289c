"""What is queued for a deploy of a database."""

from __future__ import annotations

from dataclasses import replace

from headway.core.deployments.model import Request, SubjectType
from headway.features.services.application.requests import deploy_request
from headway.features.services.database.connection import KIND, VERSION
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import Database


def request_of(database: Database) -> Request:
    """A deploy as of any application, or, of one that runs elsewhere, a question whether it answers."""
    asked = replace(
        deploy_request(database.runs, allow_file=False),
        subject_type=SubjectType.DATABASE,
        subject_id=database.database_id,
    )
    if database.settings.elsewhere is None:
        return asked
    return replace(asked, kind=KIND, kind_version=VERSION, default_title=f"Connect to {KINDS[database.kind].title}")
