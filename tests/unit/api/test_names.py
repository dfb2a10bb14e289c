"""The floors below know no operation by its name: what one may do is handed to them as a permission. Pages ask by name,
as everybody does who calls.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.panel.permissions import PERMISSIONS

SOURCE = Path(__file__).parents[3] / "src/headway"
# Kinds of deployments, which stand in rows by these names, and were named as what asks for them.
KINDS = {"application.deploy", "application.run", "backup.drill", "compose.deploy", "server.setup"}


@pytest.mark.slow
def test_neither_the_core_nor_a_service_names_an_operation() -> None:
    files = [
        path for floor in ("kernel", "infra", "drivers", "core", "features") for path in (SOURCE / floor).rglob("*.py")
    ]
    below = [path for path in files if not {"api", "dokploy", "pages"} & set(path.parts)]
    assert len(below) > 800
    operations = PERMISSIONS.keys() - KINDS
    named = [
        f"{path.relative_to(SOURCE)}:{each.lineno}: {each.value}"
        for path in sorted(below)
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value in operations
    ]
    assert named == []
