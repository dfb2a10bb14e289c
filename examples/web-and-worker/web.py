"""The web half of an application of two processes."""

import os
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = b"The web half answers; the worker half beats in the log.\n"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)


def stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    port = int(os.environ.get("PORT", "8000"))
    with ThreadingHTTPServer(("127.0.0.1", port), Pages) as server:
        print(f"web: listening on 127.0.0.1:{port}", flush=True)
        server.serve_forever()
