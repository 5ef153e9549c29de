#!/bin/sh
# Put the secrets that Compose needs into .env, each made by chance and only where it is not there yet.
set -eu
cd "$(dirname "$0")/.."

umask 077
touch .env
for name in JWT_SECRET REDIS_PASSWORD; do
    if ! grep -q "^$name=..*" .env; then
        sed "/^$name=/d" .env > .env.part
        echo "$name=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >> .env.part
        mv .env.part .env
        echo "Made $name and wrote it into .env" >&2
    fi
done
