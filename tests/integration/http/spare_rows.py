"""The rows of the table of access that are about searches, and what only some clients call."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from tests.integration.http.access_rows import ADMIN, ANY, MEMBER, MUTATION, OWN, QUERY, READ, SET, Row

A_GIT_URL = {"customGitUrl": "https://git.example/x.git"}
APPLICATION = {"applicationId": "{application}"}

COMPOSE = {"composeId": "{compose}"}
_TEMPLATE = {"compose": "services: {web: {image: debian}}", "config": '[config.env]\nA = "1"\n'}
A_TEMPLATE = {"base64": base64.b64encode(json.dumps(_TEMPLATE).encode()).decode()}

SPARE_ROWS: Mapping[str, Row] = {
    "application.readAppMonitoring": Row(QUERY, {"appName": "a"}, MEMBER, READ, OWN),
    "compose.import": Row(MUTATION, COMPOSE | A_TEMPLATE, ADMIN, SET),
    "compose.move": Row(MUTATION, COMPOSE | {"targetEnvironmentId": "{environment}"}, ADMIN, SET),
    "compose.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "server.getServerMetrics": Row(QUERY, {}, ADMIN, READ, OWN),
    "settings.getIp": Row(QUERY, {}, ADMIN, READ, OWN),
    "settings.getUpdateData": Row(MUTATION, {}, MEMBER, ANY, OWN),
    "user.getBackups": Row(QUERY, {}, ADMIN, READ, OWN),
    "user.getMetricsToken": Row(QUERY, {}, ADMIN, READ, OWN),
    "application.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "application.saveGitProdiver": Row(MUTATION, APPLICATION | A_GIT_URL, ADMIN, SET),
}
