"""tsc, Vite, Next, Nuxt, Angular, Astro, Svelte, Prisma, and what else builds JavaScript."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_ADD = "run 'npm install {what}' (or your package manager's add), commit package.json and its lock file"
_CAPITALS = "mend the path (names differ by their capitals on Linux) or commit the file"

_NODE = (
    "assert|buffer|child_process|cluster|crypto|dns|events|fs|http|http2|https|module|net|os|path|perf_hooks|process|"
    "querystring|readline|stream|string_decoder|timers|tls|tty|url|util|v8|vm|worker_threads|zlib"
)
_MODULES = (
    rule(
        rf"^.{{0,200}}error TS(?:2580|2591): Cannot find name '(?P<one>[^'\n]{{1,60}})'.{{0,240}}|"
        rf"^.{{0,200}}error TS2307: Cannot find module '(?P<two>(?:node:[\w/]{{1,40}}|(?:{_NODE})(?:/promises)?))'.{{0,120}}",
        "the types of Node are not there",
        "run 'npm install -D @types/node', name \"node\" where tsconfig.json has 'types', and commit",
    ),
    rule(
        r"^.{0,80}Preprocessor dependency \"(?P<what>[^\"\n]{1,60})\" not found.{0,120}",
        "a style is written for {what}, and package.json does not have it",
        "run 'npm install -D {what}' (or your package manager's add), commit package.json and its lock file",
    ),
    rule(
        r"^(?!.{0,80}Cannot find module '\S{0,200}\.node').{0,120}(?:Can't resolve|Could not resolve|failed to resolve import|Failed to resolve import|Cannot find module|"
        r"Could not load) ['\"](?P<file>\.{1,2}/[^'\"\n]{1,200})['\"].{0,200}",
        "{file} is imported, and no such file is in what is built",
        "commit the file (look at .gitignore and .dockerignore, and at capitals: Linux tells them apart), or mend the path",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,120}(?:Can't resolve|Could not resolve|failed to resolve import|Failed to resolve import|Cannot find module|"
        r"Could not load) ['\"](?P<file>(?:\.{1,2}|@|~|\$\w{1,20}|src)/[^'\"\n]{1,200})['\"].{0,200}",
        "a file that is imported is not there, or its folder's short name is not known to the build",
        _CAPITALS,
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,200}(?:Can't resolve|Could not resolve|failed to resolve import|Failed to resolve import|Cannot find package|"
        r"Cannot find module|Could not find package|Failed to resolve) ['\"](?P<what>(?:@[\w.-]{1,60}/)?[\w-][\w.-]{0,60})(?:/[^'\"\n]{0,100})?['\"].{0,200}",
        "{what} is imported, and package.json does not have it",
        f"{_ADD}; one of your own (a folder, file: or a workspace) has to be in what is deployed: deploy from above both",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,200}\"(?P<what>[^\"\n]{1,60})\" is not exported by \"(?P<file>[^\"\n]{1,200})\".{0,200}",
        "{what} is imported from {file}, which does not export it",
        "mend the name, or export it there, and commit (a default export is imported without braces: import {what} from ...); of a "
        "package, lock the version that has it",
    ),
    rule(
        r"^.{0,20}Th(?:is|ese) (?:dependency was|dependencies were|relative module was|relative modules were) not found:\n[*-] (?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})\S{0,100} in .{1,200}",
        "{what} is imported, and package.json does not have it",
        _ADD,
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,200}error TS7016: Could not find a declaration file for module '(?P<what>\.[^'\n]{1,120})'.{0,200}",
        "{what} is JavaScript and has no types",
        'set "allowJs": true in tsconfig.json, or write a .d.ts beside it, and commit',
    ),
    rule(
        r"^.{0,200}error TS7016: Could not find a declaration file for module '(?P<what>[^'\n]{1,80})'.{0,200}",
        "{what} has no types",
        "run 'npm install -D @types/{what}', commit package.json and its lock file",
    ),
)
_SETTINGS = (
    rule(
        r"^.{0,80}(?:digital envelope routines::unsupported|ERR_OSSL_EVP_UNSUPPORTED).{0,80}",
        "the bundler is older than Node 17 and its OpenSSL",
        "headway env set APP NODE_OPTIONS=--openssl-legacy-provider, or an older Node: headway apps set APP --use node=16",
    ),
    rule(
        r"^.{0,160}(?:Vite requires Node\.js version|You are using Node\.js .{1,20}\. For \S{1,20}, Node\.js version|requires a minimum Node\.js version of|"
        r"is not supported by \w{1,20}! Please upgrade to supported version:) \"?(?P<wants>[^\"\n]{1,60}).{0,200}",
        "this Node is too old for what builds, which is for {wants}",
        "ask for such a one: headway apps set APP --use node={node}",
    ),
    rule(
        r"^.{0,80}(?:crypto\.hash is not a function|crypto\$\d\.getRandomValues is not a function).{0,80}|"
        r"^.{0,80}(?:Vite requires Node\.js version|You are using Node\.js|Unsupported Node\.js version|"
        r"The Angular CLI requires a minimum Node\.js|Node\.js v?\S{1,12} is not supported by|"
        r"requires Node\.js version|requires at least Node\.js).{0,200}",
        "this Node is too old for what builds",
        "ask for a newer one: headway apps set APP --use node=22",
    ),
    rule(
        r"^.{0,80}\bTypeScript (?P<has>\d[\w.-]{0,20}) is not supported by this version of (?P<who>\S{1,30}?)\. .{0,300}|"
        r"^.{0,80}(?P<by>The Angular Compiler) requires TypeScript (?P<wants>.{1,40}) but (?P<found>\S{1,20}) was found instead.{0,20}",
        "the TypeScript that is installed is newer than what builds knows",
        "pin the one that the line names ('npm install -D typescript@VERSION'), commit package.json and its lock file; or take a newer "
        "release of what builds",
    ),
    rule(
        r"^.{0,80}Treating warnings as errors because process\.env\.CI = true.{0,100}",
        "react-scripts takes warnings for errors where CI is set",
        "mend the warnings that it lists, or: headway env set APP CI=false",
    ),
    rule(
        r"^.{0,80}Environment variable not found: (?P<name>[A-Z][A-Z0-9_]{1,60}).{0,60}",
        "{name} is read and not set",
        "headway env set APP {name}=...",
    ),
    rule(
        r"^.{0,80}(?:@prisma/client did not initialize yet|Prisma Client could not locate the Query Engine|Cannot find module '\.prisma/client).{0,160}",
        "Prisma's client was not generated",
        "let the build do it: headway apps set APP --build 'npx prisma generate && npm run build'",
    ),
    rule(
        r"^.{0,80}(?:Could not find Chrome|Could not find Chromium|Failed to launch the browser process).{0,120}|"
        r"^.{0,80}Executable doesn't exist at .{0,120}",
        "a browser is asked for, and the machine has none",
        "on the machine: apt install chromium, then headway env set APP PUPPETEER_EXECUTABLE_PATH=/usr/bin/chromium "
        "(Playwright takes executablePath)",
    ),
)
_FRAMEWORKS = (
    rule(
        r"^.{0,80}(?:You're importing a component that needs|It only works in a Client Component|"
        r"createContext only works in Client Components).{0,260}",
        "a component of the server uses what only a browser's can",
        'write "use client" in the first line of that file and commit',
    ),
    rule(
        r"^.{0,80}useSearchParams\(\) should be wrapped in a suspense boundary at page .{0,120}",
        "Next renders this page while it builds, and it reads the address",
        "put what calls useSearchParams into <Suspense>, and commit",
    ),
    rule(
        r"^.{0,80}Error occurred prerendering page \"(?P<page>[^\"\n]{1,100})\".{0,100}(?:\n(?P<line>.{0,20}Error\b.{0,240}))",
        "Next renders {page} while it builds, and that fails",
        "mend it, set the variables that it reads (headway env set APP NAME=...), or let it be rendered at each request "
        "(export const dynamic = 'force-dynamic')",
    ),
    rule(
        r"^.{0,80}Error occurred prerendering page \"(?P<page>[^\"\n]{1,100})\".{0,100}",
        "Next renders {page} while it builds, and that fails",
        "mend it, set the variables that it reads (headway env set APP NAME=...), or let it be rendered at each request "
        "(export const dynamic = 'force-dynamic')",
        frame=True,
    ),
    rule(
        r"^.{0,80}Could not find a production build in the .{0,120}",
        "it is started and was not built",
        "let it be built: headway apps set APP --build 'npm run build'",
    ),
    rule(
        r"^.{0,80}Couldn't find any `?pages`? or `?app`? directory.{0,120}",
        "Next does not find its pages in the folder that is built",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}(?:NoAdapterInstalled|Cannot use .{0,40}without an adapter|Could not detect a supported production environment).{0,200}",
        "a page is rendered at each request, and no adapter for a server is installed",
        "add one, at the line that fits (Astro 5: @astrojs/node@9; SvelteKit 2: @sveltejs/adapter-node@5), and commit",
    ),
    rule(
        r"^.{0,80}bundle initial exceeded maximum budget.{0,120}|^.{0,80}exceeded maximum budget.{0,120}",
        "Angular's bundle is larger than angular.json allows",
        "raise 'budgets' in angular.json, or make it smaller, and commit",
    ),
    rule(
        r"^.{0,80}Failed to resolve (?P<file>[^\s'\"]{1,160}) from (?P<page>\S{1,200}\.html?)\b.{0,40}",
        "{page} names {file}, and there is no such file",
        "commit it (look at .gitignore), or mend its name in that page (its ending and capitals count), and commit",
    ),
    rule(
        r"^.{0,80}Could not resolve entry module .{0,120}",
        "Vite does not find index.html in the folder that is built",
        "name the right one (headway deploy --build-path FOLDER), or 'root' and 'build.rollupOptions.input' in vite.config",
    ),
    rule(
        r"^.{0,80}Could not find the '(?P<what>[^'\n]{1,80})' builder's node package.{0,60}",
        "angular.json names a builder that package.json does not have",
        "run 'npm install -D @angular-devkit/build-angular' (or what '{what}' is of), and commit",
    ),
)
# What some of tsc's errors mean; the others say that types do not fit.
_CODES = (
    (r"1117: .{0,200}", "an object of the source has a name twice", "remove or rename the second at that place"),
    (
        r"1016: .{0,200}",
        "a parameter that has to be given follows one that has not",
        "change their order, or write NAME?: there",
    ),
    (
        r"(?:2300|2451|2393): .{0,60}?(?:'(?P<what>[^'\n]{1,80})')?.{0,100}",
        "something is declared or imported twice",
        "remove one of the two at that place",
    ),
    (
        r"(?:2304|2552|2503|2663): Cannot find (?:name|namespace) '(?P<what>[^'\n]{1,80})'.{0,200}",
        "{what} is used, and neither declared nor imported in that file",
        "import or declare it there, or mend the name",
    ),
    (
        r"(?:2305|2614|2724|2459): .{0,200}has no exported member (?:named )?'(?P<what>[^'\n]{1,80})'.{0,200}",
        "{what} is imported from a module that does not export it",
        "mend the name or the import, or export it there (of a package, lock the version that has it)",
    ),
    (
        r"(?:6133|6192|6196|6198): .{0,200}",
        "something is declared and never used, which tsconfig.json forbids",
        "remove it, or set noUnusedLocals and noUnusedParameters to false",
    ),
    (
        r"(?:7006|7005|7031|7034|7053|7016): .{0,200}",
        "a value has no type, which 'strict' forbids",
        "write its type at that place (or set noImplicitAny to false)",
    ),
    (
        r"(?:2531|2532|2533|18046|18047|18048|18049): .{0,200}",
        "a value may be null, undefined or unknown at that place",
        "check it before it is used there",
    ),
)
_TYPES = (
    rule(
        r"^.{0,80}error TS(?:18003|5058|5083|5057|6053)\b.{0,200}",
        "tsc finds no files to compile, or no configuration",
        "mend 'include', 'extends' or the path in tsconfig.json, or name the folder: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}error TS2688: Cannot find type definition file for '(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})[^'\n]{0,80}'.{0,80}",
        "'types' in tsconfig.json names {what}, which is not installed",
        "run 'npm install -D {what}' ('@types/{what}' where its types come apart), or take it out of 'types', and commit",
    ),
    rule(
        r"^.{0,80}error TS5\d{3}: .{0,300}",
        "a setting of tsconfig.json does not do for the TypeScript that is installed",
        "change it as the line says, or pin the TypeScript that it was written for ('npm install -D typescript@5'), and commit",
        family="tsc",
    ),
    rule(
        r"^.{0,200}error TS2307: Cannot find module '(?P<what>\.[^'\n]{1,120})'.{0,120}",
        "a file that is imported is not there",
        _CAPITALS,
    ),
    *(
        rule(
            rf"^\S{{1,160}}?[(:]\d+[,:]\d+\)?(?: -|:) error TS{code}",
            cause,
            f"{mend}, try it with 'npx tsc --noEmit' and commit",
            family="tsc",
        )
        for code, cause, mend in _CODES
    ),
    rule(
        r"^\S{1,160}?[(:]\d+[,:]\d+\)?(?: -|:) error TS1\d{3}: .{0,300}",
        "a file of the source cannot be read by tsc",
        "mend it at that place and commit",
        family="tsc",
    ),
    rule(
        r"^\S{1,160}?[(:]\d+[,:]\d+\)?(?: -|:) error TS\d+: .{0,300}|^error TS\d+: .{0,300}",
        "the types do not fit",
        "mend them ('npx tsc --noEmit' shows all) and commit",
        family="tsc",
    ),
    rule(
        r"^(?:\./\S{1,120}\n)?.{0,20}Type error: .{0,300}",
        "the types do not fit",
        "mend them ('npx tsc --noEmit' shows all) and commit",
    ),
)
_GENERAL = (
    rule(
        r"^(?:FAIL|FAILED) +(?:\[.{1,40}\] )?(?P<what>[\w./@-]{1,160}(?:\.(?:test|spec)\.\w{2,4}|\.py::\S{1,120})).{0,200}",
        "a test fails, and the build runs the tests",
        "mend it, or build without: headway apps set APP --build LINE",
        phase=Phase.BUILD,
    ),
    rule(
        r"^\[(?:vite|plugin|astro|rollup)[^\]\n]{0,60}\] .{0,200}\(\d+:\d+\).{0,300}|^.{0,80}\[vite\](?: \[[^\]\n]{1,60}\])? .{0,100}\(\d+:\d+\).{0,300}",
        "a file of the source cannot be read by what builds it",
        "mend it at that place, try it with 'npm run build' and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^(?:Error: |x ){0,2}(?:Expected .{1,80}, got .{1,60}|Unexpected (?:token|eof|character).{0,100}|Unterminated .{1,60})\n,?-?\[(?P<file>\S{1,200}:\d{1,6}:\d{1,5})\].{0,10}",
        "{file} cannot be read: a bracket, tag or quote is open there, or closed twice",
        "mend it at that place (or just above), try it with 'npm run build' and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,40}[Ss]yntax error \S.{0,200}(?:\n(?:Location|File):?(?:\n| ).{1,200})?",
        "a file of the source cannot be read by what builds it",
        "mend it at that place (a quote, backtick or bracket too many or too few), try it with 'npm run build' and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}failed to load config from .{0,160}(?:\n.{0,200}){0,2}",
        "the configuration of the build cannot be loaded",
        "mend it, try it with 'npm run build' and commit; what it reads of the environment has to be set: headway env set "
        "APP NAME=...",
    ),
    rule(
        r"^(?!at ).{0,80}(?:SyntaxError|ParseError|RollupError|Transform failed with \d+ errors?|CssSyntaxError|Parse failure|Expression expected)\b:?.{0,300}",
        "a file of the source cannot be read by what builds it",
        "mend it at that place, try it with 'npm run build' and commit",
        phase=Phase.BUILD,
    ),
)

RULES: tuple[Rule, ...] = (*_SETTINGS, *_FRAMEWORKS, *_MODULES, *_TYPES)
GENERAL: tuple[Rule, ...] = _GENERAL
