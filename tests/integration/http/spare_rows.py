"""The rows of the table of access that are about searches, and what only some clients call."""

from __future__ import annotations

from collections.abc import Mapping

from tests.integration.http.access_rows import ADMIN, MEMBER, MUTATION, OWN, QUERY, READ, SET, Row

A_GIT_URL = {"customGitUrl": "https://git.example/x.git"}
APPLICATION = {"applicationId": "{application}"}

SPARE_ROWS: Mapping[str, Row] = {
    "application.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "application.saveGitProdiver": Row(MUTATION, APPLICATION | A_GIT_URL, ADMIN, SET),
}
