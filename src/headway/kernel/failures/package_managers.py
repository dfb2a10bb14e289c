"""Package managers of JavaScript that stumble over what they find: folders, their own version, another's project."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_NEW = "remove node_modules and the lock file, run the installation anew, and commit the lock file"

# What projects start and build by, each of a package of its own.
_NODE_TOOLS = (
    r"(?:vite|next|tsc|webpack|nodemon|tsx|ts-node|nest|ng|astro|nuxt|nuxi|remix|remix-serve|react-router|react-scripts|vue-cli-service|rollup|"
    r"esbuild|tsup|parcel|turbo|nx|lerna|eslint|prisma|svelte-kit|gatsby|concurrently|cross-env|rimraf|npm-run-all|dotenv|pm2|serve)"
)
_PYTHON_SERVERS = r"(?:gunicorn|uvicorn|hypercorn|daphne|celery|flask|fastapi|streamlit|waitress-serve|alembic|granian)"

RULES: tuple[Rule, ...] = (
    rule(
        r"^(?!\d{1,6} ?\|).{0,260}(?:<<<<<<< .{0,80}|Merge conflict (?:detected in your |marker encountered).{0,80})",
        "a file has the marks of a merge that nobody finished (<<<<<<<, =======, >>>>>>>)",
        "keep one of the two sides and remove the marks ('git diff --check' lists them), lock again where it is package.json or "
        "a lock file, and commit",
    ),
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
        r"^.{0,20}ERR_PNPM_SPEC_NOT_SUPPORTED_BY_ANY_RESOLVER\s{1,4}(?P<what>\S{1,120}) isn't supported by any available resolver",
        "{what} is no package: mostly the part of one that is imported (NAME/PART), or a kind of address that pnpm does not know",
        "name the package alone in package.json (the part in imports only), run 'pnpm install' and commit both",
    ),
    rule(
        r"^.{0,80}(?:npm (?:error|ERR!) code E429|ERR_PNPM_FETCH_429|429 Too Many Requests - GET).{0,160}",
        "the registry gives no more to this address for now",
        "deploy again later, or name a registry of your own (HEADWAY_NPM_REGISTRY)",
    ),
    rule(
        r"^.{0,300}(?:unauthenticated git protocol on port 9418|(?:Connection (?:timed out|reset|refused)|unable to connect|read error).{0,80}git://).{0,160}|"
        r"^(?=.{0,200}git://\S)(?:.{0,600}\n){0,4}?.{0,300}(?:read error|unable to connect|Connection (?:timed out|reset|refused)).{0,120}",
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
    rule(
        r"^.{0,40}Double requirement given: (?P<what>[\w.\[\]-]{1,60}).{0,160}",
        "the requirements name {what} twice, and not in the same version",
        "leave one of them, and commit",
    ),
    rule(
        r"^.{0,40}?(?P<what>(?<![\w.+-])[\w.+-]{1,120}\.whl) is not a supported wheel on this platform.{0,40}",
        "{what} is for another Python or another machine",
        "name the package and its version in its place, or ask for the Python that the wheel is for: headway apps set APP --use "
        "python=3.12",
    ),
    rule(
        r"^.{0,60}(?:sh|bash|dash): (?:(?:line )?\d{1,4}: )?node-gyp: (?:command )?not found.{0,20}",
        "a package has no binary for this machine and is compiled by node-gyp, which is not installed",
        "lock it for this machine (sharp: 'npm install --os=linux --cpu=x64 sharp'), or run 'npm install -D node-gyp', and commit "
        "package.json and its lock file",
    ),
    rule(
        r"^.{0,80}\buse_2to3 is invalid.{0,80}",
        "a package is written for Python 2",
        "take a newer release of it or another in its place, lock again and commit",
    ),
    rule(
        r"^.{0,80}(?:Python (?:range|requirement)) \((?P<has>.{1,40})\) is not compatible with some of the required packages.{0,80}"
        r"\n- (?P<what>\S{1,80}) requires Python (?P<wants>.{1,60}?), so .{0,120}",
        "pyproject.toml allows Python {has}, and {what} is for {wants} only",
        "narrow it there to what both allow (python = \"{wants}\", or requires-python), run 'poetry lock' and commit both; or "
        "take a newer release of what needs {what}",
    ),
    rule(
        r"^.{0,80}(?:Python (?:range|requirement) \(.{1,40}\) is not compatible with some of the required packages).{0,80}",
        "pyproject.toml allows Pythons that a package is not for",
        'narrow it (python = ">=3.11,<3.13", or requires-python), lock again and commit',
    ),
    rule(
        r"^.{0,80}(?:lock file (?:is not compatible with the current version of Poetry|might not be compatible with)).{0,120}",
        "poetry.lock is of another Poetry",
        "run 'poetry lock' with a newer one and commit it, or ask for that: headway apps set APP --use poetry=2",
        tolerable=True,
    ),
    rule(
        r"^.{0,40}(?:Python (?P<what>3\.\d{1,2})(?:\.\d{1,2})? was not found on your system|Unable to find a suitable Python version).{0,120}",
        "this Python is not there",
        "ask for it: headway apps set APP --use python=3.12 (and let Pipfile or pyproject.toml name the same)",
    ),
    rule(
        r"^.{0,80}(?:UnicodeDecodeError|UnicodeError): .{0,160}",
        "a file is not in UTF-8: mostly requirements.txt as PowerShell's '>' writes it",
        "save it in UTF-8, and commit",
        phase=Phase.BUILD,
        tolerable=True,
    ),
    rule(
        r"^.{0,80}Unsupported URL Type \"catalog:\".{0,60}",
        "'catalog:' in package.json is pnpm's (or bun's), and another manager was used",
        'commit pnpm-lock.yaml and pnpm-workspace.yaml, and write "packageManager": "pnpm@10.0.0" in package.json',
    ),
    rule(
        r"^npm (?:error|ERR!) (?:Exit handler never called|cb\(\) never called).{0,60}",
        "npm broke, which it does mostly where the network or the memory fails it",
        "deploy again; if it stays, make package-lock.json anew ('npm install') and commit it",
    ),
    rule(
        r"^.{0,80}(?:CERT_HAS_EXPIRED|certificate has expired).{0,120}",
        "the certificate of what is asked has expired, or the machine's clock is wrong",
        "look at the address in the lock file or .npmrc and at the machine's clock, and deploy again",
    ),
    rule(
        r"^.{0,80}UNABLE_TO_VERIFY_LEAF_SIGNATURE.{0,120}|^.{0,80}unable to verify the first certificate.{0,80}",
        "the certificate of what is asked is by an authority that is not known here",
        "install the authority on the machine (update-ca-certificates), and for Node: headway env set APP "
        "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
    ),
    rule(
        r"^.{0,80}defines \"packageManager\": \"(?P<what>yarn|pnpm)@[^\"\n]{1,80}\"\. However.{0,120}|"
        r"^.{0,20}ERR_PNPM_BAD_PM_VERSION .{0,160}|^.{0,20}error: Unknown lockfile version.{0,60}",
        "the lock file or packageManager is for another version of the manager than this one",
        "name that which wrote the lock file in packageManager (package.json), and commit both",
    ),
    rule(
        r"^.{0,40}The nearest package directory .{0,120}doesn't seem to be part of the project declared in.{0,120}",
        "yarn takes a folder above for the project",
        "add this one to its 'workspaces', or give it an empty yarn.lock of its own, and commit",
    ),
    rule(
        r"^.{0,20}(?:ERR_PNPM_PATCH_NOT_APPLIED|ERR_PNPM_UNUSED_PATCH|ERR_PNPM_PATCH_FAILED|ERR_PNPM_INVALID_PATCH).{0,200}|"
        r"^\*\*ERROR\*\* Failed to apply patch for package .{1,120}",
        "a patch of a package does not fit the version that is installed",
        "make it anew ('pnpm patch NAME', 'npx patch-package NAME'), or remove it, and commit",
    ),
    rule(
        r"^.{0,40}No (?:projects|packages) (?:matched the filters?|found (?:in|matching)).{0,120}|^.{0,40}No workspaces matched.{0,80}",
        "no package of the workspace has the name that the line filters by",
        "mend it: headway apps set APP --build 'pnpm --filter NAME build'",
    ),
    rule(
        r"^.{0,60}?(?:sh|bash|dash|/bin/sh): (?:(?:line )?\d+: )?(?P<what>(?!\.{0,2}/)[\w-]{1,40}): Permission denied.{0,20}",
        "{what} of node_modules may not be run: mostly node_modules was committed",
        "run 'git rm -r --cached node_modules', write it in .gitignore, and commit",
    ),
    rule(
        rf"^.{{0,60}}?(?:sh|bash|dash|/bin/sh): (?:(?:line )?\d{{1,4}}: )?(?:exec: )?(?P<what>{_NODE_TOOLS}): (?:command )?not found.{{0,20}}|"
        rf"^(?:Error: )?(?P<one>{_NODE_TOOLS}): (?:command )?not found$",
        "{what} is not installed in the application",
        "add it to package.json ('npm install {package}', or your package manager's add), lock again and commit; where package.json has it in "
        "devDependencies, those were left out (NODE_ENV=production, --omit=dev): move it to 'dependencies'; or do without: headway apps "
        "set APP --start LINE (--build LINE)",
        last=True,
        tolerable=True,
        quotes={
            "tsc": "typescript",
            "ng": "@angular/cli",
            "nest": "@nestjs/cli",
            "svelte-kit": "@sveltejs/kit",
            "remix": "@remix-run/dev",
            "react-router": "@react-router/dev",
            "vue-cli-service": "@vue/cli-service",
        },
    ),
    rule(
        rf"^.{{0,60}}?(?:sh|bash|dash|/bin/sh): (?:(?:line )?\d{{1,4}}: )?(?:exec: )?(?P<what>{_PYTHON_SERVERS}): (?:command )?not found.{{0,20}}",
        "{what} is not installed in the application",
        "add {what} to requirements.txt or pyproject.toml, lock again and commit; or start otherwise: headway apps set APP --start LINE",
        last=True,
        tolerable=True,
    ),
    rule(
        r"^.{0,60}?(?:sh|bash|dash|/bin/sh): (?!git:)(?P<what>[\w@.-]{1,60}): (?:command )?not found$|^(?:Error: )?(?P<one>turbo|nx|tsx|ts-node|nodemon|lerna): (?:command )?not found$",
        "{what} is not installed in the application and not on the machine",
        "add it to 'dependencies' in package.json (or requirements.txt) and lock again, or name the right one: headway apps set "
        "APP --build LINE (--start LINE)",
        last=True,
        tolerable=True,
    ),
)
GENERAL: tuple[Rule, ...] = ()
