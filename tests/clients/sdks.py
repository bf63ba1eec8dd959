"""Unmodified event SDKs against the running daemon, only their host changed: every message arrives once, also when the daemon
is killed and started again while they send.

usage: sdks.py FERRY NODE_MODULES   (segment-analytics-python and rudder-sdk-python installed, @segment/analytics-node in NODE_MODULES)
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import rudderstack.analytics
import segment.analytics

HERE = pathlib.Path(__file__).resolve().parent
# -I keeps this folder out of the path; behind the libraries of the same names it is in nobody's way.
sys.path.append(str(HERE))
from daemon import Daemon  # noqa: E402

MESSAGES = 1500
SOURCES = """
[[source]]
name = "segment-python"
write_key = { env = "KEY_SEGMENT_PYTHON" }
[[source]]
name = "rudder-python"
write_key = { env = "KEY_RUDDER_PYTHON" }
max_message = "1MB"
[[source]]
name = "segment-node"
write_key = { env = "KEY_SEGMENT_NODE" }
"""
KEYS = {"KEY_SEGMENT_PYTHON": "key-sp", "KEY_RUDDER_PYTHON": "key-rp", "KEY_SEGMENT_NODE": "key-sn"}


def paced(send):
    for n in range(MESSAGES):
        send(n)
        if n % 10 == 9:
            time.sleep(0.02)


def segment_python(host):
    failed = []
    client = segment.analytics.Client("key-sp", host=host, on_error=lambda error, _: failed.append(error))
    client.identify("u-sp", {"email": "sp@northwind.example", "first_name": "Sp"})
    client.group("u-sp", "g-1", {"name": "Northwind"})
    paced(lambda n: client.track("u-sp", "Button Pressed", {"n": n}))
    client.page("u-sp", "Docs", "Home", {"url": "https://acme.example/"})
    client.alias("a-sp", "u-sp")
    client.shutdown()
    assert not failed, failed


def rudder_python(host):
    failed = []
    client = rudderstack.analytics.Client("key-rp", host=host, on_error=lambda error, _: failed.append(error))
    client.identify("u-rp", {"email": "rp@northwind.example"})
    paced(lambda n: client.track("u-rp", "Button Pressed", {"n": n}))
    client.shutdown()
    assert not failed, failed


def segment_node(host, modules):
    environment = {**os.environ, "FERRY_HOST": host, "FERRY_MESSAGES": str(MESSAGES), "FERRY_MODULES": modules}
    subprocess.run(["node", str(HERE / "sdk_node.mjs")], check=True, env=environment)


def in_thread(failures, target, *arguments):
    def run():
        try:
            target(*arguments)
        except BaseException as error:  # told by whoever joins
            failures.append((target.__name__, error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def check(daemon, source, others):
    bodies = daemon.bodies(source)
    ids = [body["messageId"] for body in bodies]
    assert len(ids) == len(set(ids)), f"{source}: a message is there twice"
    numbers = sorted(body["properties"]["n"] for body in bodies if body.get("event") == "Button Pressed")
    assert numbers == list(range(MESSAGES)), f"{source}: {len(numbers)} of {MESSAGES} messages"
    kinds = sorted(body["type"] for body in bodies if body["type"] != "track")
    assert kinds == sorted(others), f"{source}: {kinds}"
    print(f"ok   {source}: {len(bodies)} messages, each once")


def main():
    ferry, modules = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(ferry, folder, SOURCES, KEYS)
        daemon.start()
        failures = []
        senders = [
            in_thread(failures, segment_python, daemon.host),
            in_thread(failures, rudder_python, daemon.host),
            in_thread(failures, segment_node, daemon.host, modules),
        ]
        time.sleep(1.5)
        daemon.kill()
        time.sleep(1)
        daemon.start()
        for sender in senders:
            sender.join()
        assert not failures, failures
        check(daemon, "segment-python", ["identify", "group", "page", "alias"])
        check(daemon, "rudder-python", ["identify"])
        check(daemon, "segment-node", ["identify", "group", "page", "screen", "alias"])
        daemon.stop()
        known = subprocess.run(
            [ferry, "profile", "sp@northwind.example", "--json", "-c", str(pathlib.Path(folder) / "sync.toml")],
            check=True, capture_output=True, text=True, env={**os.environ, **KEYS},
        )
        profile = json.loads(known.stdout)
        assert {"user_id:u-sp", "email:sp@northwind.example"} <= set(profile["identifiers"]), profile["identifiers"]
        print("ok   the daemon was killed and started again while they sent, and knows who sent")


if __name__ == "__main__":
    main()
