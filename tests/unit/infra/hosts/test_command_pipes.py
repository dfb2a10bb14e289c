"""A command's pipes, when it is over: what was left in them is taken, and no more."""

from __future__ import annotations

import subprocess

from headway.infra.hosts import anchor

PARTS = ("kernel", "link", "processes", "cgroups", "command")
TAKE_ALL_OF = b"""
my ($place) = @ARGV;
open my $pipe, '<', $place or die $!;
my $command = bless { output => $pipe }, 'Headway::Command';
package Spool { sub write { $_[0]{size} += length $_[1]; return } }
my $spool = bless { size => 0 }, 'Spool';
$command->drain_pipes($spool);
print $spool->{size};
"""


def test_a_pipe_that_somebody_else_keeps_filling_is_let_go_of() -> None:
    program = b"".join(anchor.part(name) for name in PARTS) + TAKE_ALL_OF
    argv = ["perl", "-w", "-", "/dev/zero"]
    said = subprocess.run(argv, input=program, capture_output=True, timeout=20, check=False)
    assert (int(said.stdout), said.stderr) == (1 << 20, b""), "as much as a pipe can hold"
