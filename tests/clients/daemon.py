"""A daemon in a folder of its own, for SDKs to send to."""

import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

CONFIG = """
[store]
path = "ferry.db"
[server]
listen = "127.0.0.1:{events}"
[admin]
listen = "127.0.0.1:{admin}"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, ferry, folder, sources, keys):
        self.ferry, self.folder, self.keys = ferry, pathlib.Path(folder), keys
        self.events, self.admin = free_port(), free_port()
        self.host = f"http://127.0.0.1:{self.events}"
        (self.folder / "sync.toml").write_text(CONFIG.format(events=self.events, admin=self.admin) + sources)
        self.process = None

    def start(self):
        command = [self.ferry, "run", "-c", str(self.folder / "sync.toml")]
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(command, env={**os.environ, **self.keys}, stderr=log, stdout=log)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.host}/health", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)
        raise AssertionError("the daemon did not come up")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0, (self.folder / "log").read_text()

    def bodies(self, source):
        store = sqlite3.connect(f"file:{self.folder / 'ferry.db'}?mode=ro", uri=True)
        rows = store.execute("SELECT body FROM event JOIN source ON source.id = event.source WHERE source.name = ?", [source])
        return [json.loads(body) for (body,) in rows]
