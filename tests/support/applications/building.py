"""Builds of different applications on one engine, for the tests that look whether they keep apart."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from headway.drivers.builders.dockerfile import DockerfileBuilder
from headway.kernel.errors import HeadwayError
from tests.integration.builders.imaging import image_spec_of, run_image
from tests.integration.builders.workspaces import lay_out
from tests.integration.worksite import Worksite
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

FROM = f"FROM {BASE_IMAGE}\n"


@dataclass(kw_only=True)
class Tenant:
    """An application with a Dockerfile, which is built anew each time."""

    site: Worksite
    engine: Engine
    group: str
    builds: int = 0

    async def build(self, dockerfile: str | bytes, files: Mapping[str, str] | None = None, **options: Any) -> str:  # noqa: ANN401
        """The name of the image that comes of it; ``options`` are fields of ImageSpec."""
        self.builds += 1
        text = dockerfile if isinstance(dockerfile, str) else dockerfile.decode(errors="surrogateescape")
        name = f"headway-test/{self.group}:r-{self.builds}"
        spec = image_spec_of(self.site, self.engine, name=name, **options)
        assert spec.image is not None
        spec = replace(spec, image=replace(spec.image, group=self.group))
        shutil.rmtree(self.site.folder / "releases", ignore_errors=True)
        workspace = lay_out(self.site, {"Dockerfile": text, **(files or {})})
        await self.site.begin_again()
        await DockerfileBuilder().build(self.site, workspace, spec)
        return name

    async def refused(self, dockerfile: str | bytes, files: Mapping[str, str] | None = None, **options: Any) -> str:  # noqa: ANN401
        """What is said of a build that is refused, with its log."""
        with pytest.raises(HeadwayError) as refused:
            await self.build(dockerfile, files, **options)
        return f"{refused.value}\n{await self.site.log()}"

    def says(self, image: str, path: str) -> str:
        """What a file of an image holds."""
        return run_image(self.engine, image, "cat", path).strip()


def tenants(site: Worksite, engine: Engine) -> tuple[Tenant, Tenant]:
    """Two applications of different organisations."""
    victim, attacker = (
        Tenant(site=site, engine=engine, group=f"{who}-{secrets.token_hex(4)}") for who in ("victim", "eve")
    )
    return victim, attacker
