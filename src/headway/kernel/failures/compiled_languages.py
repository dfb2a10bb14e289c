"""Go, Cargo, Maven and Gradle."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_SOURCE = "mend it at that place and commit"

_GO = (
    rule(
        r"^.{0,200}missing go\.sum entry (?:for|needed).{0,200}",
        "go.sum does not have all that go.mod asks for",
        "run 'go mod tidy', commit go.mod and go.sum and deploy again",
    ),
    rule(
        r"^.{0,200}no required module provides package (?P<what>[^\s;]{1,120}).{0,120}",
        "{what} is imported, and go.mod does not have it",
        "run 'go get {what}', commit go.mod and go.sum",
    ),
    rule(
        r"^.{0,80}updates to go\.mod needed.{0,160}|^.{0,80}inconsistent vendoring.{0,160}",
        "go.mod does not fit the source any more",
        "run 'go mod tidy' (and 'go mod vendor' where vendor/ is committed), commit and deploy again",
    ),
    rule(
        r"^.{0,120}requires go >= (?P<wants>[\d.]{1,12})\S{0,8} \(running go (?P<has>[\d.]{1,12}).{0,120}",
        "it is for Go {wants}, and this one is {has}",
        "ask for such a Go: headway apps set APP --use go={wants}",
    ),
    rule(
        r"^.{0,80}(?:invalid go version|unknown directive: toolchain|toolchain not available|download go\S{1,20} for).{0,160}",
        "go.mod asks for another Go than this one",
        "ask for it: headway apps set APP --use go=1.25",
    ),
    rule(
        r"^.{0,80}(?:go\.mod file not found in|cannot find main module).{0,160}",
        "the folder that is built has no go.mod",
        "run 'go mod init NAME' and commit go.mod, or name the right folder: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,160}(?:package|import) (?P<what>[\w./-]{1,100}) is not in (?:std|GOROOT).{0,160}",
        "an import names a package that is neither Go's own nor of the module",
        "write it with the module's name before it, or mend the name, and commit",
    ),
    rule(
        r"^.{0,80}cgo: C compiler .{1,40} not found.{0,80}",
        "a package needs a C compiler",
        "on the machine: apt install build-essential; or do without: headway env set APP CGO_ENABLED=0",
    ),
    rule(
        r"^.{0,80}no Go files in .{0,120}|^.{0,80}no main packages? to build.{0,80}|^.{0,80}build constraints exclude all Go files.{0,120}",
        "there is no program in the folder that is built",
        "name its folder: headway apps set APP --build 'go build -o app ./cmd/NAME' --start ./app",
    ),
    rule(
        r"^.{0,120}(?:checksum mismatch|SECURITY ERROR).{0,120}",
        "a module is not the one whose sum go.sum has",
        "look why it changed, run 'go mod tidy' and commit go.sum",
    ),
    rule(
        r"^.{0,160}(?:unknown revision|invalid version: ).{0,160}",
        "go.mod asks for a version that does not exist, or that is not public",
        "take one that exists ('go list -m -versions MODULE'), or make it reachable (GOPRIVATE, a token), and commit",
    ),
    rule(
        r"^.{0,160}pattern (?P<file>\S{1,120}): no matching files found",
        "the program embeds {file}, which is not in the repository or not yet made",
        "commit it, or have the build make it first: headway apps set APP --build 'npm ci && npm run build && go build -o app .'",
    ),
    rule(
        r"^.{0,160}use of internal package (?P<what>[\w./-]{1,120}) not allowed",
        "{what} may be imported by its own module only",
        "take what that module offers to others, or copy what is needed, and commit",
    ),
    rule(
        r"^.{0,160}: replacement directory (?P<file>\S{1,200}) does not exist",
        "go.mod replaces a module by {file}, which is not there",
        "commit that folder (deploy from above both where it lies beside), or take the 'replace' out ('go mod edit "
        "-dropreplace=MODULE') and commit",
    ),
    rule(
        r"^.{0,40}cannot load module (?P<file>\S{1,120}) listed in go\.work file.{0,160}",
        "go.work names the module {file}, which is not in the repository",
        "commit its folder, or take it out of go.work ('go work edit -dropuse={file}')",
    ),
    rule(
        r"^.{0,120}no non-test Go files in .{0,120}",
        "there is no program in the folder that is built",
        "name its folder: headway apps set APP --build 'go build -o app ./cmd/NAME' --start ./app",
    ),
    rule(
        r"^.{0,160}: import cycle not allowed.{0,60}",
        "packages of this module import each other in a circle",
        "move what they share to a package that imports neither, try it with 'go build ./...' and commit",
    ),
    rule(
        r"^.{0,40}found packages (?P<one>\w{1,40}) \(.{1,80}\) and (?P<two>\w{1,40}) \(.{1,200}",
        "one folder has files of two packages, {one} and {two}",
        "write the same 'package' line in each, or move one of them to a folder of its own, and commit",
    ),
    rule(
        r"^(?:go: errors parsing .{0,20}\n)?(?:\S{1,120}/)?go\.(?:mod|work):\d+: .{1,200}",
        "go.mod cannot be read",
        "mend it at that line, try it with 'go mod tidy' and commit",
    ),
    rule(r"^(?:vet: )?\S{1,160}?\.go:\d+:\d+: .{1,300}", "the source does not compile", _SOURCE),
)
_CARGO = (
    rule(
        r"^.{0,80}(?:the lock file .{1,160} needs to be updated but --(?:locked|frozen)|cannot update the lock file .{1,160}).{0,160}",
        "Cargo.lock does not fit Cargo.toml any more",
        "run 'cargo update --workspace', commit Cargo.lock and deploy again",
    ),
    rule(
        r"^.{0,80}linker `(?P<what>[^`\n]{1,40})` not found.{0,60}",
        "the machine has no linker",
        "on the machine: apt install build-essential",
    ),
    rule(
        r"^.{0,80}Could not find directory of OpenSSL installation.{0,100}|^.{0,80}Could not find openssl via pkg-config.{0,100}",
        "openssl-sys needs the files of OpenSSL",
        "on the machine: apt install libssl-dev pkg-config; or take the feature 'rustls' or 'vendored'",
    ),
    rule(
        r"^.{0,200}(?:requires rustc \S{1,20}|is not supported by the following package|feature `edition20\d\d` is required|"
        r"lock file version .{1,10} (?:requires|was found, but)).{0,200}",
        "this Rust is too old for it",
        "install a newer one on the machine (rustup), or older crates: 'cargo update --precise', and commit Cargo.lock",
    ),
    rule(
        r"^.{0,80}no matching package (?:named )?`(?P<what>[^`\n]{1,60})` found.{0,100}|"
        r"^.{0,80}failed to select a version for .{0,200}",
        "the registry has no such crate or version",
        "mend it in Cargo.toml, run 'cargo update' and commit both",
    ),
    rule(
        r"^.{0,80}could not find `Cargo\.toml` in .{0,120}",
        "the folder that is built has no Cargo.toml",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^error: no (?:bin|example|bench|test) target named `(?P<what>[^`\n]{1,60})`.{0,80}",
        "Cargo.toml has no program {what}",
        "name one that it has ([[bin]], or a file in src/bin): headway apps set APP --build 'cargo build --release --bin NAME'",
    ),
    rule(
        r"^error: the package '(?P<one>[^'\n]{1,60})' does not contain this feature: (?P<what>\S{1,60})",
        "Cargo.toml has no feature {what}",
        "name one that it has below [features]: headway apps set APP --build 'cargo build --release --features NAME'",
    ),
    rule(
        r"^error: failed to parse lock file at: .{1,200}",
        "Cargo.lock cannot be read (a merge may have left its marks in it)",
        "run 'cargo generate-lockfile', commit Cargo.lock and deploy again",
    ),
    rule(
        r"^error: environment variable `(?P<name>\w{1,60})` not defined at compile time.{0,60}",
        "{name} is read when the program is compiled, and not set",
        "headway env set APP {name}=...",
    ),
    rule(
        r"^error: couldn't read `(?P<file>[^`\n]{1,200})`: No such file.{0,60}",
        "the source includes {file}, which is not in the repository or not yet made",
        "commit it (look at .gitignore), or have the build make it first: headway apps set APP --build LINE",
    ),
    rule(
        r"^error\[E0583\]: file not found for module `(?P<what>\w{1,60})`",
        "the source has a module {what} whose file is not in the repository",
        "commit src/{what}.rs or src/{what}/mod.rs (names differ by their capitals on Linux)",
    ),
    rule(
        r"^.{0,20}supported edition values are .{0,120} but `(?P<what>[^`\n]{1,12})` is unknown",
        "this Rust does not know the edition {what}",
        "install a newer one on the machine (rustup), or write an edition that it knows in Cargo.toml, and commit",
    ),
    rule(
        r"^error: failed to load manifest for workspace member `(?P<file>[^`\n]{1,200})`",
        "Cargo.toml names the member {file}, which is not in the repository",
        "commit its folder, or take it out of [workspace] members",
    ),
    rule(
        r"^.{0,20}no targets specified in the manifest(?:\n.{0,160})?",
        "the package has no source that cargo knows",
        "commit src/main.rs, or name the file below [[bin]] in Cargo.toml; of a workspace deploy the root",
    ),
    rule(
        r"^.{0,20}failed to load source for dependency `(?P<what>[^`\n]{1,60})`(?:\n.{0,200}){0,2}",
        "Cargo.toml takes {what} from a folder or repository that cannot be read",
        "commit that folder, and where it lies beside the one that is built deploy from above both: headway deploy "
        "--build-path FOLDER",
    ),
    rule(
        r"^.{0,20}error: .{1,200}\n-?-?> (?:\S{1,120}/)?Cargo\.(?:toml|lock):\d+:\d+.{0,20}",
        "Cargo.toml cannot be read",
        "mend it at that place and commit",
    ),
    rule(
        r"^error\[E04(?:32|33)\]: .{0,200}\n(?:.{0,200}\n){1,8}?.{0,80}if you wanted to use a crate named `(?P<what>[\w-]{1,60})`.{0,120}",
        "{what} is used, and Cargo.toml does not have it",
        "run 'cargo add {what}', commit Cargo.toml and Cargo.lock",
    ),
    rule(
        r"^error(?:\[E\d{4}\]|): .{1,200}\n-?-?> \S{1,160}:\d+:\d+.{0,20}",
        "the source does not compile",
        _SOURCE,
    ),
    rule(
        r"^.{0,80}failed to run custom build command for `(?P<what>[^`\n]{1,60})`.{0,80}",
        "the build script of {what} fails",
        "look at what it lacks in the lines below; mostly: apt install build-essential pkg-config",
    ),
)
_JAVA = (
    rule(
        r"^.{0,40}(?:Non-readable|Non-parseable|Malformed) POM .{1,300}",
        "pom.xml cannot be read",
        "mend it at that place (line:column), try it with 'mvn validate' and commit",
    ),
    rule(
        r"^.{0,40}Child module (?P<file>\S{1,200}) of .{1,200} does not exist",
        "pom.xml names the module {file}, which is not in the repository",
        "commit its folder, or take it out of <modules>",
    ),
    rule(
        r"^.{0,40}'dependencies\.dependency\.version' for (?P<what>\S{1,120}) is missing.{0,60}",
        "pom.xml names no version of {what}, and no parent or BOM does",
        "write its <version>, or import the BOM that has it in <dependencyManagement>, and commit",
    ),
    rule(
        r"^.{0,40}Unknown lifecycle phase \"(?P<what>[^\"\n]{1,60})\".{0,120}",
        "Maven knows no phase {what}",
        "name a right one: headway apps set APP --build 'mvn -B -DskipTests package'",
    ),
    rule(
        r"^.{0,40}Unknown packaging: (?P<what>\S{1,60}).{0,60}",
        "pom.xml asks for the packaging {what}, which no plugin of it makes",
        "write jar or war, or add the plugin that makes it (with <extensions>true</extensions>), and commit",
    ),
    rule(
        r"^.{0,80}\S{1,160}\.(?:java|kt):\[?\d+[^\s]{0,12} .{1,300}",
        "the source does not compile",
        _SOURCE,
    ),
    rule(
        r"^.{0,240}(?:invalid target release|invalid source release|release version)(?::| ) ?(?P<wants>\d{1,2}).{0,80}",
        "it is for Java {wants}, and this one is older",
        "install JDK {wants} on the machine (apt install openjdk-{wants}-jdk-headless), or lower the release in the build file",
    ),
    rule(
        r"^.{0,80}Unsupported class file major version (?P<version>\d{1,3}).{0,80}",
        "this Gradle or plugin is older than the machine's Java",
        "run './gradlew wrapper --gradle-version 8.14' and commit the wrapper",
    ),
    rule(
        r"^.{0,80}(?:Could not find artifact|Could not resolve dependencies for project|Non-resolvable parent POM|"
        r"The following artifacts could not be resolved|could not be resolved:|Could not resolve all (?:files|artifacts|dependencies) for|Could not find [\w.-]{1,60}:[\w.-]{1,60}:).{0,400}",
        "an artifact is in no repository that is asked, or none could be reached",
        "look at its name and version, add its repository to the build file, and see that the machine reaches it",
    ),
    rule(
        r"^.{0,80}There are test failures.{0,100}|^.{0,80}There were failing tests.{0,120}",
        "tests fail",
        "mend them, or build without: headway apps set APP --build 'mvn -B -DskipTests package' (Gradle: build -x test)",
    ),
    rule(
        r"^.{0,100}(?:there is no POM in this directory|does not contain a Gradle build|Directory .{1,120} does not contain a Gradle).{0,120}",
        "the folder that is built has no pom.xml or build.gradle",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}(?:GradleWrapperMain|gradle-wrapper\.jar).{0,100}",
        "the Gradle wrapper's jar is not in the repository",
        "commit gradle/wrapper/gradle-wrapper.jar ('gradle wrapper' makes it; look at .gitignore)",
    ),
    rule(
        r"^.{0,10}What went wrong:\n.{1,300}(?:\n.{1,200})?",
        "a task of Gradle fails",
        "mend what it says, try it with './gradlew build' and commit",
    ),
    rule(
        r"^no main manifest attribute, in .{1,120}",
        "the jar that is started has no main class",
        "let the build make a runnable one, or name it: headway apps set APP --start 'java -jar target/NAME.jar'",
    ),
    rule(
        r"^.{0,80}UnsupportedClassVersionError.{0,200}",
        "it was compiled for a newer Java than the one that starts it",
        "start it with the Java that built it, or lower the release in the build file",
    ),
)

RULES: tuple[Rule, ...] = (*_GO, *_CARGO, *_JAVA)
