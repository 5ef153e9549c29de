"""Fetching models: what a repository holds, byte ranges that go on where they stopped, and nothing unchecked.

Read `download.py` first: it decides what is missing, has `transfer.py` fetch it, and puts it in its place.
"""

import os

# Before huggingface_hub is imported: it would tell the hub of this machine, and ask it how to tell more.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
