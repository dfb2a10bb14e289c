"""Frameworks of pages: what they refuse of a source, and what they run while they build."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_COMMIT = "try it with 'npm run build', and commit"
_CORE = (
    r"(?:node:[\w/]{2,30}|fs|fs/promises|net|tls|dns|child_process|path|os|crypto|stream|http|https|http2|zlib|buffer|util|"
    r"process|async_hooks|module|worker_threads|perf_hooks|readline|events|assert|url|querystring|vm|string_decoder)"
)

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,80}\"(?P<name>[A-Za-z]\w{1,60})\" is not exported by \"(?:virtual:env|\$env)/static/(?:private|public)\".{0,160}",
        "SvelteKit reads {name} while it builds, and it is not set",
        "headway env set APP {name}=... (or read it from $env/dynamic, which is there when it starts)",
    ),
    rule(
        rf"^.{{0,120}}(?:Can't resolve|Could not resolve|Failed to resolve import|Module \") ?['\"]?(?P<what>{_CORE})['\"].{{0,200}}",
        "{what} is a part of Node, and is imported by what runs in a browser",
        'import it in code of the server alone (in Next a component without "use client", in Vite a server route), or give '
        f"the bundler another in its place (resolve.fallback, a polyfill), {_COMMIT}",
    ),
    rule(
        r"^.{0,160}(?:ReferenceError: )?\b(?P<what>window|document|localStorage|sessionStorage|navigator|self|HTMLElement) is not defined.{0,100}",
        "a page is rendered where there is no browser, and uses {what}",
        "use it after the page has come to a browser (useEffect, onMounted, a dynamic import without ssr), " + _COMMIT,
        last=True,
    ),
    rule(
        r"^.{0,80}MDX compilation failed for file \"?(?P<file>[^\"\n]{1,240})\"?(?:\n.{1,300})?|^.{0,80}Could not (?:compile|parse) .{0,60}(?:MDX|acorn).{0,200}",
        "a page in MDX cannot be read: a '<' or '{{' in its text begins a tag or an expression there",
        "write it as '&lt;' or '\\{{', or between backticks, at the place that is named, and commit",
    ),
    rule(
        r"^.{0,80}(?:found broken (?:links|anchors|markdown links)|Broken link (?:on|found)|dead link\(s\) found).{0,120}(?:\n.{0,200}){0,8}?(?:\n.{0,10}linking to .{1,200})?",
        "the site has links to pages that are not there",
        "mend them, or let the build pass with them (Docusaurus: onBrokenLinks: 'warn'; VitePress: ignoreDeadLinks: true), and "
        "commit",
    ),
    rule(
        r"^.{0,80}(?:is missing (?:exported function )?\"?generateStaticParams\(\)|Page .{1,120} is missing param .{1,120} in \"generateStaticParams).{0,200}",
        "Next exports a site, and a page with a parameter does not say which there are",
        "add generateStaticParams() to it, or take output: 'export' out of next.config, and commit",
    ),
    rule(
        r"^.{0,120}\bnot configured on route \"(?P<page>[^\"\n]{1,120})\" with \"output: export\".{0,160}|"
        r"^.{0,80}(?:API Routes|Server Actions|Middleware|Intercepting routes?|Route Handlers?) .{0,60}(?:cannot be used|(?:is|are) not supported) with \"output: export\".{0,160}",
        "Next exports a site, and a part of it wants a server",
        "take output: 'export' out of next.config, so that 'next start' serves it; or make that part static (export const dynamic = "
        "'force-static' in the route), or remove it, and commit",
    ),
    rule(
        r"^.{0,80}Image Optimization using the default loader is not compatible with.{0,160}",
        "Next exports a site, and its images want a server",
        "write images: {{ unoptimized: true }} in next.config, and commit",
    ),
    rule(
        r"^.{0,80}(?:Dynamic server usage|couldn't be rendered statically because it used).{0,200}",
        "Next renders a page while it builds that reads the request",
        "write export const dynamic = 'force-dynamic' in it (or take output: 'export' out), and commit",
    ),
    rule(
        r"^(?:\./\S{1,160}\n)?\d{1,5}:\d{1,5} Error: .{1,200}? (?:@?[\w-]{2,40}/)?[\w/-]{3,60}$",
        "ESLint refuses the source, and the build with it",
        "mend it at that place, or build without (next.config: eslint: {{ ignoreDuringBuilds: true }}), and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}(?:Module parse failed: |You may need an appropriate loader to handle this file type).{0,240}",
        "the bundler cannot read a file: mostly it is written for a newer one, or has no loader",
        "let its package be transpiled (next.config: transpilePackages), or add the loader, " + _COMMIT,
    ),
    rule(
        r"^.{0,80}terser not found\..{0,160}",
        "Vite is told to use terser, which is not installed",
        "run 'npm install -D terser', commit package.json and its lock file",
    ),
    rule(
        r"^.{0,80}Could not find a required file\.(?:\n.{0,160}){0,2}",
        "react-scripts does not find public/index.html or src/index.js",
        "commit it (look at .gitignore), or name the folder: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}(?:Cannot query field \"[^\"\n]{1,80}\" on type|There was an error in your GraphQL query|Unknown (?:type|argument) \"[^\"\n]{1,60}\").{0,200}",
        "a query asks for a field that the data does not have: mostly its source gave none, since its key is not set",
        "set the variables of that source (headway env set APP NAME=...), or mend the query, and commit",
    ),
    rule(
        r"^.{0,80}(?:outside (?:of )?(?:a|an) (?:workspace|Angular|Nx|project)|in (?:a|an) \w{1,20} project\. Make sure you are in the (?:right|correct) directory|"
        r"No projects? (?:was|were) found|Could not find (?:the )?project root).{0,160}",
        "the folder that is built or started is not that of the project",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,120}?(?P<what>(?<![\w@/.-])[\w@/.-]{1,60}) might not be installed in your .{0,160}",
        "{what} is not installed in the application",
        "add it to 'dependencies' in package.json and lock again, and commit both",
    ),
    rule(
        r"^.{0,80}Cannot find module '[^'\n]{0,200}/node_modules/(?P<what>(?:@[\w.-]{1,60}/)?[\w.-]{1,60})/(?:[^'\n]{0,160}(?<!\.node))'.{0,100}",
        "{what} was not installed, or only in part",
        "add it to package.json, make the lock file anew ('npm install {what}'), and commit both",
    ),
    rule(
        r"^.{0,80}(?:Invalid next\.config|Unrecognized key\(s\) in object|Invalid configuration object|Schema validation failed|"
        r"Data path \"[^\"\n]{0,60}\" must (?:NOT )?have|does not match the API schema|Unknown (?:option|config) ).{0,240}",
        "a configuration has a setting that this version does not know",
        "mend the one that is named, or take the version that it is for, and commit",
        tolerable=True,
    ),
    rule(
        r"^.{0,20}(?:CssSyntaxError|Syntax error): .{0,240}Can't resolve '(?P<what>(?:@[\w.-]{1,60}/)?[\w-][\w.-]{0,60})(?:/[^'\n]{0,80})?' in '(?P<folder>[^'\n]{1,200})'.{0,40}",
        "a style sheet imports {what}, which is not installed for {folder}",
        "add it to the package.json of the package that this folder is of ('npm install -D {what}'; in a workspace 'pnpm "
        "--filter NAME add -D {what}'), in the version of its plugin (@tailwindcss/postcss), and commit it and the lock file",
    ),
    rule(
        r"^.{0,20}(?:Error: )?(?P<what>A PostCSS Plugin (?:was passed|must be)|Your custom PostCSS configuration|An unknown PostCSS plugin|Error: Malformed PostCSS Configuration).{0,200}",
        "Next reads postcss.config otherwise than it is written",
        "name the plugins as strings, without require() or import: module.exports = {{ plugins: {{ tailwindcss: {{}}, "
        "autoprefixer: {{}} }} }} (Tailwind 4: '@tailwindcss/postcss'), and commit",
    ),
    rule(
        r"^.{0,80}(?:SassError|CssSyntaxError|\[postcss\] .{0,160}:\d{1,6}:\d{1,5}: |Can't find stylesheet to import|(?:Syntax Error: )?Unclosed (?:block|string|comment|bracket)|Undefined (?:variable|mixin|function)\.).{0,200}",
        "a style sheet cannot be read",
        "mend it at the line that is named, or install the package that it imports, and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,80}Attempted import error: '(?P<one>[^'\n]{1,60})' is not exported from '(?P<what>[^'\n]{1,80})'.{0,80}",
        "{what} has no {one}: mostly another version than the source is for",
        "pin the version that fits in package.json, lock again, and commit (or mend the import)",
    ),
    rule(
        r"^.{0,80}cannot have two parallel pages that resolve to the same path.{0,200}|^.{0,80}(?:Conflicting (?:app and page file|public file and page file)|pages? .{1,80} conflict with).{0,160}",
        "two pages of Next have the same address",
        "remove or rename one of them, and commit",
    ),
    rule(
        r"^(?:\S{1,160}\n)?.{0,40}Type error: Type '.{1,160}' does not satisfy the constraint '.{0,120}PageProps'.{0,60}|"
        r"^.{0,40}Route \"[^\"\n]{1,120}\" has an invalid \"[A-Z]{3,7}\" export:\n.{0,20}\{ params: .{0,200}",
        "params and searchParams are promises from Next 15 on",
        "write params: Promise<{{ ... }}> and 'await params' in that file, and commit",
    ),
    rule(
        r"^.{0,80}found pages without a React Component as default export in.{0,80}(?:\n.{1,160})?|^.{0,80}has an invalid (?:\"\w{1,20}\" )?export.{0,160}",
        "a file of Next's pages exports what Next does not take there",
        "mend the export, or move what is no page out of that folder, and commit",
    ),
    rule(
        r"^.{0,80}Failed to fetch `?(?P<what>[\w +-]{1,60})`? from Google Fonts.{0,80}|^.{0,80}(?:request to https://fonts\.g\S{1,200} failed).{0,80}",
        "the build fetches a font, and its server does not answer from this machine",
        "deploy again, or keep the font in the repository (next/font/local)",
        tolerable=True,
    ),
    rule(
        r"^.{0,80}(?:MissingSharp|Could not find [`\"]?[Ss]harp[`\"]?|Could not load the \"sharp\" module|installing the \"sharp\" module|sharp: Installation error).{0,160}",
        "sharp, which makes the images, is not installed for this machine",
        "run 'npm install sharp' (with the lock file of this machine's kind: npm install --os=linux --cpu=x64 sharp), and commit both",
    ),
    rule(
        r"^.{0,40}(?:The Cypress App could not be downloaded|Failed downloading the Cypress binary).{0,120}",
        "Cypress, which only tests need, is fetched when packages are installed, and its server does not have it or does not answer",
        "headway env set APP CYPRESS_INSTALL_BINARY=0, and deploy again",
    ),
    rule(
        r"^(?!raise |at ).{0,160}(?:ECONNREFUSED|[Cc]onnection refused).{0,20}(?:localhost|127\.0\.0\.1|::1)\]?:(?!5432|3306|27017|6379|1433)\d{2,5}.{0,80}",
        "the build asks a server on the machine itself, where none listens",
        "let it ask one that is reached (the variable that has its address: headway env set APP NAME=https://...), or when it is "
        "started (export const dynamic = 'force-dynamic'), and commit",
        phase=Phase.BUILD,
    ),
    rule(
        r"^.{0,40}ERROR .{0,20}(?:Nuxt module should be a function|\[nuxt\] instance unavailable).{0,120}",
        "a module of Nuxt is for another Nuxt than the one that is installed",
        "take the versions that fit each other, lock again and commit",
    ),
    rule(
        r"^.{0,80}(?:Prisma schema validation(?!(?:.{0,200}\n){1,3}.{0,60}Environment variable not found)(?:.{0,120}\n){0,3}.{0,20}error: |Could not find Prisma Schema|Could not load `?--schema`? from).{0,160}",
        "Prisma finds no schema, or cannot read it: mostly it lies elsewhere, or is for another Prisma",
        'name it in package.json ("prisma": {{"schema": "PATH"}}) or pin Prisma to the version that it is for, and commit',
    ),
    rule(
        r"^.{0,40}[Ii]nvalid environment variables:? \{ ?(?P<name>[A-Z][A-Z0-9_]{2,60})\b.{0,300}",
        "{name} is needed and not set",
        "headway env set APP {name}=...",
    ),
    rule(
        r"^.{0,40}(?:Could not find turbo\.jsonc?|Found `pipeline` field instead of `tasks`|Invalid turbo\.json|Missing `packageManager` field in package\.json).{0,160}",
        "turbo.json is missing, or of another turbo",
        "commit it, or pin turbo to the version that it is for ('npx @turbo/codemod migrate' makes it new)",
    ),
    rule(
        r"^.{0,40}(?:Cannot find (?:configuration for task|project) .{1,100}|lerna ERR! ENO(?:LERNA|GIT|WORKSPACES).{0,120})",
        "the workspace has no such task or project",
        "mend the name in the line: headway apps set APP --build LINE",
    ),
    rule(
        r"^.{0,80}(?:Unrecognised theme name: '(?P<what>[^'\n]{1,60})'|The \"(?P<one>[^\"\n]{1,60})\" plugin is not installed|no theme named '(?P<two>[^'\n]{1,60})' found|Could not import extension (?P<three>[\w.]{1,60})).{0,120}",
        "the documentation wants {what}, which is not installed",
        "add the package that has it (mkdocs-material, mkdocs-{what}-plugin, sphinx-...) to the requirements, and commit",
    ),
    rule(
        r"^.{0,40}Aborted with \d{1,4} (?:[Cc]onfiguration )?[Ww]arnings in [Ss]trict mode.{0,40}",
        "MkDocs is strict, and there are warnings",
        "mend what the lines above name, or build without --strict: headway apps set APP --build 'mkdocs build'",
    ),
    rule(
        r"^.{0,40}(?:\[11ty\] \d\. )?Having trouble (?:rendering|compiling|writing) .{1,200}(?:\n.{1,300})?|^.{0,80}(?:Template render error|filter not found: |unknown filter|undefined filter).{0,200}",
        "a template cannot be rendered",
        "mend it at the place that is named, or add the filter or tag to the configuration, and commit",
    ),
    rule(
        r"^.{0,80}(?:threw an error while running the (?P<what>\w{1,40}) lifecycle|Invalid plugin options for).{0,160}(?:\n(?!- ).{1,200})?(?:\n- .{1,120}){0,4}",
        "a plugin of Gatsby fails, mostly since the key of its source is not set",
        "set the variables that gatsby-config reads: headway env set APP NAME=...",
    ),
    rule(
        r"^.{0,80}(?:Command failed with signal \"?SIGKILL|ended by signal SIGKILL|exited with signal SIGKILL|\bsignal: killed\b|Process exited with code 137|exit(?:ed with)? code:? 137).{0,80}",
        "it used more memory than there is for it",
        "let it use less, or raise its memory limit (headway apps set APP --memory SIZE, or HEADWAY_BUILD_MEMORY for builds)",
        tolerable=True,
    ),
    rule(
        r"^.{0,80}(?:EMFILE: too many open files(?!, watch)|\[Errno 24\] Too many open files|Too many open files \(os error 24\)).{0,120}",
        "it opens more files at once than a process may",
        "have it open fewer (the number of workers or of images at once), or close what it opens",
    ),
    rule(
        r"^.{0,80}(?:Can't find msgfmt|Can't find xgettext|Can't find msguniq).{0,120}",
        "the machine lacks the programs of gettext",
        "on the machine: apt install gettext",
    ),
    rule(
        r"^.{0,80}You must supply options\.input to rollup.{0,60}",
        "the build has nothing to begin with: what the plugin of the framework adds is not there",
        "write build.rollupOptions.input in vite.config, or install what it comes from (its packages of PHP or Ruby) before, and commit",
    ),
    rule(
        r"^(?:\[?\w{0,20}\]? ?)?TypeError: .{1,200}\n(?:at .{1,200}/node_modules/(?P<what>rollup|vite|webpack|esbuild|terser|postcss|next|nuxt|astro|@babel/core|typescript|sass|parcel)/.{1,200})",
        "{what} itself breaks, mostly where versions do not fit each other",
        "take the newest release of {what} and its plugins, or the last one that built it, lock again and commit",
        phase=Phase.BUILD,
    ),
)
GENERAL: tuple[Rule, ...] = ()
