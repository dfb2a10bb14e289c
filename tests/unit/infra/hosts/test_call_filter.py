"""What the filter of system calls says, carried out as the kernel does, for machines that are not this one too."""

from __future__ import annotations

import struct

import pytest

from headway.infra.hosts.call_filter import call_filter

ALLOW, EPERM, ENOSYS, PROTOCOL, FAMILY = 0x7FFF0000, 0x50001, 0x50026, 0x5005D, 0x50061
X86_64, I386, ARM64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
NEW_USER = 0x10000000


def verdict(text: bytes, kind: int, number: int, *arguments: int) -> int:
    """Runs the filter on a call."""
    six = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, kind, 0, *six)
    rows = list(struct.iter_unpack("=HBBI", text))
    at = held = 0
    while True:
        operation, yes, no, value = rows[at]
        at += 1
        if operation == 0x20:
            held = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x05:
            at += value
        elif operation == 0x06:
            return int(value)
        else:
            holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[operation]
            at += yes if holds else no


@pytest.mark.parametrize(
    ("machine", "kind", "number", "arguments", "says"),
    [
        ("x86_64", X86_64, 0, (), ALLOW),  # read
        ("x86_64", X86_64, 59, (), ALLOW),  # execve
        ("x86_64", X86_64, 165, (), EPERM),  # mount
        ("x86_64", X86_64, 321, (), EPERM),  # bpf
        ("x86_64", X86_64, 425, (), EPERM),  # io_uring_setup
        ("x86_64", X86_64, 435, (), ENOSYS),  # clone3
        ("x86_64", X86_64, 56, (0x3D0F00,), ALLOW),  # clone, of a thread
        ("x86_64", X86_64, 56, (NEW_USER | 17,), EPERM),
        ("x86_64", X86_64, 56, (NEW_USER | 17 | 1 << 40,), EPERM),
        ("x86_64", X86_64, 272, (0x400,), ALLOW),  # unshare
        ("x86_64", X86_64, 272, (NEW_USER | 0x400,), EPERM),
        ("x86_64", X86_64, 41, (2, 1, 6), ALLOW),  # socket
        ("x86_64", X86_64, 41, (16, 3, 0), ALLOW),
        ("x86_64", X86_64, 41, (2, 1, 262), PROTOCOL),
        ("x86_64", X86_64, 41, (10, 1, 262), PROTOCOL),
        ("x86_64", X86_64, 41, (40, 1, 0), FAMILY),
        ("x86_64", X86_64, 0x40000000 + 165, (), ENOSYS),  # x32
        ("x86_64", I386, 3, (), ALLOW),
        ("x86_64", I386, 21, (), EPERM),
        ("x86_64", I386, 165, (), ALLOW),  # which is no mount there
        ("x86_64", I386, 120, (NEW_USER,), EPERM),
        ("x86_64", I386, 310, (NEW_USER,), EPERM),
        ("x86_64", I386, 359, (2, 1, 262), PROTOCOL),
        ("x86_64", I386, 102, (1,), ENOSYS),  # socketcall, for a socket
        ("x86_64", I386, 102, (3,), ALLOW),  # for a connection
        ("x86_64", ARM, 3, (), ENOSYS),
        ("aarch64", ARM64, 63, (), ALLOW),  # read
        ("aarch64", ARM64, 40, (), EPERM),  # mount
        ("aarch64", ARM64, 220, (NEW_USER | 17,), EPERM),  # clone
        ("aarch64", ARM64, 97, (NEW_USER,), EPERM),  # unshare
        ("aarch64", ARM64, 198, (17, 3, 0), FAMILY),  # socket
        ("aarch64", ARM64, 435, (), ENOSYS),
        ("aarch64", ARM, 21, (), ENOSYS),
    ],
)
def test_what_the_filter_says(machine: str, kind: int, number: int, arguments: tuple[int, ...], says: int) -> None:
    assert verdict(call_filter(machine), kind, number, *arguments) == says


def test_a_machine_whose_numbers_are_not_known_has_no_filter() -> None:
    assert call_filter("riscv64") == b""
