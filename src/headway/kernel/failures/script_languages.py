"""Bundler and Rails, Composer and PHP."""

from __future__ import annotations

from headway.kernel.failures.rule import Rule, rule

_RUBY = (
    rule(
        r"^.{0,100}(?:lockfile can't be updated because frozen mode is set|in deployment mode after changing|"
        r"lockfile can't be updated because the lockfile is missing|dependencies in your gemfile changed).{0,160}(?:\nbecause frozen mode is set)?",
        "Gemfile.lock does not fit the Gemfile any more",
        "run 'bundle install', commit Gemfile.lock and deploy again",
    ),
    rule(
        r"^.{0,80}Your Ruby version is (?P<has>[\d.]{1,12})\S{0,6}, but your Gemfile specified (?P<wants>.{1,20})",
        "the Gemfile asks for Ruby {wants}, and this one is {has}",
        "widen it in the Gemfile ('ruby \"~> 3.3\"'), or install that Ruby on the machine",
    ),
    rule(
        r"^.{0,80}Your bundle only supports platforms .{0,160}",
        "Gemfile.lock was made on another system only",
        "run 'bundle lock --add-platform x86_64-linux' and commit Gemfile.lock",
    ),
    rule(
        r"^.{0,80}Could not find (?:compatible versions|gem '[^'\n]{1,80}').{0,160}|^.{0,80}Could not find .{1,80} in (?:any of the sources|locally installed gems).{0,60}",
        "a gem is in no source that is asked, or not in that version",
        "mend its name or version in the Gemfile, run 'bundle install' and commit both",
    ),
    rule(
        r"^.{0,80}mkmf\.rb can't find header files for ruby.{0,120}",
        "a gem is compiled here and needs Ruby's headers",
        "on the machine: apt install ruby-dev build-essential",
    ),
    rule(
        r"^.{0,40}(?:Can't find the '?libpq-fe\.h header|No pg_config\.\.\. trying anyway|Unable to find libpq\b).{0,120}",
        "pg is compiled here and needs the files of PostgreSQL's library",
        "on the machine: apt install libpq-dev build-essential",
    ),
    rule(
        r"^.{0,40}(?:mysql client is missing|libmysqlclient is missing).{0,160}",
        "mysql2 is compiled here and needs the files of MySQL's library",
        "on the machine: apt install default-libmysqlclient-dev build-essential",
    ),
    rule(
        r"^(?:yaml\.h not found|.{0,40}You have to install development tools first).{0,120}",
        "a gem is compiled here, and the machine lacks a compiler or what the gem is compiled with",
        "on the machine: apt install build-essential ruby-dev libyaml-dev",
        tolerable=True,
    ),
    rule(
        r"^.{0,80}An error occurred while installing (?P<what>[\w-]{1,60}).{0,120}",
        "{what} could not be compiled",
        "look at what it lacks in the lines above; mostly: apt install ruby-dev build-essential libpq-dev libyaml-dev",
        frame=True,
    ),
    rule(
        r"^.{0,60}You must use Bundler (?P<wants>\d{1,2}) or greater with this lockfile.{0,20}",
        "Gemfile.lock is of Bundler {wants}, and this one is older",
        "have the newer one there ('gem install bundler'), or lock with the older, and commit Gemfile.lock",
    ),
    rule(
        r"^.{0,60}couldn't find file '(?P<what>[^'\n]{1,80})'.{0,120}",
        "the assets require {what}, which is in no folder of them and in no gem",
        "add the gem or package that has it (jquery: jquery-rails), run 'bundle install' and commit; or commit the file",
    ),
    rule(
        r"^.{0,80}Could not locate Gemfile.{0,60}",
        "the folder that is built has no Gemfile",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}Missing `?secret_key_base`?.{0,120}|^.{0,80}Missing encryption key to decrypt file.{0,120}|^.{0,80}MessageEncryptor::InvalidMessage.{0,60}",
        "Rails needs its key",
        "headway env set APP RAILS_MASTER_KEY=... (what config/master.key has), or SECRET_KEY_BASE=...",
    ),
    rule(
        r"^.{0,80}(?:PendingMigrationError|Migrations are pending).{0,160}",
        "the database lacks what the newest migrations make",
        "let them run before each release: headway apps set APP --release 'bin/rails db:migrate'",
    ),
)
_PHP = (
    rule(
        r"^.{0,80}requires? (?:PHP extension )?ext-(?P<what>\w{1,30}) .{0,200}",
        "PHP lacks the extension {what}",
        "on the machine: apt install php-{what}",
    ),
    rule(
        r"^.{0,120}requires? php (?P<wants>.{1,40}?) (?:->|but) your php version \((?P<has>[\d.]{1,12}).{0,120}",
        "it is for PHP {wants}, and this one is {has}",
        "widen 'php' in composer.json and run 'composer update', or install such a PHP on the machine",
    ),
    rule(
        r"^.{0,80}(?:is not present in the lock file|The lock file is not up to date with the latest changes in composer\.json|"
        r"lock file does not contain a compatible set of packages).{0,200}",
        "composer.lock does not fit composer.json any more",
        "run 'composer update --lock', commit composer.lock and deploy again",
    ),
    rule(
        r"^.{0,80}(?:Could not find (?:a matching version of )?package|could not be found in any version|it could not be found in any version).{0,200}",
        "no repository that is asked has that package or version",
        "mend its name or version in composer.json, run 'composer update' and commit both",
    ),
    rule(
        r"^.{0,80}Composer could not find a composer\.json.{0,100}",
        "the folder that is built has no composer.json",
        "name the right one: headway deploy --build-path FOLDER",
    ),
    rule(
        r"^.{0,80}(?:No application encryption key has been specified|MissingAppKeyException).{0,100}",
        "Laravel needs its key",
        "headway env set APP APP_KEY=... ('php artisan key:generate --show' gives one)",
    ),
    rule(
        r"^.{0,80}Allowed memory size of \d+ bytes exhausted.{0,120}",
        "PHP used more memory than its own bound",
        "raise it: headway env set APP COMPOSER_MEMORY_LIMIT=-1 (builds), or memory_limit of PHP",
    ),
)

RULES: tuple[Rule, ...] = (*_RUBY, *_PHP)
