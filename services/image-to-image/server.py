"""The image-to-image worker, as it is deployed: `python services/image-to-image/server.py`."""

from atelier.cli import main

if __name__ == "__main__":
    main(["worker", "image-to-image"])
