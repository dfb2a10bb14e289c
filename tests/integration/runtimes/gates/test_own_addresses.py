"""The addresses of a machine as the kernel tells them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headway.drivers.runtimes.gates.table_content import here, own_addresses

_TWICE = """\
ip link add one type veth peer name other
ip address add 10.9.8.7/24 dev one && ip address add 10.9.8.7/24 dev other
ip link set one up && ip link set other up
exec "$0" -c "
from headway.drivers.runtimes.gates.table_content import here, own_addresses
print(len(here()), *own_addresses())
"
"""


def test_the_machine_has_its_loopback() -> None:
    assert "127.0.0.1" in own_addresses()
    assert len(here()) == len(own_addresses())


@pytest.mark.root
def test_an_address_that_two_interfaces_have_is_one_of_the_machine() -> None:
    said = subprocess.run(
        ["unshare", "--net", "sh", "-ec", _TWICE, sys.executable], capture_output=True, text=True, check=False
    )
    count, *addresses = said.stdout.split()
    assert "10.9.8.7" in addresses, said.stderr
    assert int(count) == len(addresses)
