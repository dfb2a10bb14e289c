"""What images of plans begin with in tests: the base image, with what this machine has of pip and Node. No registry of
images is asked.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.docker.docker_engine import BASE_IMAGE, Engine

PLAN_BASE = "headway-test/plans:local"
LANGUAGES = ("python", "node", "go", "deno", "bun", "other")
# Which the base has itself.
_OF_LIBC = ("libc.", "libm.", "libdl.", "libpthread.", "librt.", "ld-linux", "linux-vdso")


def build_images(image: str = PLAN_BASE) -> str:
    """HEADWAY_BUILD_IMAGES, with that image for all."""
    return " ".join(f"{language}={image}" for language in LANGUAGES)


def make_plan_base(engine: Engine) -> None:
    """Gives the engine the image, quickly when it has it: Python with pip, and Node."""
    if engine.docker("image", "ls", "--quiet", PLAN_BASE).strip():
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        for place in ("usr/share/python-wheels", *_ensurepips()):
            shutil.copytree(Path("/", place), root / place)
        authorities = Path("etc/ssl/certs/ca-certificates.crt")  # without which Debian's pip does not start
        (root / authorities).parent.mkdir(parents=True)
        shutil.copy(Path("/", authorities), root / authorities)
        _copy_program("node", root)
        text = f"FROM {BASE_IMAGE}\nCOPY root/ /\nRUN ldconfig\n"
        Path(folder, "Dockerfile").write_text(text)
        engine.docker("build", "--quiet", "--tag", PLAN_BASE, folder, timeout=180)


def _ensurepips() -> list[str]:
    return [str(path)[1:] for path in Path("/usr/lib").glob("python3.*/ensurepip")]


def _copy_program(name: str, root: Path) -> None:
    program = shutil.which(name)
    assert program is not None, f"this machine has no {name}"
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    libraries = [line.split()[2] for line in said.splitlines() if " => /" in line]
    wanted = [Path(each) for each in libraries if not Path(each).name.startswith(_OF_LIBC)]
    for path, place in ((Path(program), root / "usr/bin"), *((each, root / "usr/lib") for each in wanted)):
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place / path.name)
