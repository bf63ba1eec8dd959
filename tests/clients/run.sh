#!/bin/sh
# The vendors' own and the best-known client libraries against the mock CRMs: if they work here unchanged, the mocks are
# faithful enough to test our connectors with. Installs what it needs under target/; needs Python 3.9 or newer and the
# package registry. `run.sh salesforce` tries one of them.
set -eu
cd "$(dirname "$0")/../.."

venv=target/clients
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check hubspot-api-client simple-salesforce cryptography

banner=$(mktemp)
mock=
stop() {
    [ -z "$mock" ] || kill "$mock" 2>/dev/null || true
    mock=
}
trap 'stop; rm -f "$banner"' EXIT

try() {
    kind=$1 records=$2
    command="cargo run -q --bin ferry -- mock $kind --listen 127.0.0.1:0 --json --records $records"
    : >"$banner"
    $command >"$banner" &
    mock=$!
    # The first build may take a while; the banner comes when the mock is up.
    tries=0
    until [ -s "$banner" ]; do
        kill -0 "$mock" 2>/dev/null || { echo "the mock did not start: $command" >&2; exit 1; }
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || { echo "no banner from the mock after ten minutes" >&2; exit 1; }
        sleep 0.5
    done
    # -I: this folder's files must not stand in for the libraries of the same names.
    "$venv/bin/python" -I "tests/clients/$kind.py" "$(cat "$banner")"
    stop
}

case "${1:-all}" in
    hubspot | all) try hubspot 600 ;;
esac
case "${1:-all}" in
    salesforce | all) try salesforce 2600 ;;
esac
