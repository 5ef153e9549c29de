"""The text-to-speech worker, as it is deployed: `python services/text-to-speech/server.py`."""

from atelier.cli import main

if __name__ == "__main__":
    main(["worker", "text-to-speech"])
