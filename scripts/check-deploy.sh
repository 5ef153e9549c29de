#!/bin/sh
# What can be said of images and Compose without an engine: every profile and override reads well, and so do the Dockerfiles.
set -eu
cd "$(dirname "$0")/.."

compose=$(scripts/fetch-compose.sh)
export JWT_SECRET=check REDIS_PASSWORD=check
config() { $compose -f docker-compose.ai-services.yml "$@" config --quiet; }

config
for profile in database web monitoring tls models '*'; do config --profile "$profile"; done
for files in gpu "gpu single-gpu" scale-out "gpu scale-out"; do
    # shellcheck disable=SC2046,SC2086  # lists of words
    config $(printf -- '-f deploy/compose/%s.yml ' $files)
done
.venv/bin/hadolint --failure-threshold warning services/*/Dockerfile web/Dockerfile deploy/verify/Dockerfile
echo "Compose files and Dockerfiles are well."
