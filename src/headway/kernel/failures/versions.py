"""Versions that do not fit each other, or the machine: of libraries, of what they are compiled into, of tools."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_ADD = "commit package.json and its lock file"
_REQUIRE = "in the requirements, lock again and commit"

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,80}It looks like you're trying to use `?tailwindcss`? directly as a PostCSS plugin.{0,300}",
        "the configuration of PostCSS is for Tailwind 3, and Tailwind 4 is installed",
        "run 'npm install -D @tailwindcss/postcss' and name that in postcss.config in the place of tailwindcss (or "
        f"'npm install -D tailwindcss@3'), and {_ADD}",
    ),
    rule(
        r"^.{0,80}Cannot apply unknown utility class[: ].{0,120}|^.{0,80}The `[\w:./-]{1,60}` class does not exist\. If `.{0,160}",
        "the styles are for another Tailwind than the one that is installed",
        "mend the class, or take the Tailwind that it is for ('npm install -D tailwindcss@3'; for 4 a line '@reference' or "
        f"'@config' above it), and {_ADD}",
    ),
    rule(
        r"^.{0,80}Unsupported CPU: Prebuilt binaries for .{0,80}|^.{0,160}Could not load the \"sharp\" module.{0,100}\nUnsupported CPU.{0,100}",
        "the processor of this machine is older than the binaries of this sharp are for",
        f"take one before: 'npm install sharp@0.33', and {_ADD}",
    ),
    rule(
        r"^.{0,80}Cannot find (?:module|native binding).{0,20}['\"]?[./@\w-]{0,100}[./-](?:linux|darwin|win32)-(?:x64|arm64)[\w.-]{0,20}['\"]?.{0,120}|"
        r"^.{0,80}(?:Failed to load native binding|Cannot find native binding).{0,200}",
        "the lock file has only the binaries of the machine that made it",
        "remove node_modules and package-lock.json, run 'npm install' (which has to take optional packages), commit the new "
        "lock file and deploy again",
    ),
    rule(
        r"^.{0,80}(?:Host version \"[^\"\n]{1,20}\" does not match binary version|You installed esbuild for another platform|Expected \"[\d.]{1,12}\" but got \"[\d.]{1,12}\").{0,160}",
        "esbuild's program is of another version or machine than its package",
        f"keep node_modules out of the repository, run 'npm install' from a new lock file, and {_ADD}",
    ),
    rule(
        r"^.{0,80}--openssl-legacy-provider is not allowed in NODE_OPTIONS.{0,40}",
        "NODE_OPTIONS has an option that this Node does not know",
        "headway env unset APP NODE_OPTIONS, or ask for a Node of 17 and later: headway apps set APP --use node=22",
    ),
    rule(
        r"^(?!.{0,80}(?:error while loading|ImportError|OSError)).{0,120}\blib(?:ssl|crypto)\.so\.(?P<what>1[\d.]{1,4}): cannot open shared object file.{0,60}|"
        r"^.{0,120}Please install openssl-(?P<one>1\.[\w.]{1,6}) and try again.{0,40}",
        "a program is for OpenSSL {what}, which this machine does not have any more",
        "take a newer release of what brought it, and make it anew (Prisma: 'npm install prisma@latest @prisma/client@latest', "
        'with binaryTargets = ["native"] in schema.prisma)',
    ),
    rule(
        r"^(?!.{0,80}(?:error while loading|ImportError|OSError)).{0,120}\blib(?:ssl|crypto)\.so\.3: cannot open shared object file.{0,60}|^.{0,120}Please install openssl-3\S{0,8} and try again.{0,40}",
        "the machine lacks OpenSSL",
        "on the machine: apt install openssl libssl3",
    ),
    rule(
        r"^.{0,80}Host system is missing dependencies(?: to run browsers)?.{0,40}",
        "the machine lacks libraries that the browser needs",
        "on the machine: npx playwright install-deps (of Python: playwright install-deps)",
    ),
    rule(
        r"^.{0,120}(?:numpy\.dtype size changed|A module that was compiled using NumPy 1\.x cannot be run|numpy\.core\.multiarray failed to import|_ARRAY_API not found).{0,160}",
        "a package was compiled for another NumPy than the one that is installed",
        f"write numpy<2, or newer releases of what uses it, {_REQUIRE}",
    ),
    rule(
        r"^.{0,80}ImportError: cannot import name '(?P<what>\w{1,40})' from (?:partially initialized module )?'(?P<module>[\w-]{1,40})[\w.]{0,60}' \(.{0,200}(?:site|dist)-packages.{0,200}",
        "the {module} that was installed has no {what}: mostly one that is newer than what uses it",
        f"pin {{module}} to a version that fits (flask 2.2 and older: werkzeug<3), or take a newer release of what uses it, {_REQUIRE}",
        last=True,
    ),
    rule(
        r"^.{0,80}AttributeError: module '(?P<module>collections|inspect|asyncio|fractions|time|typing|ast|configparser|pkgutil|gettext|base64)' has no attribute '(?P<what>\w{1,40})'.{0,60}",
        "a package uses {module}.{what}, which this Python does not have any more",
        "take a newer release of it, or ask for the Python that it is for: headway apps set APP --use python=3.9",
        last=True,
    ),
    rule(
        r"^.{0,80}AttributeError: module '(?P<module>(?!__main__)[\w.]{1,60})' has no attribute '(?P<what>\w{1,60})'.{0,100}",
        "the {module} that is installed has no {what}: mostly another version, or a file of the repository with its name",
        f"pin a version that fits {_REQUIRE}, or rename a file that hides it",
        last=True,
        phase=Phase.START,
    ),
    rule(
        r"^.{0,80}ForwardRef\._evaluate\(\) missing 1 required keyword-only argument.{0,100}",
        "this pydantic is older than this Python",
        f"write pydantic>=1.10.18, or take an older Python (headway apps set APP --use python=3.11), {_REQUIRE}",
    ),
    rule(
        r"^.{0,80}(?:PydanticImportError|PydanticUserError).{0,240}|^.{0,80}`BaseSettings` has been moved to the `pydantic-settings` package.{0,160}",
        "the source is for pydantic 1, and 2 is installed",
        f"write pydantic<2 (or add pydantic-settings, and mend the source), {_REQUIRE}",
    ),
    rule(
        r"^.{0,80}unsupported version of sqlite3.{0,160}",
        "a library wants a newer SQLite than this Python has",
        "add pysqlite3-binary to the requirements and have it take the place of sqlite3, or ask for a newer Python: headway "
        "apps set APP --use python=3.12",
    ),
    rule(
        r"^.{0,80}(?:Form data requires \"python-multipart\"|email-validator is not installed|`?(?P<what>python-multipart|email-validator|itsdangerous|jinja2|python-jose|greenlet)`? (?:must be|is not|library is not) installed).{0,160}",
        "a library needs another one that the requirements do not have",
        f"add python-multipart, email-validator or what it names {_REQUIRE.replace('in the', 'to the')}",
    ),
    rule(
        r"^.{0,80}(?:Missing staticfiles manifest entry for|MissingFileError).{0,160}",
        "a static file that is named was not collected",
        "see that STATIC_ROOT is set and the file is committed, so that 'python manage.py collectstatic' of the build finds it",
    ),
    rule(
        r"^.{0,20}\[git-revision-date-localized-plugin\] .{0,240}|^.{0,80}(?:InvalidGitRepositoryError|Unable to find a git directory).{0,160}",
        "what is built asks git, and a release has no .git",
        "have it do without (MkDocs: 'fallback_to_build_date: true' below git-revision-date-localized), or let it read "
        "SOURCE_COMMIT",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,60}Cannot resolve \"(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})[^\"\n]{0,100}\" from .{1,300}externals are not allowed.{0,20}",
        "{what} is needed by a package and is not installed",
        f"run 'npm install {{what}}' and {_ADD}; where the server is built for an edge, build it for Node (nitro.preset "
        "'node-server')",
    ),
    rule(
        r"^.{0,60}Could not resolve \"[^\"\n]{1,160}\" from \"[^\"\n]{0,200}(?:commonjs-external|node_modules/)[^\"\n]{0,200}\".{0,40}",
        "a package that is bundled names a file of another that is not there: mostly two versions of one",
        "make the lock file anew ('npm dedupe', or remove it and run 'npm install'), or let the framework bundle it "
        "(build.transpile of Nuxt), and commit",
    ),
    rule(
        r"^.{0,60}Rollup failed to resolve import \"(?P<what>(?:/|\./|\.\./|@/|~/)[^\"\n]{1,160})\".{0,300}",
        "a file that is imported is not there: {what}",
        "commit it (look at .gitignore) and mend the path: names differ by their capitals on Linux",
    ),
    rule(
        r"^\[InvalidContentEntry\w{0,20}\] .{1,240}(?:\n(?!Hint).{1,200})?|^.{0,80}data does not match collection schema\.(?:\n.{1,200})?",
        "a page of the content does not fit the schema of its collection",
        "mend its front matter, or the schema in src/content.config, as the line says, and commit",
    ),
    rule(
        r"^.{0,40}(?:Astro )?found issue\(s\) with your configuration:?(?:\n! ?.{1,200})?",
        "astro.config has a setting that this Astro does not know",
        "mend the one that is named (Astro 5 has output 'static' or 'server' alone), and commit",
    ),
    rule(
        r"^(?!.{0,200}(?:ECONNREFUSED|ETIMEDOUT|ENOTFOUND|with \"output: export\"|\b[A-Z][A-Z0-9]{1,30}_[A-Z0-9_]{1,40}\b.{0,20}"
        r"(?:not (?:set|defined|found)|missing|required|undefined)))(?P<line>Error: .{1,300}|\w{1,40}Error: .{1,300})\n(?:.{0,300}\n){0,16}?.{0,40}Failed to collect page data for (?P<page>[^\s\]]{1,100})",
        "Next runs {page} while it builds, and that fails",
        "mostly a variable that it reads is not set: headway env set APP NAME=...; or read it within the function that "
        "answers, and not at the top of the file",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,20}YN0009: .{0,10}?(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})@\S{0,80} couldn't be built successfully.{0,200}",
        "a script of {what} that runs when it is installed fails",
        "see what it says: headway env set APP YARN_ENABLE_INLINE_BUILDS=1, and deploy again; mostly it lacks a compiler (apt "
        "install build-essential python3) or a download",
    ),
    rule(
        r"^.{0,80}(?:IntegrityCheckFailed|Integrity check failed for tarball).{0,120}",
        "a package is not the one that the lock file has",
        "make the lock file anew ('bun install --force'), look why it differs, and commit",
    ),
    rule(
        r"^.{0,20}error: (?:ConnectionRefused|FailedToOpenSocket|ConnectionClosed|ConnectionReset|DNSResolveFailed|Timeout|UnableToResolveHost)\w* downloading .{0,160}",
        "the registry of the packages does not answer from this machine",
        "see that the machine reaches it (HEADWAY_NPM_REGISTRY names another), and deploy again",
    ),
)
GENERAL: tuple[Rule, ...] = (
    rule(
        r"^.{0,80}ImproperlyConfigured: (?P<what>.{1,300})",
        "Django refuses its settings",
        "mend what the line names; a variable that they read is set by headway env set APP NAME=...",
        last=True,
    ),
)
