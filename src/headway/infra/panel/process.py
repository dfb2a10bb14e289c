"""How the panel's own process is set up: its open files, its memory, and its share of the processors."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

_OPEN_FILES = 65_536
_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 128 << 10
_YOUNG_OBJECTS = 20_000
_SWITCH_SECONDS = 0.0005
_NICENESS = -10
_AUTOGROUP = Path("/proc/self/autogroup")


def allow_many_files() -> None:
    """Raises the soft limit of open files, 1,024 on most machines, as far as the hard one lets it: every follower of a
    log is a connection.
    """
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def give_large_buffers_back() -> None:
    """Has the C library give buffers above 128 KiB back when they are freed. It stops doing so by itself when it has
    seen larger ones, and then the pieces of a large log scatter over one heap for each thread: 270 MiB for 100.
    """
    with suppress(AttributeError, OSError):  # a C library other than glibc has no such thing
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def go_first() -> None:
    """Has this thread go before what else this machine does, builds above all: who asks for a kill or for what goes on
    is to be answered while every processor is busy. It needs little, and what it starts does not inherit it. To be
    called in each thread that works for the event loop, which waits for those that hold the interpreter. Does nothing
    where that may not be, or where somebody has chosen otherwise.
    """
    with suppress(AttributeError, OSError):  # not this machine's to give, or not ours to take
        if os.getpriority(os.PRIO_PROCESS, 0) == 0:
            inherited_by_nobody = os.sched_getscheduler(0) | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, inherited_by_nobody, os.sched_getparam(0))
            os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
            if os.getsid(0) == os.getpid():  # else it is a person's, and what else they do in it would go first as well
                _have_session_go_first()


def _have_session_go_first() -> None:
    """Linux may share the processors out by session (sched(7), autogroup). Niceness counts within one alone then, and a
    build, which has a session of its own, would get as much as the whole panel.
    """
    _AUTOGROUP.write_text(str(_NICENESS))


def switch_threads_soon() -> None:
    """Lets the event loop have the interpreter back after half a millisecond where a thread works for the database, not
    after Python's five: the loop asks for it at each of its many short steps.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)


def load_without_collecting() -> None:
    """To be called before anything is loaded: what is loaded stays, and to look through all of it again and again for
    what may go takes a fifth of the start's time. ``collect_rarely`` is its end.
    """
    gc.disable()


def collect_rarely() -> None:
    """To be called once all is loaded: gives back what only the start needed, leaves the rest out of garbage
    collections, and has fewer of them. With a thousand followers, each collection of everything would hold all lines
    back for a tenth of a second.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
    gc.enable()
