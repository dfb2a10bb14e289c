"""What is asked of the kernel to know who fills a disk."""

from __future__ import annotations

import os
import sys
from threading import Event, Thread

from headway.drivers.runtimes.process import disks
from headway.infra.hosts import procfs


def test_the_library_is_not_loaded_anew_for_each_comparison_of_threads() -> None:
    loaded, looking, ended = list[str](), Event(), Event()

    def hear(event: str, _arguments: object) -> None:  # there is no way to have it hear no more
        if event == "ctypes.dlopen" and looking.is_set():
            loaded.append(event)

    sys.addaudithook(hear)
    threads = [Thread(target=ended.wait) for _ in range(8)]
    for each in threads:
        each.start()
    try:
        looking.set()
        assert disks._with_files(procfs.threads_of(os.getpid()))
    finally:
        looking.clear()
        ended.set()
    assert len(loaded) <= 1
