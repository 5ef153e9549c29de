"""The text-to-image worker, as it is deployed: `python services/text-to-image/server.py`."""

from atelier.cli import main

if __name__ == "__main__":
    main(["worker", "text-to-image"])
