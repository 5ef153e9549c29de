"""The guarded download against real servers on the loopback: what is delivered, and everything that is refused."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from atelier.errors import InvalidRequest, TooLarge, UnsupportedMedia
from atelier.gateway.fetch import MOST_URL_CHARACTERS, GuardedFetch, is_public
from web_site import (
    LOOPBACK,
    PICTURE,
    UNREACHABLE,
    Names,
    Silent,
    Site,
    Visitor,
    answer,
    moved,
    open_fetch,
    refusal,
    refused_by_us,
)

# What is delivered


async def test_bytes_of_a_permitted_address_are_delivered(site: Site) -> None:
    assert await open_fetch().fetch(site.url("/a%20b.png?size=1#top"), field="image_url") == PICTURE
    asked = site.visitors[0]
    assert asked.path == "/a%20b.png?size=1"
    assert asked.headers["host"] == f"127.0.0.1:{site.port}"
    assert asked.headers["accept"] == "image/*"
    assert asked.headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & asked.headers.keys()


async def test_the_media_type_may_carry_parameters_and_capitals(site: Site) -> None:
    site.pages["/song"] = answer(kind="Audio/OGG; codecs=opus")
    site.pages["/blob"] = answer(kind="application/octet-stream")
    fetch = open_fetch()
    accept = ("audio/", "application/octet-stream")
    assert await fetch.fetch(site.url("/song"), field="audio_url", accept=accept) == PICTURE
    assert await fetch.fetch(site.url("/blob"), field="audio_url", accept=accept) == PICTURE
    assert site.visitors[0].headers["accept"] == "audio/*, application/octet-stream"


async def test_a_body_of_exactly_the_limit_is_delivered(site: Site) -> None:
    site.pages["/full"] = answer(b"x" * 1000)
    assert len(await open_fetch(most_bytes=1000).fetch(site.url("/full"), field="image_url")) == 1000


async def test_chunked_and_gzipped_bodies_are_unpacked(site: Site) -> None:
    site.pages["/chunked"] = answer(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "Transfer-Encoding: chunked")
    site.pages["/gzip"] = answer(gzip.compress(PICTURE), "Content-Encoding: gzip")
    assert await open_fetch().fetch(site.url("/chunked"), field="image_url") == b"abcde"
    assert await open_fetch().fetch(site.url("/gzip"), field="image_url") == PICTURE


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects_are_followed_as_strangers(site: Site, status: str) -> None:
    site.pages["/1"] = moved("/2", "Set-Cookie: who=tenant; Path=/", status=status)
    site.pages["/2"] = moved(site.url("/deep/3"))
    site.pages["/deep/3"] = moved("4")
    assert await open_fetch().fetch(site.url("/1"), field="image_url") == PICTURE
    assert [visitor.path for visitor in site.visitors] == ["/1", "/2", "/deep/3", "/deep/4"]
    assert not any({"cookie", "referer"} & visitor.headers.keys() for visitor in site.visitors)
    assert site.connections == 4


async def test_allow_opens_names_wherever_they_resolve_to(site: Site) -> None:
    names = Names({"media.example.internal": [["127.0.0.7"]], "other.example.internal": [["127.0.0.7"]]})
    fetch = open_fetch(allow=["Media.Example.Internal."], resolver=names)
    assert await fetch.fetch(site.url(host="media.example.internal"), field="image_url") == PICTURE
    assert await fetch.fetch(site.url(host="MEDIA.example.internal."), field="image_url") == PICTURE
    assert (await refusal(fetch, site.url(host="other.example.internal"))).message == UNREACHABLE
    assert (await refusal(fetch, site.url(host="127.0.0.7"))).message == UNREACHABLE
    assert site.connections == 2
    await fetch.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
async def test_allow_reads_ipv6_networks_and_the_systems_names(site: Site) -> None:
    fetch = open_fetch(allow=["::1", "127.0.0.0/8"])
    assert await fetch.fetch(site.url(host="[::1]"), field="image_url") == PICTURE
    assert await fetch.fetch(site.url(host="localhost"), field="image_url") == PICTURE
    await fetch.close()


async def test_look_ups_keep_off_the_threads_that_the_loop_shares(site: Site) -> None:
    done = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, done.wait)
    fetch = open_fetch(allow=["localhost"], timeout_seconds=5)
    try:
        assert await fetch.fetch(site.url(host="localhost"), field="image_url") == PICTURE
    finally:
        done.set()
        await busy
        await fetch.close()


@pytest.mark.parametrize(
    "entry", ["10.1.2.3/16", "10.0.0.0/40", "http://example.com", "two words", "*.example.com", ""]
)
def test_allow_refuses_what_it_cannot_read(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a network"):
        GuardedFetch(most_bytes=1, allow=[entry])


# What the other server does wrong


@pytest.mark.parametrize("status", ["404 Not Found", "401 Unauthorized", "500 Oops", "206 Partial", "203 Changed"])
async def test_another_status_than_200_names_it(site: Site, status: str) -> None:
    site.pages["/gone"] = answer(status=status)
    problem = await refusal(open_fetch(), site.url("/gone"))
    assert type(problem) is InvalidRequest
    assert f"status {status[:3]}" in problem.message


async def test_a_redirect_without_a_target_is_no_redirect(site: Site) -> None:
    site.pages["/lost"] = answer(b"", status="302 Found")
    assert "status 302" in (await refusal(open_fetch(), site.url("/lost"))).message


async def test_too_many_redirects(site: Site) -> None:
    site.pages["/round"] = moved("/round")
    problem = await refusal(open_fetch(most_redirects=2), site.url("/round"))
    assert type(problem) is InvalidRequest
    assert "redirects more than 2 times" in problem.message
    assert site.connections == 3


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "imagery/png", "", None])
async def test_another_media_type_is_not_read(site: Site, kind: str | None) -> None:
    site.pages["/page"] = answer(kind=kind)
    problem = await refusal(open_fetch(), site.url("/page"))
    assert type(problem) is UnsupportedMedia
    assert problem.message == "image_url: the file must be of type image/*"


async def test_an_announced_size_over_the_limit_is_not_waited_for(site: Site) -> None:
    async def announce(visitor: Visitor) -> None:
        await visitor.send(answer(b"", "Content-Length: 1001"))
        await asyncio.Event().wait()

    site.pages["/big"] = announce
    problem = await refusal(open_fetch(most_bytes=1000), site.url("/big"))
    assert type(problem) is TooLarge
    assert "over the limit of 1,000 bytes" in problem.message


async def test_an_endless_body_is_cut_at_the_limit(site: Site) -> None:
    sent = 0
    gone = asyncio.Event()

    async def pour(visitor: Visitor) -> None:
        nonlocal sent
        try:
            await visitor.send(answer(b"", "Transfer-Encoding: chunked"))
            while True:
                await visitor.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        finally:
            gone.set()

    site.pages["/endless"] = pour
    assert type(await refusal(open_fetch(most_bytes=1_000_000), site.url("/endless"))) is TooLarge
    await gone.wait()
    assert sent < 20_000_000


async def test_a_body_that_ends_with_the_connection(site: Site) -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n"
    site.pages["/fits"], site.pages["/big"] = head + b"x" * 1000, head + b"x" * 1001
    fetch = open_fetch(most_bytes=1000)
    assert len(await fetch.fetch(site.url("/fits"), field="image_url")) == 1000
    assert type(await refusal(fetch, site.url("/big"))) is TooLarge


async def test_a_compressed_bomb_costs_no_more_than_the_limit(site: Site) -> None:
    bomb = gzip.compress(gzip.compress(bytes(300_000_000), 9), 9)
    site.pages["/bomb"] = answer(gzip.decompress(bomb), "Content-Encoding: gzip")
    tracemalloc.start()
    problem = await refusal(open_fetch(most_bytes=1_000_000), site.url("/bomb"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert type(problem) is TooLarge
    assert peak < 10_000_000


async def test_a_slow_drip_ends_on_time(site: Site) -> None:
    async def drip(visitor: Visitor) -> None:
        await visitor.send(answer(b"", "Content-Length: 1000"))
        while True:
            await visitor.send(b"x")
            await asyncio.sleep(0.02)

    site.pages["/drip"] = drip
    began = time.monotonic()
    problem = await refusal(open_fetch(timeout_seconds=0.3), site.url("/drip"))
    assert time.monotonic() - began < 30
    assert type(problem) is InvalidRequest
    assert "not fetched within 0.3 s" in problem.message


async def test_time_counts_from_the_look_up_and_over_all_redirects(site: Site) -> None:
    async def dawdle(visitor: Visitor) -> None:
        await asyncio.sleep(0.2)
        await visitor.send(moved("/slow"))

    site.pages["/slow"] = dawdle
    problem = await refusal(open_fetch(timeout_seconds=0.3, most_redirects=50), site.url("/slow"))
    assert "not fetched within 0.3 s" in problem.message
    problem = await refusal(open_fetch(timeout_seconds=0.1, resolver=Silent()), "http://example.com/")
    assert "not fetched within 0.1 s" in problem.message


async def test_an_empty_file(site: Site) -> None:
    site.pages["/empty"] = answer(b"")
    assert (await refusal(open_fetch(), site.url("/empty"))).message == "image_url: the file is empty"


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        answer(PICTURE, "Content-Length: 900"),
        answer(b"3\r\nabc\r\n", "Transfer-Encoding: chunked"),
        answer(b"zz\r\nabc\r\n", "Transfer-Encoding: chunked"),
        answer(b"not gzip", "Content-Encoding: gzip"),
        answer(b"not deflate", "Content-Encoding: deflate"),
        moved("http://[::1"),
        moved("http://h:99999999/"),
    ],
)
async def test_garbage_and_broken_transfers_read_as_unreachable(site: Site, garbage: bytes) -> None:
    site.pages["/garbage"] = garbage
    assert (await refusal(open_fetch(), site.url("/garbage"))).message == UNREACHABLE


# What must never be reached

FORBIDDEN_LITERALS = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "2130706433",
    "0177.0.0.1",
    "017700000001",
    "0x7f.1",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "127.1",
    "127.0.1",
    "0",
    "127.0.0.1.",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "ⓛocalhost",
]


@pytest.mark.parametrize("host", FORBIDDEN_LITERALS)
async def test_no_spelling_of_this_machine_is_reached(site: Site, host: str) -> None:
    fetch = open_fetch(allow=(), timeout_seconds=5)
    assert (await refusal(fetch, site.url(host=host))).message == UNREACHABLE
    assert site.connections == 0


@pytest.mark.parametrize(
    "authority",
    [
        "tenant:secret@127.0.0.1",
        "example.com@127.0.0.1",
        "example.com:80@127.0.0.1",
        ":@127.0.0.1",
        "example.com&@127.0.0.1#@example.org",
    ],
)
async def test_credentials_in_the_address_are_refused(site: Site, authority: str) -> None:
    problem = await refusal(open_fetch(), site.url(host=authority))
    assert "must not hold a user name" in problem.message
    assert site.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "",
        "picture.png",
        "//127.0.0.1:{port}/",
        "http:/127.0.0.1:{port}/",
        "http:127.0.0.1:{port}",
        "http://",
        "http:///picture.png",
        "http://:{port}/",
        "http://?x",
        "file:///etc/passwd",
        "file://127.0.0.1:{port}/etc/passwd",
        "gopher://127.0.0.1:{port}/_GET",
        "ftp://127.0.0.1:{port}/",
        "ws://127.0.0.1:{port}/",
        "unix:///run/docker.sock",
        "tcp://127.0.0.1:{port}",
        "javascript:alert(1)",
        "data:image/png;base64,iVBORw0KGgo=",
        "http://127.0.0.1\\@example.com:{port}/",
        "http:\\\\127.0.0.1:{port}\\",
        "http://example.com\\.127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: other",
        "http://127.0.0.1:{port}/\r\nX-Injected:%20yes",
        "http://127.0.0.1\t:{port}/",
        "http://127.0\n.0.1:{port}/",
        " http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/\x00",
        "http://127.0.0.1:{port}/\x7f",
        "http://127.0.0.1:{port}/\u2028",
        "http://127.0.0.1:{port}/\ud800",
        "http://127.0.0.1%00.example.com:{port}/",
        "http://%31%32%37.0.0.1:{port}/",
        "http://127.0.0.1%2f.example.com:{port}/",
        "http://[::1%25lo]:{port}/",
        "http://[::1%lo]:{port}/",
        "http://[fe80::1%25eth0]:{port}/",
        "http://[::1",
        "http://[127.0.0.1]:{port}/",
        "http://127.0.0.1:{port}:{port}/",
        "http://a..b:{port}/",
        "http://.:{port}/",
        "http://ex!ample.com:{port}/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1:25/",
        "http://127.0.0.1:1023/",
        "https://127.0.0.1:465/",
        "http://127.0.0.1:{port}/" + "x" * MOST_URL_CHARACTERS,
    ],
)
async def test_what_is_not_a_plain_web_address_is_refused(site: Site, url: str) -> None:
    """The loopback is allowed here: it is the spelling that is refused, before anything is looked up."""
    names = Names()
    problem = await refusal(open_fetch(resolver=names), url.replace("{port}", str(site.port)))
    assert type(problem) is InvalidRequest
    assert problem.message != UNREACHABLE
    assert names.asked == []
    assert site.connections == 0


PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.1.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
async def test_special_addresses_are_refused_by_name_by_literal_and_by_redirect(site: Site, address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    site.pages["/inside"] = moved(site.url(host=literal))
    site.pages["/named"] = moved(site.url(host="inside.example"))
    names = Names({"front.example": [["127.0.0.1"]], "inside.example": [[address]]})
    fetch = open_fetch(allow=["front.example"], resolver=names, timeout_seconds=5)
    assert not is_public(address)
    assert refused_by_us(await refusal(fetch, site.url(host="inside.example")))
    assert site.connections == 0
    assert refused_by_us(await refusal(fetch, site.url("/named", host="front.example")))
    assert site.connections == 1
    if "%" not in address:
        assert refused_by_us(await refusal(fetch, site.url("/inside", host="front.example")))
        assert refused_by_us(await refusal(fetch, site.url(host=literal)))
        assert site.connections == 2


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://127.0.0.1/",
        "data:image/png;base64,iVBORw0KGgo=",
        "//127.0.0.2:{port}/",
        "http://user:secret@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@127.0.0.2/",
        "http://127.0.0.1:22/",
        "http://2130706434:{port}/",
        "http://127.2:{port}/",
        "http://0x7f.2:{port}/",
        "/" + "x" * 5000,
    ],
)
async def test_a_redirect_is_judged_like_the_first_address(site: Site, location: str) -> None:
    site.pages["/out"] = moved(location.replace("{port}", str(site.port)))
    assert (await refusal(open_fetch(), site.url("/out"))).message == UNREACHABLE
    assert site.connections == 1


@pytest.mark.parametrize("answers", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["8.8.8.8", "10.0.0.1"]])
async def test_one_bad_address_spoils_a_name(site: Site, answers: list[str]) -> None:
    fetch = open_fetch(resolver=Names({"mixed.example": [answers]}), timeout_seconds=5)
    assert refused_by_us(await refusal(fetch, site.url(host="mixed.example")))
    assert site.connections == 0


@pytest.mark.parametrize("answers", [[], ["localhost"], ["127.1"], ["0177.0.0.1"], ["not an address"]])
async def test_a_resolver_that_answers_nonsense_is_not_believed(site: Site, answers: list[str]) -> None:
    fetch = open_fetch(resolver=Names({"odd.example": [answers]}))
    assert (await refusal(fetch, site.url(host="odd.example"))).message == UNREACHABLE
    assert site.connections == 0


async def test_a_name_that_changes_its_address_gains_nothing(site: Site) -> None:
    """Rebinding: an answer is used for the one connection that it was checked for, and never asked for twice."""
    site.pages["/again"] = moved("/picture.png")
    names = Names({"rebind.example": [["127.0.0.1"], ["127.0.0.2"]]})
    fetch = open_fetch(resolver=names)
    assert await fetch.fetch(site.url(host="rebind.example"), field="image_url") == PICTURE
    assert names.asked == ["rebind.example"]
    assert (await refusal(fetch, site.url(host="rebind.example"))).message == UNREACHABLE
    names.answers["rebind.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    assert (await refusal(fetch, site.url("/again", host="rebind.example"))).message == UNREACHABLE
    assert [visitor.path for visitor in site.visitors] == ["/picture.png", "/again"]


@pytest.mark.parametrize("name", ["metadata.google.internal", "METADATA.google.internal.", "metadata", "instance-data"])
async def test_metadata_names_are_not_even_looked_up(site: Site, name: str) -> None:
    bare = name.rstrip(".").lower()
    names = Names({bare: [["127.0.0.1"]]})
    fetch = open_fetch(allow=[bare, LOOPBACK], resolver=names)
    assert (await refusal(fetch, site.url(host=name))).message == UNREACHABLE
    assert names.asked == []


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254"])
async def test_no_allow_opens_a_metadata_address(address: str) -> None:
    names = Names({"cloud.example": [[address]]})
    literal = f"[{address}]" if ":" in address else address
    fetch = open_fetch(allow=["0.0.0.0/0", "::/0", "cloud.example"], resolver=names, timeout_seconds=5)
    assert refused_by_us(await refusal(fetch, f"http://{literal}/"))
    assert refused_by_us(await refusal(fetch, "http://cloud.example/"))


async def test_forbidden_unknown_and_unreachable_read_the_same(site: Site, unused_tcp_port: int) -> None:
    fetch = open_fetch(resolver=Names({"inside.example": [["10.0.0.1"]]}))
    urls = [
        site.url(host="127.0.0.2"),  # forbidden, and somebody listens
        f"http://127.0.0.2:{unused_tcp_port}/",  # forbidden, and nobody does
        f"http://127.0.0.1:{unused_tcp_port}/",  # permitted, and nobody listens
        "http://inside.example/",
        "http://unknown.example/",
        "http://metadata.google.internal/",
    ]
    assert {(await refusal(fetch, url)).message for url in urls} == {UNREACHABLE}


async def test_a_proxy_of_the_environment_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = site.url("", host="127.0.0.1")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv(name.upper(), proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert (await refusal(open_fetch(), "http://10.0.0.1:8080/")).message == UNREACHABLE
    assert site.connections == 0


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for pictures.example that nobody vouches for."""
    assert shutil.which("openssl"), "openssl is missing: run `make test-setup` once"
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-subj", "/CN=pictures.example", "-addext", "subjectAltName=DNS:pictures.example"]
    subprocess.run([*new, *named, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_tls_names_the_host_and_refuses_an_unknown_certificate(tls: ssl.SSLContext) -> None:
    asked_for: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    secret = Site()
    async with await asyncio.start_server(secret.meet, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        fetch = open_fetch(resolver=Names({"pictures.example": [["127.0.0.1"]]}))
        problem = await refusal(fetch, f"https://pictures.example:{port}/")
    assert problem.message == UNREACHABLE
    assert asked_for == ["pictures.example"]
    assert secret.visitors == []


def test_the_guard_holds_under_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def visit() -> None:
        here = Site()
        async with await asyncio.start_server(here.meet, "0.0.0.0", 0) as server:
            here.port = server.sockets[0].getsockname()[1]
            assert await open_fetch().fetch(here.url(), field="image_url") == PICTURE
            for host in ("127.0.0.2", "2130706434", "0x7f.2", "inside.example"):
                fetch = open_fetch(resolver=Names({"inside.example": [["127.0.0.2"]]}) if "example" in host else None)
                assert (await refusal(fetch, here.url(host=host))).message == UNREACHABLE
        assert here.connections == 1

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(visit())


# Which addresses are public

ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6) | st.ip_addresses(v=6, network="2000::/3")
NEIGHBOURS = st.builds(
    lambda address, step: type(address)((int(address) + step) % 2**address.max_prefixlen),
    st.sampled_from([ipaddress.ip_address(address) for address in PRIVATE if "%" not in address]),
    st.integers(-(2**16), 2**16),
)


@given(ADDRESSES | NEIGHBOURS)
@example(ipaddress.ip_address("100.64.0.1"))
@example(ipaddress.ip_address("fec0::1"))
def test_nothing_that_python_calls_special_is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if is_public(str(ip)) and ip not in ipaddress.ip_network("64:ff9b::/96"):
        assert ip.is_global
        assert not any((ip.is_loopback, ip.is_link_local, ip.is_multicast, ip.is_reserved, ip.is_unspecified))


@given(st.ip_addresses(v=4))
def test_ordinary_addresses_are_public_and_nat64_follows_them(ip: ipaddress.IPv4Address) -> None:
    ordinary = ip.is_global and not ip.is_multicast
    kept = ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")  # where we are stricter
    if not any(ip in ipaddress.ip_network(network) for network in kept):
        assert is_public(str(ip)) == ordinary
    assert is_public(f"64:ff9b::{ip}") == is_public(str(ip))
    assert not is_public(f"::ffff:{ip}")
    assert not is_public(f"::{ip}")
    assert not is_public(f"2002:{int(ip) >> 16:x}:{int(ip) & 0xFFFF:x}::1")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "2606:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@given(st.text(max_size=20))
@example("")
@example("8.8.8.8 ")
@example("8.8.8.8/32")
@example("134744072")
@example("010.8.8.8")
@example("8.8")
@example("2606:4700::1111%eth0")
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)
