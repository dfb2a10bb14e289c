"""Starts, then crashes: at once, or after it has served for CRASH_AFTER_SECONDS."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"still up\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve_for(seconds: float) -> None:
    port = int(os.environ.get("PORT", "8000"))
    with ThreadingHTTPServer(("127.0.0.1", port), Pages) as server:
        print(f"listening on 127.0.0.1:{port}, for {seconds:g} seconds", flush=True)
        threading.Timer(seconds, server.shutdown).start()
        server.serve_forever()


if __name__ == "__main__":
    print("starting", flush=True)
    if seconds := float(os.environ.get("CRASH_AFTER_SECONDS", "0")):
        serve_for(seconds)
    message = "the connection to the database was lost"
    raise ConnectionError(message)
