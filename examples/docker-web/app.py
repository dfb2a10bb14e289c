"""A web application in a container: it listens on all addresses, and ends when it is asked to."""

import http.server
import os
import signal
import sys
import urllib.request

PORT = int(os.environ.get("PORT", "3000"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Greets."""

    def do_GET(self) -> None:
        body = f"{os.environ.get('GREETING', 'Hello')} from a container\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def check() -> int:
    """What the Dockerfile's HEALTHCHECK asks."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1) as answer:
        return 0 if answer.status == 200 else 1


def main() -> int:
    """Serves until SIGTERM, which the first process of a container would otherwise ignore."""
    if "--check" in sys.argv:
        return check()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("listening on", PORT)
    http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
