#!/bin/sh
# Print the command that runs Docker Compose: the one of this machine where it is new enough, else the one of Debian 13,
# unpacked below build/. It reads and checks files without an engine. Any user may, any number of times.
set -eu
cd "$(dirname "$0")/.."

goal=$PWD/build/compose
plugin=$goal/usr/libexec/docker/cli-plugins/docker-compose
oldest=2.24.4  # the first that knows !reset in a list

version=$(docker compose version --short 2>/dev/null || true)
if [ "$version" ] && [ "$(printf '%s\n' "$oldest" "${version#v}" | sort -V | head -1)" = "$oldest" ]; then
    echo "docker compose"
    exit 0
fi
if [ ! -x "$plugin" ]; then
    for tool in apt-get dpkg; do
        if ! command -v "$tool" >/dev/null; then
            echo "Docker Compose $oldest or newer is missing, and so is $tool to fetch it with. Install Compose." >&2
            exit 1
        fi
    done
    echo "Unpacking Debian's docker-compose …" >&2
    lists=$(mktemp -d)
    trap 'rm -rf "$lists"' EXIT
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
        > "$lists/sources.list"
    # lists of its own: those of the machine stay as they are
    apt() {
        apt-get -qq -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache" -o APT::Sandbox::User=root \
            -o Acquire::Languages=none "$@" >&2
    }
    apt update
    (cd "$lists" && apt download docker-compose && dpkg -x docker-compose_*.deb "$lists/unpacked")
    rm -rf "$goal"
    mkdir -p "$(dirname "$goal")"
    mv "$lists/unpacked" "$goal"
fi
echo "$plugin"
