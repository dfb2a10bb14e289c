"""Turns what git prints when it fails into a sentence, and says whether another try could help."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import unquote

from headway.drivers.sources.commits import showable
from headway.drivers.sources.ref import Ref, RefKind
from headway.drivers.sources.remote import Remote, Transport
from headway.kernel.dataclass import dataclass

_SHOWN_NAMES = 5
_LINE_LENGTH = 300
# Most of what git prints are words of the other side. A pattern may take quadratic time of a line on the event loop.
_READ_CHARACTERS = 16 << 10
_HEAD_OF_LINE, _TAIL_OF_LINE = 400, 200


class Remedy(StrEnum):
    """What to try after a failure; NONE when nothing but the user's change helps."""

    NONE = "none"
    NAME_OTHERS = "name_others"  # say which names there are
    DISCARD = "discard"  # the mirror is damaged: make it anew
    FULL = "full"  # the server gives no single commit: fetch the history


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure of git in words that a user can act on."""

    sentence: str
    remedy: Remedy = Remedy.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    pattern: re.Pattern[str]
    sentence: str
    remedy: Remedy = Remedy.NONE


def _case(pattern: str, sentence: str, remedy: Remedy = Remedy.NONE) -> _Case:
    return _Case(pattern=re.compile(pattern, re.IGNORECASE), sentence=sentence, remedy=remedy)


_DAMAGE = (
    r"bad object|object file .* is empty|corrupt|inflate: data stream error|missing blob|missing tree|unable to unpack|"
    r"packfile .* (?:cannot be|does not match)|unable to read (?:sha1|[0-9a-f]{40})"
)
# What the other side says of itself, and what it has read in its own folder, which it names from within.
_DAMAGE_THERE = re.compile(
    rf"^(?:remote: [^\n]*(?:{_DAMAGE})|[^\n]*(?:on the remote side|(?:object file|stored in) (?:\./)?objects/))[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)
MENDED_THERE = (
    "Mend it where it is kept: git fsck --full names there what is broken; bring that back from a backup, or push "
    "again from a clone that is whole. Then deploy again."
)
_DAMAGED_THERE = "The repository {url} is damaged itself, not its copy on this machine: {detail} " + MENDED_THERE
_DAMAGED_HERE = (
    "The copy of {url} on this machine is damaged, also after it was made anew: {detail} See to the disk of this "
    "machine, and to who may write to it, then deploy again."
)

# The first that fits counts. {url}, {host}, {name} (of the ref), {known_hosts} and {detail} (the first group of the
# pattern) are filled in.
_CASES: tuple[_Case, ...] = (
    _case(r"couldn't find remote ref", "There is no {name} in {url}.", Remedy.NAME_OTHERS),
    _case(r"not our ref|unadvertised object|no such remote ref", "There is no {name} in {url}.", Remedy.FULL),
    _case(
        r"does not support shallow|shallow.*not supported|dumb http transport",
        "{host} cannot give a single state of {url}.",
        Remedy.FULL,
    ),
    _case(
        r"no user exists for uid|unshare: |you don't exist, go away",
        "ssh on this host refuses to run for the git account. Give that account an entry in the user table.",
    ),
    _case(
        r"remote host identification has changed",
        "The host key of {host} has changed since it was first seen. If that is expected (a new server), remove its "
        "line from {known_hosts} and deploy again; if not, somebody may be listening in.",
    ),
    _case(r"host key verification failed", "The host key of {host} is not accepted. See {known_hosts}."),
    _case(
        r"error in libcrypto|invalid format|incorrect passphrase|load key .*: (?!permission denied)",
        "The SSH key cannot be read. Give a private key in OpenSSH or PEM form, whole and without a passphrase.",
    ),
    _case(
        r"permission denied \(|too many authentication failures",
        "{host} refuses the SSH key. Add its public half there as a deploy key with read access, or choose the key "
        "that {host} knows.",
    ),
    _case(
        r"authentication failed for|http basic: access denied|invalid credentials|password authentication was removed",
        "{host} refuses the user name and token in the address of {url}. They may be wrong or expired, or not be "
        "allowed to read it.",
    ),
    _case(
        r"could not read (?:username|password)|terminal prompts disabled",
        "{url} asks for a password: it is private or does not exist. Put a token into the address "
        "(https://user:token@{host}/…), or use its ssh:// address with an SSH key.",
    ),
    _case(
        r"could not resolve (?:host|proxy)|name or service not known|no address associated|temporary failure in name",
        "The host {host} cannot be found by name. Check the address {url}, and the name service of this machine.",
    ),
    _case(
        r"connection refused|couldn't connect to server|could not connect to server|no route to host|"
        r"network is unreachable",
        "{host} does not take connections for {url}. Check host and port, and that no firewall is in between.",
    ),
    _case(
        r"timed out|timeout|operation too slow|less than \d+ bytes/sec",
        "{host} does not answer in time for {url}. Try again later, or check that no firewall is in between.",
    ),
    _case(
        r"((?:ssl certificate|certificate (?:verify|verification) failed|gnutls_handshake|server cert)[^\n]*)",
        "The certificate of {host} is not accepted: {detail}",
    ),
    _case(r"returned error: 403", "{host} does not allow {url} to be read (403). Give a token or key that may."),
    _case(r"returned error: (429|5\d\d)", "{host} answers with an error of its own ({detail}). Try again later."),
    _case(r"no space left on device|disk quota exceeded", "The disk is full: {url} cannot be kept. Make room first."),
    _case(
        r"repository (?:[^\n]* )?(?:does not exist|not found)|does not appear to be a git repository|"
        r"returned error: 404|not valid: is this a git repository|project [^\n]*could not be found|no such repository|"
        r"access denied or repository not exported",
        "There is no repository at {url}, or it may not be read without a key or token.",
    ),
    _case(
        r"mismatched algorithms|unsupported object format|unknown object format",
        "{url} keeps its history in a hash format other than SHA-1, which is not supported.",
    ),
    _case(
        r"transport '[^']*' not allowed|unable to find remote helper",
        "{url} leads over a transport that is not allowed.",
    ),
    _case(r"detected dubious ownership", "git on this host does not trust the owner of {url}."),
    _case(
        rf"unable to create '[^']*\.lock'|unable to lock|cannot lock ref|{_DAMAGE}|insufficient permission for adding|"
        r"not a git repository: '?/|bad config",
        _DAMAGED_HERE,
        Remedy.DISCARD,
    ),
    _case(
        r"exec: [^\n]*: not found|cannot run [^\n]*: no such file",
        "A program that fetches repositories is missing on this host ({detail}). Install git and openssh-client.",
    ),
    _case(
        r"early eof|unexpected disconnect|hung up unexpectedly|connection (?:was )?reset|rpc failed|broken pipe|"
        r"connection closed",
        "The connection to {host} broke while {url} was fetched. Deploy again; if it happens each time: {detail}",
    ),
)


def explain(
    output: str, *, remote: Remote, ref: Ref | None, known_hosts: str, mirror: str = "", is_new: bool = False
) -> Failure:
    """The failure that git's ``output`` speaks of; unknown ones are named by the line that matters. What is damaged and
    not in the ``mirror``, which ``is_new``, is so on the other side. Of very much output its end is read, and of a very
    long line its two ends.
    """
    line = _line_that_matters(_readable(remote.hide(output)))
    told = _readable(remote.hide(_without_address(output, remote)))
    is_ours = bool(mirror) and mirror in output

    def worded(sentence: str, detail: str) -> str:
        shown = showable(remote.hide(detail), _LINE_LENGTH)
        where = {"url": remote.url, "host": _host(remote), "known_hosts": known_hosts}
        return sentence.format(name=_named(ref), detail=shown, **where)

    if not is_ours and (found := _DAMAGE_THERE.search(told)) is not None:
        return Failure(sentence=worded(_DAMAGED_THERE, found[0]))
    for case in _CASES:
        match = case.pattern.search(told)
        if match:
            is_there = case.remedy is Remedy.DISCARD and is_new and not is_ours
            sentence = _DAMAGED_THERE if is_there else case.sentence
            return Failure(sentence=worded(sentence, match[1] if match.lastindex else line), remedy=case.remedy)
    return Failure(sentence=f"{remote.url} cannot be fetched: {line or 'git gives no reason.'}")


def explain_missing(ref: Ref, remote: Remote, listing: str) -> str:
    """Why a branch or tag was not found, from what `git ls-remote` lists of the remote."""
    names = [line.partition("\t")[2] for line in listing.splitlines() if "\trefs/" in line]
    branches = _below("refs/heads/", names)
    tags = _below("refs/tags/", names)
    if not branches and not tags:
        return empty(remote)
    if ref.kind is RefKind.BRANCH and ref.name in tags:
        return f"'{ref.name}' is a tag of {remote.url}, not a branch. Choose it as a tag."
    if ref.kind is RefKind.TAG and ref.name in branches:
        return f"'{ref.name}' is a branch of {remote.url}, not a tag. Choose it as a branch."
    kind, there = ("tag", tags) if ref.kind is RefKind.TAG else ("branch", branches)
    plural = "tags" if kind == "tag" else "branches"
    known = f"Its {plural} are: {_some(there)}." if there else f"It has no {plural}."
    return f"There is no {kind} '{ref.name}' in {remote.url}. {known}"


def empty(remote: Remote) -> str:
    """What to say of a repository without any commit."""
    return f"{remote.url} is empty: push a first commit, then deploy again."


def not_a_commit(ref: Ref | None, remote: Remote) -> str:
    """What to say when a name leads to no commit."""
    if ref is not None and ref.kind is RefKind.COMMIT:
        return f"There is no commit {ref.name} in {remote.url}, or more than one begins so. Give the whole hash."
    return f"{_named(ref).capitalize()} of {remote.url} does not lead to a commit, so there is nothing to deploy."


def _below(prefix: str, names: Iterable[str]) -> list[str]:
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def _some(names: list[str]) -> str:
    """A few of the names, the usual main branches first."""
    ordered = sorted(names, key=lambda name: (name not in {"main", "master"}, name))
    shown = ", ".join(f"'{showable(name, 60)}'" for name in ordered[:_SHOWN_NAMES])
    more = len(ordered) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _named(ref: Ref | None) -> str:
    match ref:
        case None:
            return "default branch"
        case Ref(kind=RefKind.COMMIT):
            return f"commit {ref.name}"
        case _:
            return f"{ref.kind} '{ref.name}'"


def _without_address(output: str, remote: Remote) -> str:
    """``output`` without the user's own words in it, which may be those of any case: a repository called timeout."""
    path = remote.url.partition("://")[2] or remote.url.partition(":")[2]
    for text in (remote.url, path[path.find("/") :] if "/" in path else ""):
        if len(text) > 1:
            output = output.replace(unquote(text), "…").replace(text, "…")
    return output


def _readable(output: str) -> str:
    """The end of ``output``, with long lines cut. What is secret was hidden before: half of it would not be found."""
    end = output[-_READ_CHARACTERS:]
    return "\n".join(
        line if len(line) <= _HEAD_OF_LINE + _TAIL_OF_LINE else f"{line[:_HEAD_OF_LINE]}…{line[-_TAIL_OF_LINE:]}"
        for line in end.splitlines()
    )


def _host(remote: Remote) -> str:
    return "this machine" if remote.transport is Transport.FILE else remote.host


def _line_that_matters(output: str) -> str:
    """The first line in which git gives up, else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote: error", "ssh:"))]
    return showable((fatal or lines or [""])[0 if fatal else -1], _LINE_LENGTH)
