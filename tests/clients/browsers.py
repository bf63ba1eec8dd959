"""Unmodified browser SDKs in a headless Chromium against the running daemon, only their host changed: every message arrives once.

usage: browsers.py FERRY NODE_MODULES CHROMIUM   (@segment/analytics-next and @rudderstack/analytics-js in NODE_MODULES)
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
# -I keeps this folder out of the path.
sys.path.append(str(HERE))
from daemon import Daemon  # noqa: E402

MESSAGES = 60
LIMIT = 55
SOURCES = """
[[source]]
name = "segment-browser"
write_key = { env = "KEY_SEGMENT_BROWSER" }
client = true
[[source]]
name = "rudder-browser"
write_key = { env = "KEY_RUDDER_BROWSER" }
client = true
"""
KEYS = {"KEY_SEGMENT_BROWSER": "key-sb", "KEY_RUDDER_BROWSER": "key-rb"}


def shop(modules):
    """The web page's own server; what the page tells ends up in `told`."""
    places = {
        "/": HERE / "browser.html",
        "/segment/": modules / "@segment/analytics-next/dist/umd",
        "/rudder/": modules / "@rudderstack/analytics-js/dist/npm/modern/bundled/umd",
    }
    told = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = urllib.parse.urlparse(self.path).path
            folder, _, name = path.rpartition("/")
            file = places["/"] if path == "/" else places.get(f"{folder}/", HERE) / name
            if path != "/" and (f"{folder}/" not in places or folder == "" or not file.is_file()):
                self.send_error(404)
                return
            kind = "text/html" if path == "/" else "text/javascript"
            body = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, told


def check(bodies, source):
    ids = [body["messageId"] for body in bodies]
    assert len(ids) == len(set(ids)), f"{source}: a message is there twice"
    numbers = sorted(body["properties"]["n"] for body in bodies if body.get("event") == "Button Pressed")
    assert numbers == list(range(MESSAGES)), f"{source}: {len(numbers)} of {MESSAGES} messages"
    kinds = sorted(body["type"] for body in bodies if body["type"] != "track")
    assert kinds == ["alias", "group", "identify", "page"], f"{source}: {kinds}"
    print(f"ok   {source}: {len(bodies)} messages, each once")


def complete(bodies):
    return len(bodies) >= MESSAGES + 4


def main():
    ferry, modules, chromium = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        daemon = Daemon(ferry, folder, SOURCES, KEYS)
        daemon.start()
        server, told = shop(modules)
        query = urllib.parse.urlencode({"host": daemon.host, "messages": MESSAGES})
        page = f"http://127.0.0.1:{server.server_port}/?{query}"
        # No sandbox inside a container; everything else is as anybody's browser.
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        log = open(pathlib.Path(folder) / "chromium.log", "wb")
        browser = subprocess.Popen(
            [chromium, *flags, "--remote-debugging-port=0", f"--user-data-dir={folder}/profile", page],
            stdout=log, stderr=log, env={**os.environ, "HOME": folder},
        )
        try:
            end = time.monotonic() + LIMIT
            sources = ["segment-browser", "rudder-browser"]
            # What the page has handed over may still be in a queue of the SDK's.
            while not (told and all(complete(daemon.bodies(source)) for source in sources)):
                assert time.monotonic() < end, f"after {LIMIT} s: {told}, {[len(daemon.bodies(s)) for s in sources]}"
                assert not told or told[0]["ok"], told[0]["why"]
                assert browser.poll() is None, (pathlib.Path(folder) / "chromium.log").read_text()
                time.sleep(0.2)
            # Longer than either waits before it sends something again.
            time.sleep(1.5)
            for source in sources:
                check(daemon.bodies(source), source)
        finally:
            browser.terminate()
            browser.wait(timeout=10)
            server.shutdown()
        daemon.stop()


if __name__ == "__main__":
    main()
