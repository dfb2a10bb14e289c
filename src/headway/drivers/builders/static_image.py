"""The builder of a site as an image: its files, built or not, and a file server."""

from __future__ import annotations

import posixpath

from headway.drivers.builders.base import BuildError, BuildSpec, ImageSpec
from headway.drivers.builders.engine import build_image, image_spec
from headway.drivers.builders.native import NativeBuilder
from headway.infra.docker.cli import ImageBuild
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.site_rules import SiteRules

_SERVER = "server"
_END = "HEADWAY_END_OF_CONFIGURATION"
# The file server's folder holds its program; what it is told serves /site on port 80.
_DOCKERFILE = f"""\
FROM scratch
COPY --from={_SERVER} caddy /server/
COPY --chmod=0444 <<"{_END}" /server/site.json
{{configuration}}
{_END}
COPY . /site/
USER 65534:65534
EXPOSE 80
CMD ["/server/caddy", "run", "--config", "/server/site.json"]
"""


class StaticImageBuilder:
    """Builds a site as the native builder does, and puts it into an image: see `Builder`."""

    async def build(self, work: Work, workspace: Workspace, spec: BuildSpec) -> Image:
        """The image of the site. Raises BuildError for what is no site."""
        image = image_spec(spec)
        bundle = await NativeBuilder().build(work, workspace, spec)
        if bundle.static_root is None:
            raise BuildError(
                "This is no static site: something is to be run here. Choose another builder, or set the output folder "
                "(headway apps set APP --publish FOLDER) that holds the site."
            )
        configuration = image.site_file(SiteRules.load(bundle.site))
        described = describe(posixpath.join(bundle.folder, bundle.static_root), image, configuration)
        return await build_image(work, spec, described)


def describe(site: str, image: ImageSpec, configuration: str) -> ImageBuild:
    """What is built; ``configuration`` is the file server's, in one line."""
    return ImageBuild(
        context=posixpath.normpath(site),
        dockerfile_text=_DOCKERFILE.format(configuration=configuration),
        tag=image.name,
        contexts={_SERVER: image.file_server},
    )
