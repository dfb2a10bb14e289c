"""What is told of what registries say."""

from __future__ import annotations

import pytest

from headway.infra.docker.registries import explained

REFUSES, AWAY = "it has no such image, or not for this user", "it does not answer"
UNTRUSTED = "its certificate is not trusted here"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('Get "https://registry-1.docker.io/v2/": net/http: TLS handshake timeout', AWAY),
        ("manifest for ghcr.io/acme/mtls-proxy:latest not found: manifest unknown", "it has no image of that name"),
        ("pull access denied for smallstep/certificates, repository does not exist", REFUSES),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", UNTRUSTED),
        ("x509: certificate has expired or is not yet valid", UNTRUSTED),
        ("remote error: tls: bad certificate", UNTRUSTED),
    ],
)
def test_it_is_told_by_what_it_says_and_not_by_the_name_of_an_image(said: str, told: str) -> None:
    assert explained(f"Error response from daemon: {said}") == told
