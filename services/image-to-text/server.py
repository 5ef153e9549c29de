"""The image-to-text worker, as it is deployed: `python services/image-to-text/server.py`."""

from atelier.run import run_worker
from atelier.settings import load_settings

if __name__ == "__main__":
    run_worker(load_settings(), ["image-to-text"])
