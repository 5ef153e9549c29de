"""The speech-to-text worker, as it is deployed: `python services/speech-to-text/server.py`."""

from atelier.cli import main

if __name__ == "__main__":
    main(["worker", "speech-to-text"])
