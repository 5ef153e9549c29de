#!/bin/sh
# Unpack a Debian package into a folder, without installing it: any user may, any number of times.
#
#     scripts/unpack-debian.sh PACKAGE FOLDER FILE
#
# FILE, such as */bin/promtool, is in the package: where the folder has it, nothing is done.
set -eu

package=$1 goal=$2 file=$3
if [ -n "$(find "$goal" -path "$file" 2>/dev/null)" ]; then
    exit 0
fi
for tool in apt-get dpkg; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is missing. Unpack Debian's package $package into $goal by other means." >&2
        exit 1
    fi
done
mkdir -p "$goal"
goal=$(CDPATH='' cd -- "$goal" && pwd)

download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
cd "$download"
fetch() { apt-get download -q -o APT::Sandbox::User=root "$package" >&2; }
if ! fetch; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "apt does not know $package. Run 'apt-get update' as root, then this again." >&2
        exit 1
    fi
    apt-get update -q >&2
    fetch
fi

# unpacked beside the goal and moved there whole: an interrupted run leaves nothing that looks complete
rm -rf "$goal" "$goal.part"
dpkg -x ./*.deb "$goal.part"
mv "$goal.part" "$goal"
