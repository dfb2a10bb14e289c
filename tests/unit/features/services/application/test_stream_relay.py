"""When what passes between machines is compressed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.features.services.application.stream_relay import is_near
from headway.infra.hosts.ssh_target import SshTarget
from headway.kernel.secret import Secret

TARGET = SshTarget(name="eu", address="10.0.0.1", port=22, username="root", private_key=Secret("KEY"))


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.7.1", "127.0.0.1", "fd00::1"])
def test_a_private_network_is_never_taken_for_a_slow_link(address: str) -> None:
    assert is_near(replace(TARGET, address=address))
    assert not is_near(replace(TARGET, address=address, jump=TARGET))


@pytest.mark.parametrize("address", ["8.8.8.8", "build.example.org", "2600::1"])
def test_whatever_else_is_measured(address: str) -> None:
    assert not is_near(replace(TARGET, address=address))
