"""Which file of a deploy is its compose file."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.core.deployments.run import RunFailed
from headway.features.services.compose.file_names import compose_file, path_there
from headway.features.services.compose.model import DROP, GIT, RAW, ComposeSettings
from tests.support.machines.local_hosts import local_host

DEFAULT = "./docker-compose.yml"


async def found(tmp_path: Path, names: str, settings: ComposeSettings) -> str:
    """The path that is taken of the files of these names."""
    root = tmp_path / "own" / "release"
    root.mkdir(parents=True)
    for name in names.split():
        (root / name).touch()
    async with local_host(tmp_path / "host") as host:
        return await path_there(settings, host, str(root), str(root.parent))


@pytest.mark.parametrize("source", [GIT, DROP, "github"])
@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ("compose.yaml", "./compose.yaml"),
        ("docker-compose.yaml compose.yml", "./compose.yml"),
        ("docker-compose.yaml", "./docker-compose.yaml"),
        ("compose.yaml docker-compose.yml", DEFAULT),
    ],
)
async def test_where_nobody_named_a_file_the_default_is_taken_or_the_first_of_composes_names(
    tmp_path: Path, source: str, names: str, taken: str
) -> None:
    assert await found(tmp_path, names, ComposeSettings(source_type=source)) == taken


async def test_a_path_that_was_set_is_never_exchanged_for_another(tmp_path: Path) -> None:
    settings = ComposeSettings(source_type=GIT, compose_path="./nowhere.yml")
    assert await found(tmp_path, "compose.yaml", settings) == "./nowhere.yml"


async def test_without_any_of_them_all_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"no compose\.yaml, compose\.yml, .* or docker-compose\.yaml among the files"):
        await found(tmp_path, "README.md", ComposeSettings(source_type=GIT))


async def test_a_link_that_leads_out_of_the_files_counts_as_the_file_that_is_then_refused(tmp_path: Path) -> None:
    root = tmp_path / "own" / "release"
    root.mkdir(parents=True)
    (root / "docker-compose.yml").symlink_to("/etc/passwd")
    (root / "compose.yaml").touch()
    async with local_host(tmp_path / "host") as host:
        assert await path_there(ComposeSettings(source_type=GIT), host, str(root), str(root.parent)) == DEFAULT


def test_what_is_written_by_hand_and_what_leads_out_stay_as_they_are() -> None:
    assert compose_file(ComposeSettings(source_type=RAW), DEFAULT, "/root") == "/root/docker-compose.yml"
    with pytest.raises(RunFailed, match="leads out of the repository"):
        compose_file(ComposeSettings(source_type=GIT), "../x.yml", "/root")
