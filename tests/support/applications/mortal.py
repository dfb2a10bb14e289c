"""A web application that lives until it is visited through the edge, and then says why it dies."""

from __future__ import annotations

WHY = "RuntimeError: no table named orders"

PROGRAM = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("X-Forwarded-Host"):
            print("Traceback (most recent call last):", flush=True)
            print('  File "\\x1b[35mapp.py\\x1b[0m", line 1, in <module>', flush=True)
            print("\\x1b[1;31mRuntimeError\\x1b[0m: no table named orders", flush=True)
            print("bye", flush=True)
            os._exit(3)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass

print("serving", flush=True)
http.server.ThreadingHTTPServer(("LISTENS", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
"""


# Of a swarm, whose health checks come through a proxy as well.
IN_A_SWARM = PROGRAM.replace("LISTENS", "0.0.0.0").replace(  # noqa: S104 - in a container
    'self.headers.get("X-Forwarded-Host")', 'self.headers.get("User-Agent") != "Headway-Health"'
)


def mortal(host: str = "127.0.0.1", **files: str) -> dict[str, str]:
    """Its files."""
    return {"app.py": PROGRAM.replace("LISTENS", host), "Procfile": "web: python3 -u app.py\n", **files}
