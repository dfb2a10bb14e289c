"""A folder with all that is in it as one stream: owners by number, modes, links, holes, times, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.drivers.dumps.base import PATH

PROGRAM = "tar"
CHANGED = 1  # tar's exit status where only something changed while it was read
ENV: Mapping[str, str] = MappingProxyType({"PATH": PATH, "LC_ALL": "C.UTF-8"})
# What the listing of an entry begins with is its type.
_JUDGE = """\
my ( $count, @devices ) = (0);
while (<STDIN>) {
    $count++;
    push @devices, ( split ' ', $_, 6 )[5] if /^[bc]/;
}
print( "$count\\n" ), exit 0 if !@devices;
my $named = join ', ', map { s/\\s+$//r } @devices[ 0 .. ( @devices < 5 ? $#devices : 4 ) ];
print STDERR "headway: The backup has devices of a machine in it, which are made for nobody: $named.\\n";
exit 3;
"""
_KEPT = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls")


def read(folder: str) -> tuple[str, ...]:
    """Writes what is in a folder to standard output; times to the nanosecond, holes as holes."""
    return (PROGRAM, "--create", "--format=posix", "--sparse", *_KEPT, "--file=-", f"--directory={folder}", ".")


def list_names() -> tuple[tuple[str, ...], ...]:
    """Reads the whole stream and prints how many entries it has."""
    return ((PROGRAM, "--list", "--file=-", "--quoting-style=escape"), ("wc", "--lines"))


def judge() -> tuple[tuple[str, ...], ...]:
    """Reads the whole stream and prints how many entries it has, if none of them is a device."""
    return (
        (PROGRAM, "--list", "--verbose", "--numeric-owner", "--file=-", "--quoting-style=escape"),
        ("perl", "-e", _JUDGE),
    )


def write(folder: str) -> tuple[str, ...]:
    """Makes of standard input what ``read`` was given, in an empty folder."""
    kept = ("--same-owner", "--same-permissions", "--delay-directory-restore", *_KEPT)
    return (PROGRAM, "--extract", *kept, "--file=-", f"--directory={folder}")


def write_own(folder: str) -> tuple[str, ...]:
    """The same by an account that is to own all of it."""
    kept = ("--no-same-owner", "--same-permissions", "--delay-directory-restore", *_KEPT)
    return (PROGRAM, "--extract", *kept, "--file=-", f"--directory={folder}")


def tame(folder: str) -> tuple[str, ...]:
    """Takes out of a folder what an application's own data does not hold, and prints what that was."""
    pipes = ("-type", "p", "-printf", "The pipe %P is left out.\\n", "-delete")
    rights = ("(", "-not", "-type", "l", ")", "-perm", "/6000", "-printf", "The file %P loses its setuid bit.\\n")
    # It goes back to where it was begun, which on a server is a folder that the account may not enter.
    return ("env", "--chdir=/", "find", folder, *pipes, "-o", *rights, "-exec", "chmod", "a-s", "--", "{}", "+")
