#!/bin/sh
# Prometheus's settings and rules by promtool, with the tests of every alert; and that Grafana's dashboards are as the
# code writes them. `make test-setup` brings promtool.
set -eu
cd "$(dirname "$0")/.."

promtool=$(command -v promtool || echo build/prometheus/usr/bin/promtool)
quietly() { said=$("$@" 2>&1) || { echo "$said" >&2; exit 1; }; }

# the file with the token is the container's: only the syntax can be checked here
quietly "$promtool" check config --syntax-only deploy/prometheus/prometheus.yml
quietly "$promtool" check rules deploy/prometheus/recording.yml deploy/prometheus/alerts.yml
quietly "$promtool" test rules deploy/prometheus/tests/*.yml
.venv/bin/python deploy/grafana/build.py --check
echo "Alert rules and dashboards are well."
