"""Who is calling: a token of the product's own, a token of its identity provider, or an API key."""

from atelier.gateway.auth.claims import Caller
from atelier.gateway.auth.credentials import Auth, create_auth
from atelier.gateway.auth.own_tokens import make_token

__all__ = ["Auth", "Caller", "create_auth", "make_token"]
