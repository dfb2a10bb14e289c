"""Applications that answer, and that break at their import, at their first request or after some: for tests of what is
healthy.
"""

from __future__ import annotations

# As servers of Python do: one process listens, and lets others that it begins load the application.
BROKEN_AT_IMPORT = """\
import os, socket, sys, time

listener = socket.create_server(("0.0.0.0", int(os.environ["PORT"])), backlog=256)
worker = os.fork()
if worker == 0:
    time.sleep(0.7)
    raise ImportError("no module named shop")
os.waitpid(worker, 0)
sys.exit("the worker failed to boot")
"""

# It ends itself at the request after so many. Those of Headway itself count only where that is wanted.
_COUNTING = """\
import http.server, os, signal, threading

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
lock, begun = threading.Lock(), 0

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global begun
        with lock:
            begun += ON_PROBES or not self.headers.get("user-agent", "").startswith("Headway")
            if begun > ALLOWED:
                os._exit(3)
        self.send_response(200)
        self.send_header("content-length", str(len(b"BODY")))
        self.end_headers()
        self.wfile.write(b"BODY")
    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256

Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
_EVER = 1_000_000_000


def counting(body: str, allowed: int = _EVER, *, on_probes: bool = False) -> str:
    """A program that ends itself at the request after so many."""
    program = _COUNTING.replace("ALLOWED", str(allowed)).replace("ON_PROBES", str(on_probes))
    return program.replace("BODY", body)


BROKEN_AT_FIRST_REQUEST = counting("new", 0, on_probes=True)
DIES_AFTER_TEN = counting("new", 10)
SERVES = counting("old")
