"""The provider's keys over time: rotated, revoked, away, slow and garbled; and never asked for too often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from atelier.errors import Unauthenticated, Unavailable
from atelier.gateway.auth.key_set import KeySet
from atelier.gateway.auth.public_keys import UnusableKey, read_public_key
from atelier.gateway.auth.token import read_token
from identity_provider import IdentityProvider, Signer, published, secret_signer, settings_for, signer
from running_gateway import Running, opened
from servers import Server, until

OLD, NEW, ELLIPTIC = signer("old"), signer("new"), signer("ec", "ES256")


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with published(OLD.jwk()) as running:
        yield running


@contextmanager
def trusting(home: Path, provider: IdentityProvider, **seconds: float) -> Iterator[Running]:
    """A gateway that trusts the provider, and has read its keys."""
    more = {f"jwks_{name}_seconds": value for name, value in seconds.items()}
    with opened(home, **settings_for(provider, **more)) as gateway:
        yield gateway


CLIENT = httpx2.Client(timeout=30)


def knock(gateway: Running, token: str) -> httpx2.Response:
    return CLIENT.get(f"{gateway.url}/api/limits", headers={"authorization": f"Bearer {token}"})


def status(gateway: Running, token: str) -> int:
    return knock(gateway, token).status_code


class TestRotation:
    def test_a_new_key_is_found_and_the_old_one_stops_at_once(self, tmp_path: Path, provider: IdentityProvider) -> None:
        with trusting(tmp_path, provider, again=0.05) as gateway:
            old, new = OLD.token(), NEW.token()
            assert [status(gateway, old) for _ in range(3)] == [200] * 3
            assert status(gateway, new) == 401
            provider.keys = [NEW.jwk()]
            until(lambda: status(gateway, new) == 200)
            # It had been checked and remembered, and nobody asks for its key again.
            answer = knock(gateway, old)
            assert (answer.status_code, "does not name" in answer.json()["error"]) == (401, True)

    def test_a_revoked_key_stops_without_any_new_one(self, tmp_path: Path, provider: IdentityProvider) -> None:
        provider.keys = [OLD.jwk(), ELLIPTIC.jwk()]
        with trusting(tmp_path, provider, fresh=0.3, again=0.05) as gateway:
            assert (status(gateway, OLD.token()), status(gateway, ELLIPTIC.token())) == (200, 200)
            provider.keys = [ELLIPTIC.jwk()]
            until(lambda: status(gateway, OLD.token()) == 401)
            assert status(gateway, ELLIPTIC.token()) == 200

    def test_another_key_of_the_same_name_replaces_it(self, tmp_path: Path, provider: IdentityProvider) -> None:
        with trusting(tmp_path, provider, fresh=0.3, again=0.05) as gateway:
            assert status(gateway, OLD.token()) == 200
            provider.keys = [NEW.jwk(kid="old")]
            until(lambda: status(gateway, OLD.token()) == 401)
            assert status(gateway, NEW.token(head={"kid": "old"})) == 200


class TestTheProviderIsAway:
    def test_its_keys_serve_for_a_bounded_time(self, tmp_path: Path) -> None:
        provider = IdentityProvider([OLD.jwk()])
        server = Server(provider)
        with server as url:
            provider.url = f"{url}/keys"
            begun = time.monotonic()  # whenever the keys come: it is later
            with trusting(tmp_path, provider, fresh=0.2, stale=4, again=0.1) as gateway:
                assert status(gateway, OLD.token()) == 200
                server.stop()
                token = OLD.token(sub="ben")
                while status(gateway, token) == 200:
                    assert time.monotonic() - begun < 60, "keys serve without end"
                assert time.monotonic() - begun > 4, "keys were dropped before their time"
                # Remembered tokens have ended with their keys.
                for known in (OLD.token(), token):
                    answer = knock(gateway, known)
                    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                    assert answer.headers["retry-after"] == "1"
                    assert "127.0.0.1" not in answer.text
                # The product's own tokens do not mind.
                assert gateway.get("/api/limits").status_code == 200

    def test_it_may_come_later_than_the_gateway(self, tmp_path: Path, provider: IdentityProvider) -> None:
        provider.answer = "fault"
        with trusting(tmp_path, provider, again=0.05) as gateway:
            assert status(gateway, OLD.token()) == 503
            provider.answer = "keys"
            until(lambda: status(gateway, OLD.token()) == 200)

    def test_a_silent_one_holds_up_nobody_whose_key_is_known(self, tmp_path: Path, provider: IdentityProvider) -> None:
        with trusting(tmp_path, provider, fresh=0.2, again=0.05) as gateway:
            assert status(gateway, OLD.token()) == 200
            provider.talking.clear()
            asked = provider.asked
            until(lambda: status(gateway, OLD.token()) == 200 and provider.asked > asked)
            began = time.monotonic()
            assert [status(gateway, OLD.token(sub=str(user))) for user in range(5)] == [200] * 5
            assert time.monotonic() - began < 4, "they have waited for the provider"


class TestHowOftenItIsAsked:
    def test_a_flood_of_unknown_keys_asks_once_in_a_while(self, tmp_path: Path, provider: IdentityProvider) -> None:
        with trusting(tmp_path, provider, again=1) as gateway, ThreadPoolExecutor(8) as pool:
            assert status(gateway, OLD.token()) == 200
            first, began = provider.asked, time.monotonic()

            def flood(number: int) -> int:
                return status(gateway, OLD.token(head={"kid": f"unknown-{number}"}))

            found: set[int] = set()
            while time.monotonic() - began < 2.5:
                found |= set(pool.map(flood, range(40)))
            assert found == {401}
            assert 1 <= provider.asked - first <= time.monotonic() - began + 1

    def test_a_flood_within_the_bound_asks_not_at_all(self, tmp_path: Path, provider: IdentityProvider) -> None:
        with trusting(tmp_path, provider, again=600) as gateway:
            assert status(gateway, OLD.token()) == 200
            assert {status(gateway, OLD.token(head={"kid": f"unknown-{n}"})) for n in range(100)} == {401}
            assert provider.asked == 1

    async def test_those_who_wait_wait_for_the_same_answer(self, provider: IdentityProvider) -> None:
        provider.talking.clear()
        keys = key_set(provider, again_seconds=0)
        waiting = [asyncio.create_task(keys.check(read_token(OLD.token()))) for _ in range(50)]
        await asyncio.to_thread(until, lambda: provider.asked > 0)
        waiting[0].cancel()  # one who leaves takes nothing from the others
        provider.talking.set()
        await asyncio.gather(*waiting[1:])
        assert provider.asked == 1
        await keys.close()

    async def test_a_stop_does_not_wait_for_it(self, provider: IdentityProvider) -> None:
        provider.talking.clear()
        keys = key_set(provider)
        keys.freshen()
        await asyncio.wait_for(keys.close(), 30)


def key_set(provider: IdentityProvider, **more: Any) -> KeySet:
    return KeySet(provider.url, **{"fresh_seconds": 300, "stale_seconds": 3600, "again_seconds": 0.05, **more})


GARBAGE = ("page", "empty", "cut", "list", "no list", "endless", "deep", "many", "not text")


@pytest.mark.parametrize("answer", [*GARBAGE, "fault", "redirect", "compressed"])
async def test_what_is_no_key_set_changes_nothing(provider: IdentityProvider, answer: str) -> None:
    keys = key_set(provider, fresh_seconds=0, again_seconds=0)
    await keys.check(read_token(OLD.token()))
    provider.answer, provider.asked = answer, 0
    with pytest.raises(Unavailable, match="cannot be read just now"):
        await keys.check(read_token(NEW.token()))
    assert provider.asked == 1
    await keys.check(read_token(OLD.token()))
    await keys.close()


async def test_a_slow_answer_is_not_waited_for(provider: IdentityProvider) -> None:
    provider.talking.clear()
    keys = key_set(provider, timeout_seconds=0.2)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await keys.check(read_token(OLD.token()))
    assert time.monotonic() - began < 30
    await keys.close()


async def test_one_bad_key_spoils_no_other(provider: IdentityProvider) -> None:
    provider.keys = [{"kty": "oct", "k": "AAAA"}, {}, {"kty": "RSA", "n": "!", "e": 3}, OLD.jwk()]
    keys = key_set(provider)
    await keys.check(read_token(OLD.token()))
    await keys.close()


async def test_an_empty_set_revokes_every_key(provider: IdentityProvider) -> None:
    keys = key_set(provider, fresh_seconds=0, again_seconds=0)
    await keys.check(read_token(OLD.token()))
    provider.keys = []
    with pytest.raises(Unauthenticated):
        await keys.check(read_token(NEW.token()))
    with pytest.raises(Unauthenticated):
        await keys.check(read_token(OLD.token()))
    await keys.close()


def private(key: Any) -> dict[str, Any]:
    return Signer("x", "RS256", key).jwk()


UNUSABLE = {
    "a secret": (secret_signer(b"s" * 40).jwk(), "neither RSA"),
    "a secret that says RS256": (secret_signer(b"s" * 40).jwk(alg="RS256"), "neither RSA"),
    "no kind": ({"kid": "x"}, "neither RSA"),
    "kind is a list": (OLD.jwk(kty=["RSA"]), "neither RSA"),
    "another curve": (Signer("x", "ES256", ec.generate_private_key(ec.SECP384R1())).jwk(), "neither RSA"),
    "Ed448": (Signer("x", "EdDSA", ed448.Ed448PrivateKey.generate()).jwk(), "neither RSA"),
    "for encryption": (OLD.jwk(use="enc"), "not for signatures"),
    "for signing alone": ({**OLD.jwk(), "key_ops": ["sign"]}, "not for signatures"),
    "for another algorithm": (OLD.jwk(alg="PS256"), "another algorithm"),
    "RSA for HS256": (OLD.jwk(alg="HS256"), "another algorithm"),
    "for none": (OLD.jwk(alg="none"), "another algorithm"),
    "alg is a list": (OLD.jwk(alg=["RS256"]), "another algorithm"),
    "private": (OLD.jwk(d="AQAB"), "private half"),
    "kid is a number": (OLD.jwk(kid=1), "kid"),
    "endless kid": (OLD.jwk(kid="k" * 1000), "kid"),
    "1024 bits": (private(rsa.generate_private_key(65537, 1024)), "1024 bits"),
    "endless modulus": (OLD.jwk(n="z" * 4000), "bits|no key"),
    "endless exponent": (OLD.jwk(e=OLD.jwk()["n"]), "exponent|no key"),
    "no modulus": (OLD.jwk(n=None), "no key"),
    "modulus is a number": (OLD.jwk(n=5), "not text"),
    "modulus is no base64": (OLD.jwk(n="!"), "bits|no key"),
    "off the curve": (ELLIPTIC.jwk(x=ELLIPTIC.jwk()["y"]), "no key"),
    "no point": (ELLIPTIC.jwk(y=None), "no key"),
    "short Ed25519": (signer("ed", "EdDSA").jwk(x="AAAA"), "no key"),
}


@pytest.mark.parametrize(("jwk", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_keys_are_left_out(jwk: dict[str, Any], said: str) -> None:
    with pytest.raises(UnusableKey, match=said):
        read_public_key(jwk)


def test_keys_that_say_less_or_say_it_newly_are_usable() -> None:
    assert read_public_key(OLD.jwk(use=None, alg=None, kid=None)).algorithm == "RS256"
    assert read_public_key({**OLD.jwk(), "key_ops": ["verify"], "x5c": ["MIIB"], "x5t": "x"}).kid == "old"
    assert read_public_key(signer("ed", "EdDSA").jwk(alg="Ed25519")).algorithm == "EdDSA"
