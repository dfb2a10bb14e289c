"""What git prints, and the sentence that the user reads."""

from __future__ import annotations

import time

import pytest

from headway.drivers.sources.git_errors import Remedy, empty, explain, explain_missing, not_a_commit
from headway.drivers.sources.ref import Ref, RefKind
from headway.drivers.sources.remote import parse_remote

MAIN = Ref(kind=RefKind.BRANCH, name="main")
REMOTE = parse_remote("https://me:hunter2@git.example/o/timeout.git", allow_file=False)
SSH = parse_remote("git@git.example:o/r.git", allow_file=False)

TAIL = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"

HTTP_CASES = [
    ("fatal: couldn't find remote ref refs/heads/main", "There is no branch 'main'", Remedy.NAME_OTHERS),
    ("fatal: remote error: upload-pack: not our ref 1234567890", "There is no branch 'main'", Remedy.FULL),
    ("error: Server does not allow request for unadvertised object 12", "There is no branch 'main'", Remedy.FULL),
    ("fatal: dumb http transport does not support shallow capabilities", "cannot give a single state", Remedy.FULL),
    (
        "fatal: repository 'https://git.example/o/timeout.git/' not found",
        "There is no repository at https://git.example/o/timeout.git",
        Remedy.NONE,
    ),
    ("remote: Repository not found.\nfatal: x", "There is no repository", Remedy.NONE),
    (
        "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
        "asks for a password",
        Remedy.NONE,
    ),
    ("fatal: Authentication failed for 'https://git.example/o/timeout.git/'", "refuses the user name and token", None),
    ("fatal: unable to access 'x': The requested URL returned error: 403", "does not allow", None),
    ("fatal: unable to access 'x': The requested URL returned error: 502", "error of its own (502)", None),
    ("fatal: unable to access 'x': Could not resolve host: git.example", "cannot be found by name", None),
    (
        "fatal: unable to access 'x': Failed to connect to git.example port 1 after 0 ms: Could not connect to server",
        "does not take connections",
        None,
    ),
    ("fatal: unable to access 'x': Operation too slow. Less than 1000 bytes/sec", "does not answer in time", None),
    ("fatal: unable to access 'x': SSL certificate problem: self-signed certificate", "self-signed certificate", None),
    ("fatal: x/info/refs not valid: is this a git repository?", "There is no repository", None),
    ("fatal: write error: No space left on device", "The disk is full", None),
    ("fatal: Unable to create '/h/m/shallow.lock': File exists.", "damaged", Remedy.DISCARD),
    ("error: object file /h/m/objects/ab/cd is empty\nfatal: loose object is corrupt", "damaged", Remedy.DISCARD),
    ("error: object file ./objects/ab/cd is empty\nfatal: loose object is corrupt", "is damaged itself", Remedy.NONE),
    ("remote: fatal: unable to read ce013625030ba8dba906f756967f9e9ca394464a", "is damaged itself", Remedy.NONE),
    ("fatal: bad object 12\nfatal: aborting due to corruption on the remote side.", "is damaged itself", Remedy.NONE),
    (
        "error: object file /h/m/objects/ab/cd is empty\nerror: remote did not send all necessary objects",
        "The copy of https://git.example/o/timeout.git on this machine is damaged",
        Remedy.DISCARD,
    ),
    ("fatal: not a git repository: '/h/m'", "damaged", Remedy.DISCARD),
    ("fatal: mismatched algorithms: client sha1; server sha256", "hash format", None),
    ("git: 1: exec: /usr/bin/git: not found", "Install git", None),
    ("fatal: fetch-pack: invalid index-pack output\nfatal: early EOF", "broke", None),
    ("fatal: something nobody foresaw", "fatal: something nobody foresaw", None),
    ("", "git gives no reason", None),
]

SSH_CASES = [
    ("ssh: Could not resolve hostname git.example: Name or service not known\n" + TAIL, "cannot be found by name"),
    ("ssh: connect to host git.example port 22: Connection refused\n" + TAIL, "does not take connections"),
    ("ssh: connect to host git.example port 22: Connection timed out\n" + TAIL, "does not answer in time"),
    ("git@git.example: Permission denied (publickey).\n" + TAIL, "refuses the SSH key"),
    ('Load key "/k": error in libcrypto\ngit@h: Permission denied (publickey).\n' + TAIL, "cannot be read"),
    ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n" + TAIL, "has changed"),
    ("No user exists for uid 901\n" + TAIL, "user table"),
    ("fatal: 'o/r.git' does not appear to be a git repository\n" + TAIL, "There is no repository"),
    ("Connection closed by 10.0.0.1 port 22\n" + TAIL, "broke"),
]


@pytest.mark.parametrize(("output", "sentence", "remedy"), HTTP_CASES)
def test_http(output: str, sentence: str, remedy: Remedy | None) -> None:
    failure = explain(output, remote=REMOTE, ref=MAIN, known_hosts="/h/known_hosts")
    assert sentence in failure.sentence
    assert failure.remedy is (remedy or Remedy.NONE)


@pytest.mark.parametrize(("mirror", "whose"), [("/h/m", "on this machine is damaged"), ("/h/x", "is damaged itself")])
def test_what_is_damaged_in_a_new_mirror_too_is_so_over_there(mirror: str, whose: str) -> None:
    output = "fatal: bad object 12 in /h/m"
    failure = explain(output, remote=REMOTE, ref=MAIN, known_hosts="", mirror=mirror, is_new=True)
    assert whose in failure.sentence


@pytest.mark.parametrize(("output", "sentence"), SSH_CASES)
def test_ssh(output: str, sentence: str) -> None:
    assert sentence in explain(output, remote=SSH, ref=MAIN, known_hosts="/h/known_hosts").sentence


def test_a_changed_host_key_says_which_file_to_mend() -> None:
    output = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"
    assert "/h/known_hosts" in explain(output, remote=SSH, ref=None, known_hosts="/h/known_hosts").sentence


def test_a_password_that_the_other_side_repeats_is_blotted_out() -> None:
    failure = explain("remote: error: hunter2 is weak", remote=REMOTE, ref=MAIN, known_hosts="")
    assert "hunter2" not in failure.sentence
    assert "******" in failure.sentence


def test_what_the_other_side_prints_cannot_move_the_cursor() -> None:
    failure = explain("fatal: \x1b[2Jgone", remote=REMOTE, ref=MAIN, known_hosts="")
    assert "\x1b" not in failure.sentence


def listing(*names: str) -> str:
    return "".join(f"{'a' * 40}\t{name}\n" for name in names)


@pytest.mark.parametrize(
    ("ref", "names", "sentence"),
    [
        (MAIN, (), "is empty"),
        (MAIN, ("refs/heads/dev",), "Its branches are: 'dev'."),
        (
            Ref(kind=RefKind.BRANCH, name="x"),
            (*(f"refs/heads/b{number}" for number in range(8)), "refs/heads/main"),
            "Its branches are: 'main', 'b0', 'b1', 'b2', 'b3' and 4 more.",
        ),
        (Ref(kind=RefKind.BRANCH, name="v1"), ("refs/heads/main", "refs/tags/v1"), "Choose it as a tag."),
        (Ref(kind=RefKind.TAG, name="main"), ("refs/heads/main", "refs/tags/v1"), "Choose it as a branch."),
        (Ref(kind=RefKind.TAG, name="v2"), ("refs/heads/main", "refs/tags/v1"), "Its tags are: 'v1'."),
        (Ref(kind=RefKind.TAG, name="v2"), ("refs/heads/main",), "It has no tags."),
    ],
)
def test_a_missing_name_is_answered_by_those_that_are_there(ref: Ref, names: tuple[str, ...], sentence: str) -> None:
    assert sentence in explain_missing(ref, REMOTE, listing(*names))


def test_what_leads_to_no_commit() -> None:
    assert "There is no commit abc1234" in not_a_commit(Ref(kind=RefKind.COMMIT, name="abc1234"), REMOTE)
    assert "Tag 'v1' of" in not_a_commit(Ref(kind=RefKind.TAG, name="v1"), REMOTE)
    assert "push a first commit" in empty(REMOTE)


@pytest.mark.parametrize(
    "repeated",
    [
        "packfile ",
        "object file ",
        "project ",
        "repository ",
        "load key ",
        "shallow",
        "exec: ",
        "cannot run ",
        "remote: ",
    ],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_no_words_of_a_server_take_long(repeated: str, end: str) -> None:
    output = (repeated + end) * (200_000 // len(repeated))
    before = time.process_time()
    explain(output, remote=REMOTE, ref=MAIN, known_hosts="", mirror="/h/m")
    assert time.process_time() - before < 1.0


def test_the_line_that_matters_is_found_among_many_and_at_both_ends_of_a_long_one() -> None:
    noise = "remote: counting\n" * 50_000
    said = explain(f"{noise}fatal: couldn't find remote ref x\n", remote=REMOTE, ref=MAIN, known_hosts="")
    assert said.remedy is Remedy.NAME_OTHERS
    long = f"fatal: repository 'https://git.example/{'x' * 5_000}' not found\n"
    assert "There is no repository" in explain(long, remote=REMOTE, ref=MAIN, known_hosts="").sentence


def test_a_password_that_is_cut_through_is_hidden_all_the_same() -> None:
    for before in range(380, 402):
        said = explain(f"fatal: {'x' * before}hunter2{'y' * 700}", remote=REMOTE, ref=MAIN, known_hosts="").sentence
        assert "hunt" not in said
        assert "ter2" not in said
