#!/bin/sh
# Fetch the recordings of real speech that the tests listen to: Debian's pocketsphinx-testdata, unpacked, not installed.
# Any user may run it, any number of times. ATELIER_TEST_DATA names another folder than build/testdata/pocketsphinx.
set -eu

package=pocketsphinx-testdata
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=${ATELIER_TEST_DATA:-$root/build/testdata/pocketsphinx}

if [ -n "$(find "$folder/$package" -path '*/librivox/transcription' 2>/dev/null)" ]; then
    echo "The test speech is already in $folder."
    exit 0
fi
for tool in apt-get dpkg; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is missing. Unpack Debian's package $package into $folder by other means." >&2
        exit 1
    fi
done

download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
cd "$download"
fetch() { apt-get download -q -o APT::Sandbox::User=root "$package"; }
if ! fetch; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "apt does not know $package. Run 'apt-get update' as root, then this again." >&2
        exit 1
    fi
    apt-get update -q
    fetch
fi

# unpacked beside the goal and moved there whole: an interrupted run leaves nothing that looks complete
goal=$folder/$package
mkdir -p "$folder"
rm -rf "$goal" "$goal.part"
dpkg -x ./*.deb "$goal.part"
mv "$goal.part" "$goal"
echo "The test speech is in $folder."
