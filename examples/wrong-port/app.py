"""Listens on a port of its own choice instead of the one that it is given: it is never healthy."""

import http.server
import os

port = int(os.environ.get("LISTEN_ON", "8099"))
http.server.ThreadingHTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
