#!/bin/sh
# Fetch the recordings of real speech that the tests listen to: Debian's pocketsphinx-testdata, unpacked, not installed.
# Any user may run it, any number of times. ATELIER_TEST_DATA names another folder than build/testdata/pocketsphinx.
set -eu

package=pocketsphinx-testdata
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=${ATELIER_TEST_DATA:-$root/build/testdata/pocketsphinx}

"$root/scripts/unpack-debian.sh" "$package" "$folder/$package" '*/librivox/transcription'
echo "The test speech is in $folder."
