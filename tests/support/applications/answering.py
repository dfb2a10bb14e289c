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

# It ends itself at the request after so many: at once, or amid its answer, of which it says when. Those of Headway
# itself count only where that is wanted. Any other answer is sent as one, so that it has begun only where it is whole.
_COUNTING = """\
import http.server, os, signal, threading, time

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
lock, begun = threading.Lock(), 0

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global begun
        self.rfile.read(int(self.headers.get("content-length", 0)))
        with lock:
            begun += ON_PROBES or not self.headers.get("user-agent", "").startswith("Headway")
            if begun > ALLOWED and not AMID:
                os._exit(3)
            if begun > ALLOWED:
                # The edge passes on what it has of an answer after a tenth of a second.
                end = time.time() + 0.3
                dying = f"x-dying: {end}".encode()
                self.wfile.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 99\\r\\n" + dying + b"\\r\\n\\r\\nBODY")
                time.sleep(end - time.time())
                os._exit(3)
        time.sleep(TAKES)
        length = str(len(b"BODY")).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: " + length + b"\\r\\n\\r\\nBODY")
    do_POST = do_GET
    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256

Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
_EVER = 1_000_000_000


def counting(
    body: str, allowed: int = _EVER, *, on_probes: bool = False, amid: bool = False, takes_seconds: float = 0.0
) -> str:
    """A program that ends itself at the request after so many, and takes so long for each before."""
    program = _COUNTING.replace("ALLOWED", str(allowed)).replace("ON_PROBES", str(on_probes))
    return program.replace("AMID", str(amid)).replace("TAKES", str(takes_seconds)).replace("BODY", body)


BROKEN_AT_FIRST_REQUEST = counting("new", 0, on_probes=True)
DIES_AFTER_TEN = counting("new", 10, amid=True)
SERVES = counting("old")
SERVES_SLOWLY = counting("old", takes_seconds=0.1)

# It answers at its port; whoever comes through the edge finds nobody there, and a second later it ends itself.
LEAVES_AT_THE_EDGE = """\
import http.server, os, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("user-agent") == "Headway-Health":
            self.wfile.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 3\\r\\n\\r\\nnew")
        else:
            self.server.socket.close()
            threading.Timer(1, os._exit, (3,)).start()
            self.connection.shutdown(2)
            threading.Event().wait()
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""

# Whoever asks for /silence is the last to be answered; some seconds later it ends itself, where they are said.
FALLS_SILENT = """\
import http.server, os, threading, time

silent = threading.Event()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        while silent.is_set():
            time.sleep(1)
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 3\\r\\n\\r\\nnew")
        if self.path.startswith("/silence"):
            silent.set()
            _, _, seconds = self.path.partition("?")
            seconds and threading.Timer(float(seconds), os._exit, (3,)).start()
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""

# No server of HTTP: it speaks first, and of something else.
TALKS_OF_ITSELF = """\
import os, socketserver

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"220 mail.example ESMTP\\r\\n")
        self.request.recv(1000)

socketserver.ThreadingTCPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
