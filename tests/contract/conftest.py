"""What the suites of this folder are run with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.infra.hosts.base import Host
from tests.contract.host_forms import FORMS, Form


@pytest.fixture(params=FORMS)
async def form(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Form]:
    async with FORMS[request.param](tmp_path) as form:
        yield form


@pytest.fixture
def host(form: Form) -> Host:
    return form.host
