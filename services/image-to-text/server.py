"""The image-to-text worker, as it is deployed: `python services/image-to-text/server.py`."""

from atelier.cli import main

if __name__ == "__main__":
    main(["worker", "image-to-text"])
