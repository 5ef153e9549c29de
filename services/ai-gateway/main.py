"""The gateway, as it is deployed: `JWT_SECRET=… python services/ai-gateway/main.py`."""

from atelier.cli import main

if __name__ == "__main__":
    main(["gateway"])
