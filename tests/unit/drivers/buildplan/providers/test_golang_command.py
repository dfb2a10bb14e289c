"""The command of a program in Go that serves."""

from __future__ import annotations

import time

import pytest

from headway.drivers.buildplan.providers.golang_command import serving_command

ROOT = 'var rootCmd = &cobra.Command{Use: "shop"}\nfunc main() { rootCmd.Execute() }\n'
SERVE = """\
var serveCmd = &cobra.Command{
	Use: "serve [addr]",
	RunE: func(c *cobra.Command, a []string) error { return nil },
}
"""
WEB = 'var web = cli.Command{Name: "web", Action: serve}\nvar up = cli.Command{Name: "migrate", Action: up}\n'


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (ROOT + SERVE, "serve"),
        (ROOT.replace('"shop"}', '"shop", Run: run}') + SERVE, None),
        (ROOT + "func init() { rootCmd.RunE = run }\n" + SERVE, None),
        (ROOT + SERVE.replace("serve [addr]", "migrate"), None),
        (ROOT + "// " + SERVE.replace("\n", " ") + "\n", None),
        (SERVE, None),
        ('app := &cli.App{Name: "shop", Commands: []*cli.Command{{Name: "web", Action: web}}}\n', None),
        (WEB + 'app := &cli.App{Name: "shop", Commands: []*cli.Command{&web, &up}}\n', "web"),
        (WEB + 'app := &cli.App{Name: "shop", Action: serve, Commands: []*cli.Command{&web}}\n', None),
        (ROOT + SERVE.replace("serve [addr]", "start") + SERVE.replace("serveCmd", "webCmd"), "serve"),
        (ROOT + 'var s = &cobra.Command{Use: "serve", Long: "braces } and \\" in", Run: f}\n', "serve"),
    ],
)
def test_what_does_no_more_than_say_how_it_is_used_is_told_to_serve(source: str, name: str | None) -> None:
    found = serving_command([source])
    assert (None if found is None else found.name) == name


def test_the_commands_of_several_files_belong_together() -> None:
    found = serving_command([ROOT, SERVE])
    assert found is not None
    assert (found.name, found.variable) == ("serve", "serveCmd")


def test_a_source_without_an_end_is_looked_at_in_time() -> None:
    began = time.process_time()
    assert serving_command(["cobra.Command{" * 20_000 + '"' * 5_000]) is None
    assert time.process_time() - began < 3
