"""Tokens of an identity provider at the gateway's edge: which come in, and which attacks do not."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from atelier.gateway.auth import make_token
from identity_provider import (
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    Signer,
    decoded,
    part,
    published,
    secret_signer,
    settings_for,
    signer,
)
from running_gateway import SECRET, opened

SIGNERS = [signer("rsa-1"), signer("ec-1", "ES256"), signer("ed-1", "EdDSA")]
RSA = SIGNERS[0]
THIEF = signer("thief")
OCT = secret_signer(b"o" * 40, "oct-1")

CLIENT = httpx2.Client(timeout=30)


@dataclass
class Door:
    """A gateway that trusts one provider. `trap`: a server of the thief's, which nobody must call."""

    url: str
    provider: IdentityProvider
    trap: IdentityProvider

    def knock(self, token: str, path: str = "/api/limits") -> httpx2.Response:
        return CLIENT.get(self.url + path, headers={"authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    keys = [*(each.jwk() for each in SIGNERS), OCT.jwk()]
    with published(*keys) as provider, published(THIEF.jwk(kid="rsa-1")) as trap:
        more = settings_for(provider, jwks_again_seconds=0.05)
        with opened(tmp_path_factory.mktemp("door"), **more) as gateway:
            yield Door(gateway.url, provider, trap)


@pytest.mark.parametrize("key", SIGNERS, ids=lambda key: key.algorithm)
def test_each_kind_of_key_opens_for_the_tenant_that_its_token_names(door: Door, key: Signer) -> None:
    answer = door.knock(key.token(tenantId="small"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["limits"][0]["allowed"] == 5
    assert door.knock(key.token(), "/v1/models").status_code == 200
    for head in ({"typ": "at+jwt"}, {"typ": None}, {"x5t": "thumbprint"}):
        assert door.knock(key.token(head=head)).status_code == 200
    assert door.knock(key.token(aud=["another", AUDIENCE])).status_code == 200
    # The product's own tokens are taken beside them.
    assert door.knock(make_token(SECRET, "acme", seconds=60)).status_code == 200


def test_a_token_without_kid_is_taken_where_only_one_key_can_be_meant(door: Door) -> None:
    assert door.knock(RSA.token(head={"kid": None})).status_code == 200
    assert door.knock(THIEF.token(head={"kid": None})).status_code == 401


def unsigned(algorithm: str) -> str:
    head, payload, _ = RSA.token(head={"alg": algorithm}).split(".")
    return f"{head}.{payload}."


def confused(encoding: Encoding, form: PublicFormat, kid: str | None = "rsa-1") -> str:
    """The published key, taken for a secret."""
    public = RSA.private.public_key().public_bytes(encoding, form)
    return secret_signer(public).token(head={"kid": kid})


def edited() -> str:
    token = RSA.token()
    head, _, signature = token.split(".")
    return f"{head}.{part({**decoded(token), 'tenantId': 'other'})}.{signature}"


def respelt() -> str:
    """The last character of an RSA signature holds spare bits: other text, same bytes."""
    token = RSA.token()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) + 1]


def swapped(by: Signer) -> str:
    """Signed by another key of the provider, under this one's name."""
    return by.token(head={"kid": "rsa-1"})


def raw(payload: bytes, header: bytes | None = None) -> str:
    return RSA.sealed(header or {"alg": "RS256", "typ": "JWT", "kid": "rsa-1"}, payload)


def claims(**numbers: str) -> str:
    """A payload with numbers as they are written."""
    said = {"iss": ISSUER, "aud": AUDIENCE, "tenantId": "acme", **{name: f"@{name}@" for name in numbers}}
    text = json.dumps(said)
    for name, number in numbers.items():
        text = text.replace(f'"@{name}@"', number)
    return raw(text.encode())


def soon(seconds: float = 300) -> str:
    return str(int(time.time() + seconds))


def trapped(name: str, value: Callable[[Door], object]) -> Callable[[Door], str]:
    return lambda door: THIEF.token(head={"kid": "rsa-1", name: value(door)})


NOT_SIGNED, WRONG, UNKNOWN, OWN_KEY = "is not signed", "does not hold", "does not name", "names a key of its own"
NO_TIME = "is not a time in seconds"

ATTACKS: dict[str, tuple[Callable[[Door], str], str]] = {
    "alg none": (lambda _: unsigned("none"), NOT_SIGNED),
    "alg None": (lambda _: unsigned("None"), NOT_SIGNED),
    "alg nOnE": (lambda _: unsigned("nOnE"), NOT_SIGNED),
    "alg none, with a signature": (lambda _: RSA.token(head={"alg": "none"}), NOT_SIGNED),
    "no alg": (lambda _: RSA.token(head={"alg": None}), NOT_SIGNED),
    "alg is no text": (lambda _: RSA.token(head={"alg": ["RS256"]}), NOT_SIGNED),
    "signature cut off": (lambda _: unsigned("RS256"), NOT_SIGNED),
    "signature of a token on another": (lambda _: RSA.token() + RSA.token().split(".")[2], "signature"),
    "public key as secret, PEM": (lambda _: confused(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), WRONG),
    "public key as secret, no kid": (lambda _: confused(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo, None), WRONG),
    "public key as secret, DER": (lambda _: confused(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), WRONG),
    "public key as secret, PKCS1": (lambda _: confused(Encoding.PEM, PublicFormat.PKCS1), WRONG),
    "modulus as secret": (lambda _: secret_signer(RSA.jwk()["n"].encode()).token(), WRONG),
    "empty secret": (lambda _: secret_signer(b"").token(), WRONG),
    "symmetric key that is published": (lambda _: OCT.token(), WRONG),
    "symmetric key that is published, as RS256": (lambda _: OCT.token(head={"alg": "RS256"}), UNKNOWN),
    "own secret, under a key's name": (lambda _: secret_signer(SECRET.encode()).token(head={"alg": "RS256"}), UNKNOWN),
    "another hash": (lambda _: secret_signer(SECRET.encode(), algorithm="HS512").token(), UNKNOWN),
    "RSA key, said to be PSS": (lambda _: RSA.token(head={"alg": "PS256"}), WRONG),
    "RSA key, said to be ES256": (lambda _: RSA.token(head={"alg": "ES256"}), WRONG),
    "another kind of key": (lambda _: swapped(SIGNERS[1]), WRONG),
    "key of nobody": (lambda _: THIEF.token(), UNKNOWN),
    "key of nobody, under a known name": (lambda _: THIEF.token(head={"kid": "rsa-1"}), WRONG),
    "jku": (trapped("jku", lambda door: door.trap.url), OWN_KEY),
    "x5u": (trapped("x5u", lambda door: door.trap.url), OWN_KEY),
    "jwk": (trapped("jwk", lambda _: THIEF.jwk(kid="rsa-1")), OWN_KEY),
    "x5c": (trapped("x5c", lambda _: ["MIIB"]), OWN_KEY),
    "jku of a good token": (lambda door: RSA.token(head={"jku": door.trap.url}), OWN_KEY),
    "kid is an address": (lambda door: THIEF.token(head={"kid": door.trap.url}), UNKNOWN),
    "kid is a path": (lambda _: secret_signer(b"").token(head={"alg": "RS256", "kid": "../../dev/null"}), UNKNOWN),
    "kid is a path, HS256": (lambda _: secret_signer(b"\0").token(head={"kid": "../../dev/null"}), WRONG),
    "kid is SQL": (lambda _: THIEF.token(head={"kid": "x' UNION SELECT 'secret'; --"}), UNKNOWN),
    "kid is a command": (lambda _: THIEF.token(head={"kid": "|/bin/sh"}), UNKNOWN),
    "kid with NUL and half a character": (lambda _: THIEF.token(head={"kid": "rsa-1\0\ud800"}), UNKNOWN),
    "kid too long": (lambda _: THIEF.token(head={"kid": "k" * 5000}), "kid is not text"),
    "kid is a number": (lambda _: THIEF.token(head={"kid": 7}), "kid is not text"),
    "kid is a list": (lambda _: THIEF.token(head={"kid": ["rsa-1"]}), "kid is not text"),
    "kid is empty": (lambda _: THIEF.token(head={"kid": ""}), UNKNOWN),
    "crit": (lambda _: RSA.token(head={"crit": ["exp"]}), "extension (crit)"),
    "b64": (lambda _: RSA.token(head={"b64": False}), "extension (b64)"),
    "nested": (lambda _: RSA.sealed({"alg": "RS256", "kid": "rsa-1", "cty": "JWT"}, RSA.token().encode()), "(cty)"),
    "nested, not said": (lambda _: raw(RSA.token().encode()), "payload is not a JSON object"),
    "encrypted": (lambda _: ".".join(["e30"] * 5), "three parts"),
    "another kind of token": (lambda _: RSA.token(head={"typ": "logout+jwt"}), "another kind (typ)"),
    "typ is no text": (lambda _: RSA.token(head={"typ": 1}), "another kind (typ)"),
    "expired": (lambda _: RSA.token(exp=int(time.time()) - 60), "has expired"),
    "not yet valid": (lambda _: RSA.token(nbf=int(time.time()) + 60), "not valid yet"),
    "issued in the future": (lambda _: RSA.token(iat=int(time.time()) + 60), "(iat)"),
    "issued after its end": (lambda _: RSA.token(iat=int(time.time()), exp=int(time.time()) - 5), "(iat)"),
    "no expiry": (lambda _: RSA.token(exp=None), "no expiry"),
    "exp null": (lambda _: claims(exp="null"), "no expiry"),
    "exp is text": (lambda _: claims(exp=f'"{soon()}"'), NO_TIME),
    "exp is true": (lambda _: claims(exp="true"), NO_TIME),
    "exp is a list": (lambda _: claims(exp=f"[{soon()}]"), NO_TIME),
    "exp is NaN": (lambda _: claims(exp="NaN"), "payload is not a JSON object"),
    "exp is Infinity": (lambda _: claims(exp="Infinity"), "payload is not a JSON object"),
    "exp is 1e999": (lambda _: claims(exp="1e999"), NO_TIME),
    "exp has 5000 digits": (lambda _: claims(exp="9" * 5000), "payload is not a JSON object"),
    "exp has 4000 digits": (lambda _: claims(exp="9" * 4000), NO_TIME),
    "exp below zero": (lambda _: claims(exp="-1"), NO_TIME),
    "exp is a float of the past": (lambda _: claims(exp="1.5"), "has expired"),
    "exp twice": (lambda _: raw(f'{{"exp": 1, "exp": {soon()}}}'.encode()), "payload is not a JSON object"),
    "nbf is text": (lambda _: claims(exp=soon(), nbf='"0"'), NO_TIME),
    "iat is NaN": (lambda _: claims(exp=soon(), iat="NaN"), "payload is not a JSON object"),
    "another audience": (lambda _: RSA.token(aud="another"), "another audience"),
    "other audiences": (lambda _: RSA.token(aud=["another", {"a": 1}]), "another audience"),
    "audience that begins alike": (lambda _: RSA.token(aud=AUDIENCE + "-2"), "another audience"),
    "audience is an object": (lambda _: RSA.token(aud={AUDIENCE: 1}), "another audience"),
    "no audience": (lambda _: RSA.token(aud=None), "whom it is for"),
    "audience is empty": (lambda _: RSA.token(aud=[]), "another audience"),
    "another issuer": (lambda _: RSA.token(iss="https://login.example.com/another"), "issuer"),
    "issuer with a slash more": (lambda _: RSA.token(iss=ISSUER + "/"), "issuer"),
    "issuers": (lambda _: RSA.token(iss=[ISSUER]), "issuer"),
    "no issuer": (lambda _: RSA.token(iss=None), "issuer"),
    "edited payload": (lambda _: edited(), WRONG),
    "another spelling of the signature": (lambda _: respelt(), "signature is not base64url"),
    "padding": (lambda _: RSA.token() + "==", "signature is not base64url"),
    "oversize": (lambda _: RSA.token(more="x" * 8192), "too long"),
    "a hundred kilobytes": (lambda _: "e30." + "x" * 100_000 + ".x", "too long"),
    "header twice alg": (lambda _: raw(b"{}", b'{"alg": "none", "alg": "RS256"}'), "header is not a JSON object"),
    "header is no object": (lambda _: raw(b"{}", b'["RS256"]'), "header is not a JSON object"),
    "header is deep": (lambda _: raw(b"{}", b"[" * 4000), "header is not a JSON object"),
    "header is not UTF-8": (lambda _: raw(b"{}", b'{"alg": "\xff"}'), "header is not a JSON object"),
    "header in UTF-16": (lambda _: raw(b"{}", '{"alg": "RS256"}'.encode("utf-16")), "header is not a JSON object"),
    "header is not base64": (lambda _: "!!!." + RSA.token().partition(".")[2], "header is not base64url"),
    "payload is text": (lambda _: raw(b"hello"), "payload is not a JSON object"),
    "payload is a list": (lambda _: raw(b"[1]"), "payload is not a JSON object"),
    "payload is empty": (lambda _: raw(b""), "payload is not a JSON object"),
    "payload is deep": (lambda _: raw(b'{"a":' * 1000), "payload is not a JSON object"),
    "payload is binary": (lambda _: raw(bytes(range(256))), "payload is not a JSON object"),
    "no tenant": (lambda _: RSA.token(tenantId=None), "names no tenant"),
    "tenant of the product's own tokens": (lambda _: RSA.token(tenantId=None, tenant_id="acme"), "names no tenant"),
    "tenant is a number": (lambda _: RSA.token(tenantId=7), "names no tenant"),
    "tenant is half a character": (lambda _: RSA.token(tenantId="\ud800"), "names no tenant"),
    "user with a line break": (lambda _: RSA.token(sub="ann\nlevel=error"), "not printable"),
    "two parts": (lambda _: "e30.e30", "three parts"),
    "dots": (lambda _: "..", "header is not a JSON object"),
}


@pytest.mark.parametrize(("attack", "said"), ATTACKS.values(), ids=ATTACKS)
def test_attacks_are_refused_with_a_reason(door: Door, attack: Callable[[Door], str], said: str) -> None:
    answer = door.knock(attack(door))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), answer.text
    assert said in answer.json()["error"]
    assert answer.headers["www-authenticate"] == "Bearer"
    assert door.trap.asked == 0, "a token has sent the gateway to fetch something"


def test_a_refusal_is_worded_for_its_face(door: Door) -> None:
    error = door.knock(THIEF.token(), "/v1/models").json()["error"]
    assert (error["type"], error["code"]) == ("authentication_error", "unauthenticated")


def test_the_good_token_that_the_attacks_began_with_is_good(door: Door) -> None:
    assert door.knock(claims(exp=soon())).status_code == 200
    assert door.knock(claims(exp=soon() + ".5")).status_code == 200


def test_two_headers_are_one_too_many(door: Door) -> None:
    good, bad = f"Bearer {RSA.token()}", f"Bearer {THIEF.token()}"
    for first, second in ((good, bad), (bad, good)):
        answer = CLIENT.get(door.url + "/api/limits", headers=[("authorization", first), ("authorization", second)])
        assert (answer.status_code, answer.json()["error"]) == (401, "Send the header Authorization once")


def test_bytes_that_are_no_text_are_refused(door: Door) -> None:
    address = urlsplit(door.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(b"GET /api/limits HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \xff\xfe.\xf0.\x80\r\n\r\n")
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 401")
