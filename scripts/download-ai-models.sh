#!/bin/sh
# Fetch the models of a tier (full: Stable Diffusion XL, Whisper large-v3, …; small: for a laptop), or those named.
#
#   scripts/download-ai-models.sh                 # asks for nothing but licences: --tier full
#   scripts/download-ai-models.sh --tier small
#   scripts/download-ai-models.sh openai/whisper-large-v3
#
# Whatever `atelier models download` takes can follow. The models go below data/models, or below ATELIER_HOME.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

"${PYTHON:-python3}" "$here/scripts/setup.py"
[ "$#" -gt 0 ] || set -- --tier full
ATELIER_HOME=${ATELIER_HOME:-$here/data} exec "$here/.venv/bin/atelier" models download "$@"
