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
)
GENERAL: tuple[Rule, ...] = ()
