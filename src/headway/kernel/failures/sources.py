"""git and its submodules, LFS, Dockerfiles and the images that they begin with."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_GIT = (
    rule(
        r"^(?:error: failed to parse lock file at: (?P<file>.{1,200})\n(?:.{0,200}\n){0,3}?)?.{0,12}<{7} \S{1,60}$",
        "a merge has left its marks in a file",
        "end the merge ('git diff --check' names the places; of a lock file take one side and lock anew), and commit",
    ),
    rule(
        r"^.{0,80}Remote branch (?P<what>\S{1,100}) not found in upstream.{0,40}|"
        r"^.{0,80}couldn't find remote ref (?P<one>\S{1,100}).{0,20}",
        "the repository has no such branch",
        "name one that it has: headway deploy --branch NAME",
    ),
    rule(
        r"^.{0,80}(?:No url found for submodule path|clone of '[^'\n]{1,200}' into submodule path|Unable to (?:checkout|find current revision|fetch) in submodule path).{0,200}",
        "a submodule cannot be fetched: .gitmodules has no address for it, or one that this machine may not read",
        "mend .gitmodules (an address with https://, no entry without a url), or take the submodule out, and commit",
    ),
    rule(
        r"^.{0,80}(?:could not read (?:Username|Password) for|Authentication failed for|terminal prompts disabled|Invalid username or (?:password|token)|HTTP Basic: Access denied).{0,200}",
        "a repository asks who fetches it",
        "connect it with a token or key of its own, or make what it depends on reachable with one (headway env set APP GIT_TOKEN=...)",
    ),
    rule(
        r"^.{0,80}(?:Permission denied \(publickey|Host key verification failed|Repository not found|repository '[^'\n]{1,200}' not found).{0,120}",
        "a repository is not there for this key, or not known by it",
        "give its deploy key to the repository, or write its address with https:// where it is public",
    ),
    rule(
        r"^.{0,80}(?:smudge filter lfs failed|Object does not exist on the server|Error downloading object|exceeded its LFS budget|batch response: ).{0,200}",
        "a file that lies in LFS cannot be fetched",
        "push it ('git lfs push --all origin'), or take it out of LFS ('git lfs untrack'), and commit",
    ),
    rule(
        r"^.{0,80}(?:git-lfs(?:: command not found|: not found| filter-process: )|'lfs' is not a git command).{0,120}",
        "the repository has files in LFS, and the machine has no git-lfs",
        "on the machine: apt install git-lfs",
    ),
    rule(
        r"^.{0,80}unable to access '[^'\n]{1,200}': .{1,200}|^ssh: (?:connect to host|Could not resolve hostname) .{1,160}",
        "the server of the repository cannot be reached from this machine",
        "look at the address of the repository, and that the machine reaches it, then deploy again",
    ),
    rule(
        r"^.{0,80}(?:RPC failed|early EOF|the remote end hung up unexpectedly).{0,160}",
        "the connection to the repository broke off",
        "deploy again; if it happens each time, look at the network of the machine",
    ),
    rule(
        r"^.{0,80}not a git repository.{0,100}",
        "a script of the build asks git, and a release has no .git",
        "let it read SOURCE_COMMIT instead, and commit",
        tolerable=True,
    ),
)
_DOCKERFILES = (
    rule(
        r"^.{0,200}(?:failed to calculate checksum of ref|failed to compute cache key).{0,200}?\"(?P<file>/[^\"\n]{1,160})\": not found.{0,40}|"
        r"^.{0,80}(?:COPY|ADD) failed: .{0,200}",
        "the Dockerfile copies what is not in the build's folder",
        "commit it (look at .gitignore and .dockerignore), or mend the path and the folder: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}failed to read dockerfile.{0,160}|^.{0,80}unable to prepare context: .{0,160}",
        "there is no such Dockerfile in the folder that is built",
        "name its folder: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}(?:dockerfile parse error|Dockerfile parse error|unknown instruction).{0,200}",
        "the Dockerfile cannot be read",
        "mend that line and commit",
    ),
    rule(
        r"^.{0,200}(?:pull access denied|insufficient_scope|authorization failed|unauthorized: |denied: requested access).{0,200}",
        "the image is private, or has another name",
        "mend its name in the Dockerfile, or give the registry's name and password in the application's settings",
    ),
    rule(
        r"^.{0,200}(?:toomanyrequests|(?:manifest|registry|pull|docker).{0,80}Too Many Requests|You have reached your .{0,40}pull rate limit).{0,200}",
        "the registry gives no more to this address for now",
        "deploy again later, or give it a login of a registry in the application's settings",
    ),
    rule(
        r"^.{0,200}(?:manifest unknown|manifest for .{1,120} not found|failed to resolve source metadata for .{1,160}not found|no matching manifest for).{0,160}",
        "the image has no such tag, or none for this processor",
        "name one that it has (FROM ... in the Dockerfile) and commit",
    ),
    rule(
        r"^.{0,200}failed to resolve source metadata for .{1,400}",
        "the registry of the image cannot be reached from this machine, or the image has another name",
        "look at its name (FROM ... in the Dockerfile), and that the machine reaches the registry, then deploy again",
    ),
    rule(
        r"^.{0,40}E: (?:The repository '[^'\n]{1,160}' (?:does not have a|no longer has a) Release file|Failed to fetch .{1,200}404 +Not Found).{0,100}",
        "the release of Debian or Ubuntu that the image has is not served any more, or its list is old",
        "begin with a newer image (FROM ...-bookworm in the Dockerfile), or run 'apt-get update' in the same RUN, and commit",
    ),
    rule(
        r"^.{0,80}E: (?:Unable to locate package|Package) '?libgl1-mesa-glx\b.{0,100}",
        "Debian has no libgl1-mesa-glx any more",
        "write libgl1 in its place, and commit",
    ),
    rule(
        r"^.{0,80}E: (?:Unable to locate package (?P<what>\S{1,60})|Package '(?P<one>[^'\n]{1,60})' has no installation candidate).{0,100}",
        "Debian has no package {what} in this release, or its list was not fetched",
        "run 'apt-get update' in the same RUN before it, or mend the name, and commit",
    ),
    rule(
        r"^.{0,100}exec (?P<file>/\S{1,100}): no such file or directory.{0,40}",
        "{file} has line ends of Windows or begins with a shell that the image lacks",
        "write it with LF and #!/bin/sh (a .gitattributes with '*.sh text eol=lf') and commit",
    ),
)

RULES: tuple[Rule, ...] = (*_GIT, *_DOCKERFILES)
GENERAL: tuple[Rule, ...] = (
    rule(
        r"^\S{1,160}\.(?:cc?|cpp|cxx|h|hpp):\d+:\d+: (?:fatal )?error: .{1,200}",
        "a source in C does not compile here",
        "mend it at that place and commit; where it is a package's, take a newer release of that package",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,100}process \"[^\n]{1,300}\" did not complete successfully: exit code: (?:137|139)\b.{0,40}",
        "a step of the Dockerfile was ended by the system, mostly for its memory",
        "let it use less, or raise its memory limit (headway apps set APP --memory SIZE, or HEADWAY_BUILD_MEMORY for all)",
    ),
)
