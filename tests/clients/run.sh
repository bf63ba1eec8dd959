#!/bin/sh
# The vendors' own client libraries against the mock CRMs: if they work here unchanged, the mocks are faithful enough to
# test our connectors with. Installs what it needs under target/; needs Python 3.9 or newer and the package registry.
set -eu
cd "$(dirname "$0")/../.."

MOCK="cargo run -q --bin ferry -- mock hubspot --listen 127.0.0.1:0 --json --records 600"

venv=target/clients
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check hubspot-api-client

banner=$(mktemp)
$MOCK >"$banner" &
mock=$!
trap 'kill "$mock" 2>/dev/null || true; rm -f "$banner"' EXIT

# The first build may take a while; the banner comes when the mock is up.
tries=0
until [ -s "$banner" ]; do
    kill -0 "$mock" 2>/dev/null || { echo "the mock did not start: $MOCK" >&2; exit 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || { echo "no banner from the mock after ten minutes" >&2; exit 1; }
    sleep 0.5
done

# -I: this folder's hubspot.py must not stand in for the library of the same name.
"$venv/bin/python" -I tests/clients/hubspot.py "$(cat "$banner")"
