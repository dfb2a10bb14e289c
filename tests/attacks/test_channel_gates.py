"""Who tells for those who may reach the internet only is where the kernel judges what it reaches."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.features.notifications.media import Media
from headway.infra.hosts import cgroups
from tests.attacks.test_notifications import ACCOUNT, a_notice, channel_to, of_who_tells
from tests.support.notifications.receivers import receiver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="what tells is given an account of its own: needs root"),
]


@pytest.mark.parametrize("guarded", [True, False])
async def test_who_may_tell_the_internet_only_is_told_for_in_a_group_that_the_kernel_judges(
    tmp_path: Path, *, guarded: bool
) -> None:
    """Here without the look that Apprise takes itself, which lets nobody come to a receiver on this machine."""
    there = cgroups.hierarchies()
    above = next(each.folder for each in there if each.is_unified or "pids" in each.controllers) / f"told-{ACCOUNT}"
    above.mkdir()
    found: dict[str, str] = {}

    def look(_number: int) -> int:
        found.update(of_who_tells())
        return 200

    media = Media(
        home=str(tmp_path),
        account=ACCOUNT,
        outward=ACCOUNT + 1,
        gated=lambda: above,
        program=("-c", WITHOUT_LOOK),
    )
    try:
        with receiver(look) as heard:
            url = f"json://127.0.0.1:{heard.port}/x"
            target = replace(channel_to(url).target, guarded=guarded)
            await media.tell(replace(channel_to(url), target=target), a_notice(), datetime.now(UTC))
        assert [each for each in above.iterdir() if each.is_dir()] == []
    finally:
        cgroups.remove([above])
    gid = ACCOUNT + 1 if guarded else ACCOUNT
    assert found["Uid"].split() == [str(ACCOUNT)] * 4
    assert found["Gid"].split() == [str(gid)] * 4
    assert found["Groups"].split() == []
    assert (f"/{above.name}/told-" in found["cgroup"]) is guarded


WITHOUT_LOOK = """\
import sys
from headway.features.notifications import apprise_call
apprise_call.only_outward = lambda refused: None
apprise_call.main(sys.argv[1:])
"""
