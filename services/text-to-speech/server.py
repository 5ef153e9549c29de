"""The text-to-speech worker, as it is deployed: `python services/text-to-speech/server.py`."""

from atelier.run import run_worker
from atelier.settings import load_settings

if __name__ == "__main__":
    run_worker(load_settings(), ["text-to-speech"])
