"""Webhooks as a receiver sees them: the libraries of the Standard Webhooks convention, unmodified, and the two samples of
docs/webhooks.md verify every message; a daemon that is killed while its receiver is down tells each crossing under one id.

usage: webhooks.py FERRY NODE_MODULES   (standardwebhooks installed, for Python and in NODE_MODULES)
"""

import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from standardwebhooks import Webhook

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE))
from daemon import Daemon  # noqa: E402

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "c2VjcmV0IG9mIGxhc3QgeWVhciwgMzIgYnl0ZXM="
CONFIG = """
[privacy]
categories = {{ Marketing = "marketing" }}
[schedule]
recompute = "1h"
[[source]]
name = "site"
write_key = {{ env = "KEY_SITE" }}
[scores.engagement]
half_life = "14d"
rules = [{{ label = "Demo form", event = "Form Submitted", points = 30, max = 60 }}]
[segments.hot]
when = 'score_engagement >= 50'
[[webhook]]
name = "mailer"
url = "{url}"
secret = {{ env = "MAILER_SECRET" }}
previous_secret = {{ env = "MAILER_OLD_SECRET" }}
on = ["segment:hot"]
traits = ["first_name"]
"""
KEYS = {"KEY_SITE": "key-site", "MAILER_SECRET": SECRET, "MAILER_OLD_SECRET": OLD_SECRET}
NODE = """
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const { Webhook } = createRequire(process.argv[2] + "/")("standardwebhooks");
const { verify } = await import(process.argv[3]);
const { secrets, messages } = JSON.parse(readFileSync(0, "utf8"));
for (const { headers, body } of messages) {
  for (const secret of secrets) {
    new Webhook(secret).verify(body, headers);
    if (!verify(secret, headers, body)) throw new Error("the sample refused " + body);
    if (verify(secret, headers, body + " ")) throw new Error("the sample took another body");
  }
  let refused = false;
  try { new Webhook(secrets[0]).verify(body + " ", headers); } catch { refused = true; }
  if (!refused) throw new Error("the library took another body");
}
console.log(messages.length);
"""


def sample(language):
    text = (HERE.parents[1] / "docs" / "webhooks.md").read_text()
    return re.search(rf"```{language}\n(.*?)```", text, re.DOTALL).group(1)


class Receiver(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Hook)
        self.status, self.got, self.turned_away = 204, [], 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, condition, what):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        raise AssertionError(f"never: {what}")


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.server.status == 204:
            self.server.got.append((headers, body))
        else:
            self.server.turned_away += 1
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        pass


def verified(messages, node_modules, folder):
    """Every message holds under both secrets, by both libraries and both samples."""
    scope = {}
    exec(sample("python"), scope)
    for headers, body in messages:
        for secret in (SECRET, OLD_SECRET):
            Webhook(secret).verify(body, headers)
            assert scope["verify"](secret, headers, body.encode())
            assert not scope["verify"](secret, headers, body.encode() + b" ")
    (folder / "sample.mjs").write_text(sample("js"))
    (folder / "verify.mjs").write_text(NODE)
    told = {"secrets": [SECRET, OLD_SECRET], "messages": [{"headers": h, "body": b} for h, b in messages]}
    command = ["node", str(folder / "verify.mjs"), node_modules, str(folder / "sample.mjs")]
    ended = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) == len(messages)


def send(daemon, messages):
    body = json.dumps({"writeKey": "key-site", "batch": list(messages)}).encode()
    request = urllib.request.Request(f"{daemon.host}/v1/batch", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def person(name):
    consent = {"consent": {"categoryPreferences": {"Marketing": True}}}
    yield {"type": "identify", "userId": name, "messageId": f"{name}-i", "traits": {"email": f"{name}@kiwi.example", "first_name": name}}
    yield {"type": "track", "event": "Segment Consent Preference Updated", "userId": name, "messageId": f"{name}-c", "context": consent}
    for n in range(2):
        yield {"type": "track", "event": "Form Submitted", "userId": name, "messageId": f"{name}-{n}"}


def main(ferry, node_modules):
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        daemon = Daemon(ferry, folder, CONFIG.format(url=receiver.url), KEYS)
        command = [ferry, "webhook", "test", "mailer", "--json", "-c", str(folder / "sync.toml")]
        tried = subprocess.run(command, env={**os.environ, **KEYS}, capture_output=True, text=True)
        assert tried.returncode == 0, tried.stderr
        [(headers, body)] = receiver.got
        assert json.loads(tried.stdout)["id"] == headers["webhook-id"] and json.loads(body)["type"] == "test"

        daemon.start()
        send(daemon, person("ada"))
        receiver.wait(lambda: len(receiver.got) == 2, "Ada's entry")
        receiver.status = 503
        for name in ("bob", "cleo", "dora"):
            send(daemon, person(name))
        receiver.wait(lambda: receiver.turned_away > 0, "a message that is turned away")
        daemon.kill()
        receiver.status = 204
        daemon.start()
        receiver.wait(lambda: len({headers["webhook-id"] for headers, _ in receiver.got}) == 5, "all entries")
        daemon.stop()
        told = [json.loads(body) for _, body in receiver.got[1:]]
        names = sorted(one["profile"]["traits"]["first_name"] for one in {one["id"]: one for one in told}.values())
        assert names == ["ada", "bob", "cleo", "dora"], names
        assert all(one["type"] == "segment.entered" for one in told), told
        verified(receiver.got, node_modules, folder)
        log = (folder / "log").read_text()
        assert "kiwi.example" not in log and "whsec_" not in log and "c2VjcmV0" not in log, log
    print(f"ok webhooks: {len(receiver.got)} messages verified by two libraries and two samples")


main(*sys.argv[1:])
