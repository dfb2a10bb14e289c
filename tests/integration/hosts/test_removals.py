"""Trees that take long to remove, beside everything else that waits for a thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway.infra.hosts.files import LocalFiles
from headway.infra.logs.logfile import in_thread

TREES, FILES = 7, 2_500  # more trees than there are threads for all that blocks


async def test_removals_of_large_trees_hold_up_no_log(tmp_path: Path) -> None:
    trees = [tmp_path / str(number) for number in range(TREES)]
    for tree in trees:
        tree.mkdir()
        for number in range(FILES):
            (tree / str(number)).touch()
    files = LocalFiles()
    removals = [asyncio.create_task(files.remove_tree(str(tree))) for tree in trees]
    await asyncio.sleep(0)
    await in_thread(lambda: None)
    assert not any(each.done() for each in removals)
    await asyncio.gather(*removals)
    assert not any(tree.exists() for tree in trees)
