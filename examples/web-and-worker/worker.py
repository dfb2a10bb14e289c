"""The worker half of an application of two processes: it opens no port, and stops between two pieces of work."""

import os
import signal
import threading
from itertools import count

SECONDS_BETWEEN_BEATS = float(os.environ.get("SECONDS_BETWEEN_BEATS", "5"))


def work_until(stopped: threading.Event) -> None:
    for number in count(1):
        print(f"worker: beat {number}", flush=True)
        if stopped.wait(SECONDS_BETWEEN_BEATS):
            print("worker: asked to stop, and done", flush=True)
            return


if __name__ == "__main__":
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stopped.set())
    work_until(stopped)
