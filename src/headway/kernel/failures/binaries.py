"""Programs and compiled parts that a machine has not, or not as they are wanted: browsers, engines, threads, GPUs."""

from __future__ import annotations

from headway.kernel.failures.rule import Phase, Rule, rule

_ON = "on the machine: apt install "

RULES: tuple[Rule, ...] = (
    rule(
        r"^.{0,80}FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<what>ffmpeg|ffprobe|convert|magick|psql|pg_dump|pandoc|wkhtmltopdf|tesseract|pdftotext|"
        r"pdftoppm|libreoffice|soffice|gs|dot|rsync|curl|wget|unzip|git|java|chromium)'.{0,40}",
        "the machine lacks the program {what}",
        _ON + "{package}",
        phase=Phase.START,
        last=True,
        quotes={
            "ffprobe": "ffmpeg",
            "convert": "imagemagick",
            "magick": "imagemagick",
            "psql": "postgresql-client",
            "pg_dump": "postgresql-client",
            "tesseract": "tesseract-ocr",
            "pdftotext": "poppler-utils",
            "pdftoppm": "poppler-utils",
            "soffice": "libreoffice",
            "gs": "ghostscript",
            "dot": "graphviz",
            "java": "default-jre-headless",
        },
    ),
    rule(
        r"^.{0,80}headers or library files could not be found for (?P<what>\w{1,20}).{0,80}",
        "the machine lacks the library {what}, which is compiled into a package",
        _ON + "{package}",
        quotes={
            "jpeg": "libjpeg-dev",
            "zlib": "zlib1g-dev",
            "tiff": "libtiff-dev",
            "freetype": "libfreetype-dev",
            "webp": "libwebp-dev",
        },
    ),
    rule(
        r"^.{0,80}(?:libxml2 and libxslt development packages).{0,120}",
        "the machine lacks libxml2 and libxslt, which are compiled into lxml",
        _ON + "libxml2-dev libxslt1-dev",
    ),
    rule(
        r"^.{0,120}#error \"?C\+\+(?:17|20|23) or later required.{0,40}|^.{0,120}unrecognized command.line option '?-std=(?:c|gnu)\+\+(?:20|2a|23).{0,40}",
        "a compiled package is older than this Node, or the compiler of the machine is",
        "take a newer release of the package, or an older Node: headway apps set APP --use node=20",
    ),
    rule(
        r"^.{0,80}Node Sass (?:does not yet support|could not find a binding).{0,120}",
        "node-sass is for an older Node",
        "take sass in its place ('npm uninstall node-sass', 'npm install -D sass'), and commit package.json and its lock file",
    ),
    rule(
        r"^.{0,80}Failed to (?:set up|download) (?:Chrom(?:e|ium)|Firefox)\b.{0,160}",
        "a browser is fetched when packages are installed, and its server does not answer",
        "headway env set APP PUPPETEER_SKIP_DOWNLOAD=1 (PUPPETEER_EXECUTABLE_PATH=/usr/bin/chromium where it is needed), and deploy again",
    ),
    rule(
        r"^.{0,80}The package \"(?P<what>@(?:esbuild|rollup|swc|img|next|parcel|tailwindcss|lightningcss)/[^\"\n]{1,60})\" could not be found.{0,80}",
        "the lock file has only the binaries of the machine that made it",
        "remove node_modules and the lock file, install anew without --omit=optional, and commit the lock file",
    ),
    rule(
        r"^.{0,80}Query [Ee]ngine library for current platform .{1,60} could not be found.{0,120}|^.{0,80}Prisma Client could not locate the Query Engine.{0,120}",
        "the client of Prisma was made on another machine, or not into the release",
        "let the build run 'npx prisma generate' (and let binaryTargets in the schema have \"native\"), and commit",
    ),
    rule(
        r"^.{0,80}(?:cannot load library ['\"]?(?:libgobject|gobject|libpango|pango)[\w.-]{0,20}).{0,200}",
        "the machine lacks Pango, by which WeasyPrint draws",
        _ON + "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
    ),
    rule(
        r"^.{0,80}'?(?:chromedriver|geckodriver)'? executable needs to be in PATH.{0,80}|^.{0,80}(?:Unable to obtain driver for|cannot find Chrome binary).{0,80}",
        "the machine lacks the browser that Selenium drives",
        _ON + "chromium chromium-driver",
    ),
    rule(
        r"^.{0,120}tesseract is not installed or it's not in your PATH.{0,80}",
        "the machine lacks the program tesseract",
        _ON + "tesseract-ocr",
    ),
    rule(
        r"^.{0,120}(?:Unable to get page count\. Is poppler installed|PDFInfoNotInstalledError).{0,80}",
        "the machine lacks the programs of Poppler",
        _ON + "poppler-utils",
    ),
    rule(
        r"^.{0,80}(?:No wkhtmltopdf executable found|wkhtmltopdf exited with non-zero).{0,120}",
        "the machine lacks the program wkhtmltopdf",
        _ON + "wkhtmltopdf",
    ),
    rule(
        r"^.{0,80}(?:Couldn't find ffmpeg or avconv|Cannot find ffmpeg|ffmpeg was not found|ffprobe .{0,40}not found).{0,80}",
        "the machine lacks the program ffmpeg",
        _ON + "ffmpeg",
    ),
    rule(
        r"^.{0,80}(?:CUDA error: |CUDA out of memory|torch\.cuda\.is_available\(\) is False|No CUDA GPUs are available|Found no NVIDIA driver|CUDA driver version is insufficient|"
        r"Torch not compiled with CUDA).{0,160}",
        "it wants a GPU, or more of one than there is",
        "let it compute without (device 'cpu', map_location='cpu', CUDA_VISIBLE_DEVICES=\"\"), with packages that are for that",
    ),
    rule(
        r"^.{0,80}(?:[Ii]llegal instruction\b|SIGILL\b|signal 4\b).{0,80}",
        "a compiled part of it is for a newer processor than this machine has",
        "take a release for older processors (tensorflow-cpu of a former version, polars-lts-cpu), lock again and commit",
    ),
    rule(
        r"^.{0,120}(?:can't start new thread|pthread_create(?: failed)?.{0,60}: Resource temporarily unavailable|fork: (?:retry: )?Resource temporarily unavailable|"
        r"uv_thread_create|spawn \S{1,80} EAGAIN|BlockingIOError: \[Errno 11\]).{0,120}",
        "it has as many threads or processes as it may",
        "have fewer of them: headway env set APP WEB_CONCURRENCY=2 (OPENBLAS_NUM_THREADS=1, UV_THREADPOOL_SIZE=4)",
    ),
    rule(
        r"^.{0,20}(?:FATAL ERROR: v8::.{0,160}|# Fatal error in .{0,120}|FATAL ERROR: .{0,60}node::.{0,120})",
        "Node itself breaks, or a compiled package in it",
        "take another Node (headway apps set APP --use node=22), or another release of the package that the stack names",
    ),
    rule(
        r"^.{0,80}(?:double free or corruption|free\(\): invalid pointer|malloc\(\): .{1,60}|corrupted size vs\. prev_size|Fatal Python error: (?:Aborted|Bus error|Illegal instruction)).{0,80}",
        "a compiled part of it broke: mostly versions that do not fit each other",
        "install its packages anew from a clean lock file, or take another version of the language: headway apps set APP --use "
        "python=3.12 (or node=22)",
        phase=Phase.START,
    ),
)
GENERAL: tuple[Rule, ...] = ()
