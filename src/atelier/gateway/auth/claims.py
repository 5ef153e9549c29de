"""What a token says, once its signature holds: is it meant for us, is it in time, and whose request is it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atelier.errors import Unauthenticated
from atelier.state.records import is_tenant_name

MOST_USER_CHARACTERS = 200

_LAST_SECOND = 253_402_300_799  # of the year 9999, in Unix time


ADMIN = "admin"
"""The role that opens /admin, for every tenant; elsewhere its caller is one of their tenant like any other."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is. services: what the credentials are for; none is every service."""

    tenant: str
    user: str | None = None
    roles: tuple[str, ...] = ()
    services: frozenset[str] | None = None

    def may(self, service: str) -> bool:
        """Whether these credentials are for that service."""
        return self.services is None or service in self.services

    @property
    def name(self) -> str:
        """What the audit log calls them."""
        return self.tenant if self.user is None else f"{self.tenant}/{self.user}"

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles


@dataclass(frozen=True)
class Terms:
    """What a token of one signer has to say.

    issuer, audience: not asked where None. leeway: by how many seconds clocks may differ. The first claim of
    `tenant` and of `user` that is there is read; a name with dots (`realm_access.roles`) also leads into objects.
    A token without `services` is for every service.
    """

    issuer: str | None = None
    audience: str | None = None
    leeway: float = 10.0
    tenant: tuple[str, ...] = ("tenantId", "tenant_id")
    user: tuple[str, ...] = ("userId", "sub")
    roles: str = "roles"
    services: str = "services"


@dataclass(frozen=True)
class Grant:
    """A caller, and until when a token speaks for them: Unix time, leeway included."""

    caller: Caller
    until: float


def grant(claims: Mapping[str, Any], terms: Terms, now: float) -> Grant:
    """Raises Unauthenticated where the claims do not meet the terms at Unix time `now`."""
    until = _end(claims, terms.leeway, now)
    _check_issuer(claims.get("iss"), terms.issuer)
    _check_audience(claims.get("aud"), terms.audience)
    return Grant(_caller(claims, terms), until)


def _end(claims: Mapping[str, Any], leeway: float, now: float) -> float:
    expires, begins, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise Unauthenticated("The token has no expiry (exp)")
    if expires + leeway <= now:
        raise Unauthenticated("The token has expired; get a new one")
    if begins is not None and begins - leeway > now:
        raise Unauthenticated("The token is not valid yet (nbf)")
    if issued is not None and (issued - leeway > now or issued > expires):
        raise Unauthenticated("The token was issued in the future or after its end (iat)")
    return expires + leeway


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    # A bool is an int, 1e999 is read as infinity, and an int may have thousands of digits.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
        raise Unauthenticated(f"The token's {name} is not a time in seconds since 1970")
    return float(value)


def _check_issuer(issuer: object, wanted: str | None) -> None:
    if wanted is not None and issuer != wanted:
        raise Unauthenticated("The token is from an issuer (iss) that is not trusted here")


def _check_audience(audience: object, wanted: str | None) -> None:
    if wanted is None:
        return
    if audience is None:
        raise Unauthenticated("The token does not say whom it is for (aud)")
    audiences = audience if isinstance(audience, list) else [audience]
    if wanted not in audiences:
        raise Unauthenticated("The token is for another audience (aud)")


def _caller(claims: Mapping[str, Any], terms: Terms) -> Caller:
    tenant = _first(claims, terms.tenant)
    if not isinstance(tenant, str) or not is_tenant_name(tenant):
        raise Unauthenticated(f"The token names no tenant ({terms.tenant[0]})")
    user, roles = _first(claims, terms.user), _first(claims, (terms.roles,))
    if isinstance(user, str) and not user.isprintable():
        raise Unauthenticated("The token's user is not printable text")
    return Caller(
        tenant,
        user=user[:MOST_USER_CHARACTERS] if isinstance(user, str) else None,
        roles=tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else (),
        services=_services(_first(claims, (terms.services,))),
    )


def _services(named: object) -> frozenset[str] | None:
    """What limits a token and cannot be read must not be passed over."""
    if named is None:
        return None
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise Unauthenticated("The token's services is not a list of names")
    return frozenset(named)


def _first(claims: Mapping[str, Any], names: tuple[str, ...]) -> object:
    return next((found for name in names if (found := _look_up(claims, name)) is not None), None)


def _look_up(claims: Mapping[str, Any], name: str) -> object:
    """The claim of that very name (`https://example.com/tenant` is one), else what the dots lead to."""
    if name in claims:
        return claims[name]
    found: object = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
