"""A web application in one file: it greets, says that it is healthy, and listens where PORT says."""

import html
import os
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = os.environ.get("GREETING", "Hello from Headway")
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{greeting}</title>
<style>
  body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; text-align: center;
         font: 1.1rem/1.6 system-ui, sans-serif; color: #1b2430; background: #f4f6f8 }}
  h1 {{ margin: 0; font-size: 2.4rem }}
</style>
<h1>{greeting}</h1>
<p>This page is served by process {pid}. Change <code>GREETING</code>, deploy again, and reload.</p>
</html>
"""


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer("text/plain; charset=utf-8", "ok\n")
        elif self.path == "/":
            self.answer("text/html; charset=utf-8", PAGE.format(greeting=html.escape(GREETING), pid=os.getpid()))
        else:
            self.send_error(404)

    def answer(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    port = int(os.environ.get("PORT", "8000"))
    with ThreadingHTTPServer(("127.0.0.1", port), Pages) as server:
        print(f"listening on 127.0.0.1:{port}", flush=True)
        server.serve_forever()
