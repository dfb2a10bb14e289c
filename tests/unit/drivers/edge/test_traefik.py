"""Traefik's arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.drivers.edge.traefik import Https, checked_folder, command_line
from headway.kernel.errors import InvalidInput


def test_the_command_line_exposes_and_sends_nothing_beside() -> None:
    arguments = command_line(
        Path("/bin/traefik"), Path("/e/routes"), host="127.0.0.1", port=80, https=None, state=Path("/e")
    )
    assert arguments == (
        "/bin/traefik",
        "--entrypoints.web.address=127.0.0.1:80",
        "--entrypoints.web.transport.respondingtimeouts.readtimeout=600s",
        "--providers.file.directory=/e/routes",
        "--providers.file.watch=true",
        "--providers.providersthrottleduration=10ms",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
    )


def test_certificates_are_asked_for_only_with_a_mail_address() -> None:
    def arguments(https: Https) -> tuple[str, ...]:
        return command_line(Path("t"), Path("/r"), host="::", port=80, https=https, state=Path("/e"))

    assert "--entrypoints.secure.address=[::]:443" in arguments(Https(port=443))
    assert not any("acme" in argument for argument in arguments(Https(port=443)))
    assert "--certificatesresolvers.acme.acme.email=a@b.c" in arguments(Https(port=443, mail="a@b.c"))


@pytest.mark.parametrize("folder", ["relative", "/a{{b", "/a\nb"])
def test_a_folder_that_cannot_be_named_is_refused(folder: str) -> None:
    with pytest.raises(InvalidInput):
        checked_folder(Path(folder))
