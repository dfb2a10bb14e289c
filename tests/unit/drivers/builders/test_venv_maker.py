"""What makes virtual environments is run by old Pythons too, with the pip that came with them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from headway.drivers.builders.languages import venv_maker


def test_python_3_6_can_read_it() -> None:
    text = Path(venv_maker.__file__).read_text()
    read = ast.parse(text, feature_version=(3, 6))
    futures = [node for node in ast.walk(read) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert futures == []  # each that there is came later than 3.6


def test_what_it_calls_pip_is_pip_wherever_that_has_its_parts(tmp_path: Path) -> None:
    package = tmp_path / "pip"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys\nsys.exit(f'old pip with {sys.argv[1:]}')\n")
    program = tmp_path / "program"
    program.write_text(venv_maker.PIP.format(python=sys.executable))
    said = subprocess.run(
        [sys.executable, program, "install"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert (said.returncode, said.stderr) == (1, "old pip with ['install']\n")
