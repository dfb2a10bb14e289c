"""Hands an environment over to a program on a server ahead of what it reads, so that no argument holds a secret."""

from __future__ import annotations

import struct
from collections.abc import Mapping

# Nothing is read beyond the environment: what follows is the program's own.
_TAKES = """\
sub taken {
    my ($count, $text) = (shift, q());
    while (length $text < $count) { sysread STDIN, $text, $count - length $text, length $text or exit 125 }
    return $text;
}
my %given = split /\\0/, taken(unpack 'N', taken(4)), -1;
@ENV{keys %given} = values %given;
exec { $ARGV[0] } @ARGV or print STDERR "There is no program $ARGV[0] on the server ($!).\\n";
exit 127;
"""


def taking(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The program, begun by one that first takes an environment from standard input."""
    return ("perl", "-e", _TAKES, "--", *argv)


def ahead(env: Mapping[str, str]) -> bytes:
    """The environment, as it goes ahead of what the program is to read."""
    fields = "\0".join(field for pair in env.items() for field in pair).encode()
    return struct.pack(">I", len(fields)) + fields
