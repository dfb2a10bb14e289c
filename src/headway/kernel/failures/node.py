"""npm, pnpm, Yarn, Bun and Deno: what is installed for JavaScript, and the addons that it compiles."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_USE = "headway apps set APP --use node=22"
_FITTING = "headway apps set APP --use node={node}"
_PRIVATE = "write ${{NPM_TOKEN}} in a committed .npmrc and set it: headway env set APP NPM_TOKEN=..."
_ADD = (
    "add a script of that name to package.json, or name the right one (headway apps set APP --build LINE, --start LINE)"
)
_OUT_OF_STEP = "the lock file does not fit package.json any more"

_LOCKS = (
    rule(
        r"^.{0,80}`npm ci` can only install packages when your package\.json and.{0,200}",
        _OUT_OF_STEP,
        "run 'npm install', commit package-lock.json and deploy again (or have it installed as package.json has it: headway "
        "apps set APP --install 'npm install')",
    ),
    rule(
        r"^.{0,80}The `npm ci` command can only install with an existing.{0,200}(?:\nnpm (?:error|ERR!) npm-shrinkwrap\.json .{0,80})?",
        "there is no lock file for npm ci",
        "run 'npm install' and commit package-lock.json, or let it install without: headway apps set APP --install 'npm install'",
    ),
    rule(
        r"^.{0,80}ERR_PNPM_(?:OUTDATED_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|FROZEN_LOCKFILE\w*).{0,200}",
        _OUT_OF_STEP,
        "run 'pnpm install', commit pnpm-lock.yaml and deploy again",
    ),
    rule(
        r"^.{0,80}ERR_PNPM_(?:NO_LOCKFILE|LOCKFILE_BREAKING_CHANGE|BROKEN_LOCKFILE|LOCKFILE_MISSING_DEPENDENCY).{0,200}",
        "pnpm-lock.yaml is missing, broken or of another pnpm",
        "run 'pnpm install' with the version that packageManager names, and commit pnpm-lock.yaml",
    ),
    rule(
        r"^.{0,80}Your lockfile needs to be updated, but yarn was run with.{0,100}",
        _OUT_OF_STEP,
        "run 'yarn install', commit yarn.lock and deploy again (or remove yarn.lock, where npm or pnpm installs the project)",
    ),
    rule(
        r"^.{0,80}YN0028.{0,20}The lockfile would have been (?:modified|created).{0,120}",
        _OUT_OF_STEP,
        "run 'yarn install', commit yarn.lock and deploy again",
    ),
    rule(
        r"^.{0,80}This package doesn't seem to be present in your lockfile.{0,160}",
        "yarn.lock knows nothing of this package",
        "run 'yarn install' at the root of the repository and commit yarn.lock",
    ),
    rule(
        r"^.{0,80}lockfile had changes, but lockfile is frozen.{0,60}",
        _OUT_OF_STEP,
        "run 'bun install', commit bun.lock and deploy again",
    ),
    rule(
        r"^.{0,80}The lockfile is out of date.{0,120}",
        "deno.lock does not fit what is imported any more",
        "run 'deno install', commit deno.lock and deploy again",
    ),
    rule(
        r"^.{0,80}(?:code EINTEGRITY|Incorrect integrity when fetching|ERR_PNPM_TARBALL_INTEGRITY|[Ii]ntegrity check failed|YN0018).{0,160}",
        "a package is not the one that the lock file has",
        "make the lock file anew, look why it differs, and commit",
    ),
)
_PACKAGES = (
    rule(
        r"^npm (?:error|ERR!) Invalid tag name \"(?P<what>[^\"\n]{1,80})\" of package.{0,160}",
        "package.json asks for {what}, which is neither a version nor a tag",
        "write a range that npm can read (such as ^2.1.0), lock again and commit",
    ),
    rule(
        r"^npm (?:error|ERR!) Invalid package name \"(?P<what>[^\"\n]{1,80})\".{0,160}",
        "no package can have the name {what}",
        "mend it in package.json, lock again and commit",
    ),
    rule(
        r"^npm (?:error|ERR!) Override for (?P<what>\S{1,80}) conflicts with direct dependency",
        "overrides in package.json wants another version of {what} than its dependencies do",
        "write the same range in both ($NAME in overrides stands for it), lock again and commit",
    ),
    rule(
        r"^npm (?:error|ERR!) must not have multiple workspaces with the same name\nnpm (?:error|ERR!) package '(?P<what>[^'\n]{1,80})'.{0,100}",
        "two folders of the workspace have packages called {what}",
        "give each its own name in package.json, lock again and commit",
    ),
    rule(
        r"^.{0,80}ERR_PNPM_CATALOG_ENTRY_NOT_FOUND\w*\s.{0,160}",
        "package.json takes a version from a catalog, and the catalog in pnpm-workspace.yaml has none",
        "add it there below 'catalog:', run 'pnpm install' and commit; or deploy from the root of the repository, where "
        "that file is",
    ),
    rule(
        r"^Your pnpm version is incompatible with .{0,100}\nExpected version: (?P<wants>.{1,60})",
        "package.json asks for pnpm {wants}",
        "ask for such a one (headway apps set APP --use pnpm=10), or widen engines.pnpm",
    ),
    rule(
        r"^.{0,80}ENOENT: no such file or directory, open '(?P<file>[^'\n]{1,200}\.(?:tgz|tar\.gz))'",
        "package.json takes a package from a file that is not in the repository",
        "commit {file} (look at .gitignore), or name a version that is published",
    ),
    rule(
        r"^Usage Error: Environment variable not found \((?P<name>\w{1,60})\) in .{0,160}",
        ".yarnrc.yml reads {name}, which is not set",
        "headway env set APP {name}=...",
    ),
    rule(
        r"^.{0,80}ENOENT: no such file or directory, open '(?P<file>[^'\n]{1,200}\.patch)'",
        "a patch that package.json or pnpm-workspace.yaml names is not in the repository",
        "commit {file} (look at .gitignore), or take its line out",
    ),
    rule(
        r"^.{0,80}Package \"(?P<what>[^\"\n]{1,80})\" refers to a non-existing file.{0,200}",
        "package.json takes {what} from a folder that is not there",
        "commit that folder, and where it lies beside the one that is built deploy from above both: headway deploy "
        "--build-path FOLDER",
    ),
    rule(
        r"^.{0,80}Workspaces can only be enabled in private projects.{0,40}",
        "Yarn knows workspaces only in a package that is private",
        'write "private": true in package.json and commit',
    ),
    rule(
        r"^.{0,20}YN0082: (?P<what>\S{1,80}): No candidates found.{0,60}",
        "the registry has no version that {what} allows",
        "take one that exists in package.json ('yarn npm info NAME' lists them), lock again and commit",
    ),
    rule(
        r"^.{0,80}ENOENT: no such file or directory, \w{1,10} '(?P<file>[^'\n]{0,120}\.yarn/(?:releases|plugins)/[^'\n]{1,100})'",
        "the Yarn or the plugin that .yarnrc.yml names is not in the repository",
        "commit {file} (.gitignore mostly keeps it out), or take yarnPath out of .yarnrc.yml and write packageManager in "
        "package.json",
    ),
    rule(
        r"^Usage Error: Failed to recognize the source for the (?P<what>\S{1,80}) plugin.{0,160}",
        ".yarnrc.yml names the plugin {what} in a way that Yarn does not know",
        "take it out of .yarnrc.yml, add it again ('yarn plugin import NAME') and commit .yarn/plugins",
    ),
    rule(
        r"^npm (?:error|ERR!) (?:Could not resolve dependency|Conflicting peer dependency):\nnpm (?:error|ERR!) (?:peer|peerOptional) "
        r"(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})@\"(?P<wants>[^\"\n]{1,80})\" from (?P<who>\S{1,80}).{0,80}",
        "{who} goes with {what} {wants}, and package.json has another",
        "write {what} in such a version, or a {who} that goes with yours, run 'npm install' and commit package.json and its lock "
        "file; or commit an .npmrc with legacy-peer-deps=true",
    ),
    rule(
        r"^npm (?:error|ERR!) Could not resolve dependency:\n.{0,200}",
        "two packages want different versions of one that they share",
        "bring their versions in package.json together, or commit an .npmrc with legacy-peer-deps=true",
    ),
    rule(
        r"^npm (?:error|ERR!) ERESOLVE (?:unable to resolve dependency tree|could not resolve)(?:\n.{0,200}){0,3}\nnpm (?:error|ERR!) Found: (?P<what>\S{1,80})",
        "a package does not go with {what}, which package.json asks for",
        "bring their versions in package.json together, or commit an .npmrc with legacy-peer-deps=true",
    ),
    rule(
        r"^.{0,80}ERR_PNPM_PEER_DEP_ISSUES.{0,160}",
        "two packages want different versions of one that they share",
        "bring their versions in package.json together, or write strict-peer-dependencies=false in a committed .npmrc",
    ),
    rule(
        r"^.{0,80}(?:notarget )?No matching version found for (?P<what>\S{1,80}?)[.,]?(?: .{0,120})?$|"
        r"^.{0,80}Couldn't find any versions for \"(?P<one>[^\"\n]{1,80})\".{0,120}|"
        r"^.{0,80}No version matching \"(?P<two>[^\"\n]{1,80})\".{0,120}",
        "the registry has no such version",
        "take one that exists in package.json ('npm view NAME versions' lists them), lock again and commit",
    ),
    rule(
        r"^npm (?:error|ERR!) 404 .{0,40}'(?P<what>[^'\n]{1,120})' (?:is not in|could not be found).{0,160}",
        "the registry has no {what}",
        "look at its name in package.json; if it is a private one, write ${{NPM_TOKEN}} in a committed .npmrc and set it "
        "(headway env set APP NPM_TOKEN=...)",
    ),
    rule(
        r"^.{0,80}(?:ERR_PNPM_FETCH_404|npm (?:error|ERR!) 404 Not Found).{0,20}GET \S{1,200}?/-/(?P<what>[\w.+-]{1,100})\.tgz.{0,60}",
        "the registry has no {what}, or no longer",
        "lock another version of it ('pnpm update NAME', 'npm update NAME'), and commit the lock file",
    ),
    rule(
        r"^.{0,80}(?:npm (?:error|ERR!) 404 Not Found.{0,160}|"
        r"ERR_PNPM_FETCH_404.{0,160}|error Couldn't find package .{0,120}|.{0,60}Package not found.{0,120}|"
        r"error: GET \S{1,160} - 404.{0,20}|.{0,80}npm package .{1,80} does not exist.{0,40})",
        "the registry has no package of that name",
        "look at its name in package.json; if it is a package of this repository, deploy from its root, where the workspace "
        "is; if it is a private one, write ${{NPM_TOKEN}} in a committed .npmrc and set it (headway env set APP NPM_TOKEN=...)",
    ),
    rule(
        r"^.{0,80}(?:npm (?:error|ERR!) code (?:E401|E403|ENEEDAUTH).{0,20}|ERR_PNPM_FETCH_40[13].{0,160}|"
        r".{0,20}YN0041.{0,160}|error .{0,80}Request failed .{0,10}40[13].{0,100}|error: GET \S{1,160} - 40[13].{0,20})(?:\n.{0,160})?",
        "the registry refuses who asks: a package is private, or the token is missing or too old",
        _PRIVATE,
    ),
    rule(
        r"^(?:error )?(?P<line>(?P<what>\S{1,120}): The engine \"node\" is incompatible with this module\. Expected version "
        r"\"(?P<wants>[^\"\n]{1,60})\"\. Got \"(?P<has>[^\"\n]{1,20})\".{0,20})",
        "{what} is for Node {wants}, and this one is {has}",
        f"ask for such a Node ({_FITTING}), or take a release of it that is for this one",
    ),
    rule(
        r"^.{0,80}The engine \"(?P<what>npm|yarn|pnpm)\" is incompatible with this module\. Expected version \"(?P<wants>[^\"\n]{1,60})\".{0,60}",
        "engines in package.json asks for {what} {wants}",
        "write such a one in packageManager ({what}@VERSION), or take engines.{what} out, and commit",
    ),
    rule(
        r"^npm (?:error|ERR!) (?:notsup|engine) (?:Unsupported engine|Not compatible with your version of node/npm)[^\n]{0,20}?: ?(?P<what>[^\s:]{1,120})"
        r"\n(?:npm .{0,200}\n){0,3}?npm (?:error|ERR!) (?:notsup|engine) Required: \{.{0,60}?\"node\":\"(?P<wants>[^\"\n]{1,60})\".{0,80}",
        "{what} is for Node {wants}",
        f"ask for such a one ({_FITTING}), or take a release of it that is for this one",
    ),
    rule(
        r"^.{0,20}Your Node version is incompatible with .{0,160}\nExpected version: (?P<wants>.{1,60})(?:\nGot: (?P<has>.{1,20}))?",
        "package.json, or a package of it, asks for Node {wants}",
        f"ask for such a one: {_FITTING}",
    ),
    rule(
        r"^.{0,80}npm (?:error|ERR!) notsup Required: ?\{.{0,60}?\"node\":\"(?P<wants>[^\"\n]{1,60})\".{0,80}",
        "package.json, or a package of it, asks for Node {wants}",
        f"ask for such a one: {_FITTING}",
    ),
    rule(
        r"^.{0,80}(?:npm (?:error|ERR!) notsup Required:.{0,160}|.{0,80}The engine \"node\" is incompatible with this module\..{0,120}|"
        r".{0,20}Your Node version is incompatible with.{0,160}|.{0,20}ERR_PNPM_UNSUPPORTED_ENGINE.{0,160})",
        "package.json, or a package of it, asks for another Node",
        f"ask for such a one: {_USE}",
    ),
    rule(
        r"^.{0,80}(?:EBADPLATFORM|Unsupported platform for|The platform \"linux\" is incompatible).{0,160}",
        "a package is for another system than Linux",
        "move it to optionalDependencies in package.json, lock again on any machine and commit",
    ),
    rule(
        r"^.{0,80}(?:EJSONPARSE|Failed to parse JSON|JSON\.parse Failed to parse|ERR_PNPM_JSON_PARSE|ERR_PNPM_BAD_PACKAGE_JSON).{0,200}(?:\n.{0,40}JSON\.parse .{0,160})?",
        "package.json is no JSON",
        "mend it at that place ('npx jsonlint package.json' shows it) and commit",
    ),
    rule(
        r"^.{0,80}(?:ENOENT|Could not read package\.json|ERR_PNPM_NO_(?:IMPORTER_MANIFEST_FOUND|PKG_MANIFEST)).{0,120}package\.json.{0,60}",
        "the folder that is built has no package.json",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}(?:ERR_PNPM_WORKSPACE_PKG_NOT_FOUND|Unsupported URL Type \"workspace:\"|No workspaces? found|EUNSUPPORTEDPROTOCOL|: Workspace not found \().{0,160}",
        "a package of the workspace is asked for and is not there, or its package manager is another one",
        "deploy from the root of the repository and name the package (headway apps set APP --package NAME), with the lock "
        "file of the manager that the workspace is of",
    ),
)
_SCRIPTS = (
    rule(
        r"^.{0,80}(?:[Mm]issing script: \"?(?P<script>[^\"\n]{1,60})\"?|ERR_PNPM_NO_SCRIPT.{0,120}|error Command \"[^\"\n]{1,60}\" not found.{0,20}|"
        r"Usage Error: Couldn't find a script named .{1,60}|error: Script not found .{1,60}|"
        r".{0,20}ERR_PNPM_RECURSIVE_RUN_NO_SCRIPT.{0,120})",
        "package.json has no such script",
        _ADD,
    ),
)
_HEADERS = (
    "let the machine reach it (HTTPS_PROXY where that takes a proxy), or set npm_config_nodedir to the folder of a Node "
    "that has its headers"
)
_ADDONS = (
    rule(
        r"^.{0,80}(?:SyntaxError: .{0,160} while (?:reading|trying to load) .{0,120}binding\.gyp|"
        r"File \".{0,160}binding\.gyp\", line \d+).{0,160}",
        "binding.gyp cannot be read",
        "mend it at that line, try it with 'npx node-gyp configure' and commit",
    ),
    rule(
        r"^.{0,20}gyp: binding\.gyp not found .{0,200}",
        "package.json has node-gyp compile an addon, and there is no binding.gyp",
        "commit binding.gyp, or take 'node-gyp rebuild' out of the scripts in package.json",
    ),
    rule(
        r"^gyp http GET (?P<host>https?://[^\s/]{1,100})/\S{0,200}"
        r"(?=\n(?:gyp .{0,200}\n){0,3}?gyp (?:WARN install got an error|ERR! stack Error: This is most likely not a prob))",
        "an addon is compiled here, and node-gyp could not fetch the headers of Node from {host}",
        _HEADERS,
    ),
    rule(
        r"^gyp ERR! stack Error: This is most likely not a problem with node-gyp.{0,120}",
        "an addon is compiled here, and node-gyp could not fetch the headers of Node",
        _HEADERS,
    ),
    rule(
        r"^gyp ERR! (?:find Python|stack Error: Could not find any Python|stack Error: Can't find Python).{0,160}",
        "an addon is compiled here, and node-gyp finds no Python",
        "on the machine: apt install python3 build-essential (make, g++); or lock what is compiled anew, or leave it out, "
        "where it is for another system (fsevents: npm install --omit=optional)",
    ),
    rule(
        r"^gyp ERR! stack Error: not found: (?:make|gcc|g\+\+|cc).{0,60}|"
        r"^.{0,80}(?:make|g\+\+|gcc|cc): (?:command not found|not found|No such file or directory).{0,60}",
        "an addon is compiled here, and the machine has no compiler",
        "on the machine: apt install build-essential python3",
    ),
    rule(
        r"^.{0,80}Package (?P<lib>(?:pixman-1|cairo|pangocairo|libpng|librsvg-2\.0)\b).{0,20}was not found.{0,120}",
        "canvas is compiled here and needs {lib}",
        "on the machine: apt install libcairo2-dev libpango1.0-dev libjpeg-dev libgif-dev librsvg2-dev build-essential",
    ),
    rule(
        r"^.{0,80}Package '?(?P<lib>[\w.+-]{1,40}?)'?(?: was not found|, required by .{1,60}, not found).{0,120}",
        "something is compiled here and needs {lib}",
        "install the Debian package that holds {lib}.pc (apt-file search {lib}.pc)",
    ),
    rule(
        r"^.{0,120}cannot find -l(?P<lib>[\w.+-]{1,60})(?:: .{0,60})?$",
        "something is compiled here, and the machine lacks the library {lib}",
        "install the Debian package that holds lib{lib}.so (apt-file search lib{lib}.so)",
    ),
    rule(
        r"^\S{1,160}\.(?:cc?|cpp|cxx|h|hpp):\d+:\d+: error: .{1,200}(?=(?:\n.{0,600}){1,150}?\ngyp ERR! )",
        "an addon does not compile against this Node",
        f"take a newer release of it, or a Node that it has binaries for ({_USE}); what is your own, mend at that place",
    ),
    rule(
        r"^gyp ERR! (?:stack Error|not ok|build error).{0,160}",
        "an addon does not compile against this Node",
        f"take a newer release of it, or a Node that it has binaries for ({_USE}); on the machine: apt install "
        "build-essential python3",
    ),
    rule(
        r"^.{0,80}(?:Could not load the \"sharp\" module|Error: Something went wrong installing the \"sharp\" module).{0,160}",
        "sharp lies there without its part for this processor",
        "lock it for Linux too ('npm install --os=linux --cpu=x64 sharp') and commit package-lock.json",
    ),
    rule(
        r"^.{0,80}Cannot find module '?@(?:rollup/rollup|esbuild/|swc/core|next/swc|tailwindcss/oxide|parcel/watcher|img/sharp)-?linux\S{0,40}.{0,120}|"
        r"^.{0,80}Cannot find module @rollup/rollup-linux\S{1,40}.{0,160}",
        "the lock file has only the binaries of the machine that made it",
        "remove node_modules and package-lock.json, run 'npm install', commit the new lock file and deploy again",
    ),
    rule(
        r"^.{0,100}(?:was compiled against a different Node\.js version|invalid ELF header|NODE_MODULE_VERSION \d+).{0,160}",
        "an addon was compiled for another Node or machine",
        "keep node_modules out of the repository (.gitignore), or ask for the Node that it was built by: " + _USE,
    ),
)
_BUN = (
    rule(
        r"^.{0,80}CouldntReadCurrentDirectory.{0,20}",
        "Bun before 1.4 wants to list the folders above its own, which are closed here",
        "ask for a later one, also where packageManager names it: headway apps set APP --use bun=1.4",
    ),
)
_DENO = (
    rule(
        r"^.{0,80}NotCapable: Requires (?P<what>\w{1,10}) access to .{0,120}",
        "Deno allows {what} only where it is told to",
        "add --allow-{what} to how it is started: headway apps set APP --start 'deno run --allow-{what} ...'",
    ),
    rule(
        r"^.{0,80}(?:Relative import path|Import) \"(?P<what>[^\"\n]{1,80})\" not (?:prefixed|a dependency).{0,120}",
        "Deno does not know where {what} comes from",
        "run 'deno add npm:{what}' (or jsr:), and commit deno.json and deno.lock",
    ),
    rule(
        r"^.{0,80}Module not found \"(?P<file>[^\"\n]{1,200})\".{0,60}",
        "an import names a file that is not in the repository",
        "mend the import (names differ by their capitals on Linux) or commit the file",
    ),
    rule(
        r"^.{0,80}TS\d{2,5} \[ERROR\]: .{0,200}",
        "the types do not fit",
        "mend them ('deno check' shows all) and commit",
    ),
)
_GENERAL = (
    rule(
        r"^npm (?:error|ERR!) path \S{0,300}node_modules/(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})\n"
        r"npm (?:error|ERR!) command failed(?:\n.{0,200})?",
        "the install script of {what} fails",
        "take a newer release of it, or what it needs of the machine; the lines above say what that is",
        phase=Phase.BUILD,
        frame=True,
    ),
    rule(
        r"^npm (?:error|ERR!) path (?!\S{0,300}node_modules)\S{1,300}\n(?:npm (?:error|ERR!) workspace .{1,120}\nnpm (?:error|ERR!) location .{1,200}\n)?"
        r"npm (?:error|ERR!) command failed\nnpm (?:error|ERR!) (?:signal .{1,20}\nnpm (?:error|ERR!) )?command (?:sh -c )?(?P<what>.{1,160})",
        "'{what}' runs when the packages are installed (postinstall or prepare in package.json), and fails: mostly what it "
        "reads is not there yet",
        "have the files that it names there before the installation (in a Dockerfile: COPY them before it), or install with "
        "--ignore-scripts and run it after COPY . . or in the build",
        phase=Phase.BUILD,
        frame=True,
    ),
)

RULES: tuple[Rule, ...] = (*_LOCKS, *_PACKAGES, *_SCRIPTS, *_ADDONS, *_BUN, *_DENO)
GENERAL: tuple[Rule, ...] = _GENERAL
