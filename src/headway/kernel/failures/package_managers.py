"""Package managers of JavaScript that stumble over what they find: folders, their own version, another's project."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_NEW = "remove node_modules and the lock file, run the installation anew, and commit the lock file"

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,80}(?:EBUSY: resource busy or locked|ENOTEMPTY: directory not empty), (?:rmdir|rename|unlink) '[^'\n]{0,200}node_modules.{0,200}",
        "node_modules is installed a second time while it is used",
        "take the installation out of the build script ('npm ci' is done by then): headway apps set APP --build 'npm run build'",
    ),
    rule(
        r"^.{0,80}(?:Use \"(?P<what>pnpm|yarn|npm|bun)(?: install)?\" for installation in this project|configured to use (?P<one>pnpm|yarn|npm|bun)\b|"
        r"This project uses (?P<two>pnpm|yarn|npm|bun)).{0,160}",
        "the project is installed by {what} alone, and another was used",
        'write "packageManager": "{what}@VERSION" in package.json and commit the lock file of {what}, and no other',
    ),
    rule(
        r"^.{0,80}(?:ERR_PNPM_IGNORED_BUILDS|Ignored build scripts: ).{0,200}",
        "pnpm does not run the scripts of packages that nobody has allowed",
        "run 'pnpm approve-builds', and commit pnpm-workspace.yaml (onlyBuiltDependencies)",
        tolerable=True,
    ),
    rule(
        r"^.{0,80}(?:Value of \"this\" must be of type URLSearchParams|ERR_INVALID_THIS).{0,100}",
        "this pnpm is older than this Node",
        "ask for a newer one: headway apps set APP --use pnpm=9",
    ),
    rule(
        r"^.{0,80}Cannot find matching keyid.{0,200}",
        "Corepack is too old to check the signature of the package manager",
        "let the script that calls Corepack go: the manager that packageManager names is there; or headway env set APP "
        "COREPACK_INTEGRITY_KEYS=0",
    ),
    rule(
        r"^npm (?:error|ERR!) (?:Cannot read propert(?:y|ies) .{0,60}|Cannot destructure property .{0,80}|Invalid Version: .{0,40}|Maximum call stack size exceeded)$",
        "the lock file, or what lies in node_modules, is not npm's or is broken",
        _NEW,
    ),
    rule(
        r"^.{0,80}(?:npm (?:error|ERR!) code E429|ERR_PNPM_FETCH_429|429 Too Many Requests).{0,160}",
        "the registry gives no more to this address for now",
        "deploy again later, or name a registry of your own (HEADWAY_NPM_REGISTRY)",
    ),
    rule(
        r"^.{0,300}(?:unauthenticated git protocol on port 9418|(?:Connection (?:timed out|reset|refused)|unable to connect|read error).{0,80}git://).{0,160}|"
        r"^.{0,200}git://\S{1,160}(?:.{0,120}\n.{0,200}){0,4}?.{0,80}(?:read error|unable to connect|Connection (?:timed out|reset|refused)).{0,120}",
        "a package is taken from an address with git://, which hosts do not serve any more",
        "write it with https:// (git+https://...), lock again and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,400}ssh: connect to host \S{1,80} port \d{1,5}: .{1,100}",
        "a package or repository is taken over SSH, and its server does not answer there",
        "write its address with https:// (git+https://...), lock again and commit; for a private one with a token",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,400}(?:Permission denied \(publickey|Host key verification failed|ERROR: Repository not found|remote: Repository not found).{0,120}",
        "a package is taken from a repository that is not there for this machine: private, or known by no key of it",
        "write its address with https:// where it is public; of a private one publish it to a registry, or have a token in the "
        "address (git+https://${{GIT_TOKEN}}@...)",
        phase=Phase.BUILD,
    ),
)
GENERAL: tuple[Rule, ...] = ()
