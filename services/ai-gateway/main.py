"""The gateway, as it is deployed: `JWT_SECRET=… python services/ai-gateway/main.py`."""

from atelier.gateway.secret import required_secret
from atelier.run import run_gateway
from atelier.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    run_gateway(settings, required_secret(settings))
