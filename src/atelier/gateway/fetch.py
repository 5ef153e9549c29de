"""Guarded download of what a tenant's URL points at: a URL may reach the public internet, never our own network.

Addresses are checked where sockets are made, so whatever a host is spelled like (a name, a redirect, an octal literal),
the address that is connected to is the address that was checked. Each hop has a session of its own: no cookie, no
connection and no look-up outlives the hop that it was checked for.
"""

from __future__ import annotations

import asyncio
import errno
import io
import re
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from atelier.errors import InvalidRequest, TooLarge, UnsupportedMedia

MOST_URL_CHARACTERS = 4096
# Below 1024 live mail, remote shells and the like, which a crafted URL can be made to talk to.
WEB_PORTS = (80, 443)
FIRST_FREE_PORT = 1024

_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK_BYTES = 65536
_LOOK_UP_THREADS = 8


def _networks(*lines: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for line in lines for text in line.split())


# Own tables, and not `ipaddress.is_global`: its answers differ between patch versions of Python.
# https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
_NOT_PUBLIC = _networks(
    "0.0.0.0/8 10.0.0.0/8 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16",  # this host and its neighbours
    "100.64.0.0/10",  # carrier-grade NAT
    "192.0.0.0/24 2001::/23",  # protocol assignments; the second holds Teredo, ORCHID and benchmarks
    "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",  # documentation
    "198.18.0.0/15",  # benchmarks
    "192.88.99.0/24 2002::/16",  # 6to4
    "224.0.0.0/4 240.0.0.0/4",  # multicast; reserved, and broadcast
)
# What lies outside is unallocated, local, multicast, or made of an IPv4 address (compatible, mapped).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")

# They hand out credentials of the machine, so no `allow` opens them.
_METADATA_ADDRESSES = frozenset(
    network.network_address
    for network in _networks(
        "100.100.100.200 169.254.169.254 169.254.170.2 169.254.170.23 192.0.0.192",
        "fd00:ec2::23 fd00:ec2::254 fd20:ce::254",
        "168.63.129.16",  # looks public, and answers only inside its cloud
    )
)
_METADATA_NAMES = {
    *("metadata", "metadata.azure.internal", "metadata.goog", "metadata.google.internal", "metadata.tencentyun.com"),
    *("instance-data", "instance-data.ec2.internal"),
}

_UNSAFE = re.compile(r"[\s\x00-\x1f\x7f\\\ud800-\udfff]")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_IPV6 = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")  # no zone: "%eth0" picks one of our own interfaces


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to a host of the public internet.

    False for what is not an address, for one with a zone, for every special-purpose range, for cloud metadata services,
    and for IPv6 forms of IPv4 addresses; but NAT64 is judged by the address that it carries, since on a network without
    IPv4 it is how every IPv4 host is reached.
    """
    try:
        return _is_public(_read_address(address))
    except ValueError:
        return False


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if ip in _METADATA_ADDRESSES or any(ip in network for network in _NOT_PUBLIC):
        return False
    return isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST


def _read_address(text: str) -> IPv4Address | IPv6Address:
    """The address, for NAT64 the IPv4 address behind it. ValueError for odd spellings, IPv4-mapped ones and zones."""
    ip = ip_address(text)
    if isinstance(ip, IPv4Address):
        return ip
    if ip.scope_id is not None or ip.ipv4_mapped is not None:
        raise ValueError("an address that only means something on this machine")
    return IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else ip


def read_url(text: str, *, base: URL | None = None) -> URL:
    """The web address in `text`, relative to `base` if there is one; ValueError with a sentence for the caller."""
    if len(text) > MOST_URL_CHARACTERS:
        raise ValueError(f"the address is over {MOST_URL_CHARACTERS} characters; give a shorter one")
    if _UNSAFE.search(text):
        raise ValueError("the address holds a space, a control character or a backslash; percent-encode it")
    try:
        url = URL(text) if base is None else base.join(URL(text))
    except ValueError:
        raise ValueError("not a web address; give one such as https://example.com/file") from None
    _check_parts(url)
    return url


def _check_parts(url: URL) -> None:
    if url.scheme not in {"http", "https"}:
        raise ValueError("the address must start with http:// or https://")
    if url.raw_user is not None or url.raw_password is not None:
        raise ValueError("the address must not hold a user name or a password")
    host = url.raw_host or ""
    if not _NAME.fullmatch(host) and not _IPV6.fullmatch(host):
        raise ValueError("not a web address; give one such as https://example.com/file")
    if url.port not in WEB_PORTS and (url.port or 0) < FIRST_FREE_PORT:
        raise ValueError(f"the port must be 80, 443, or {FIRST_FREE_PORT} and up")


class GuardedFetch:
    """Downloads of at most `most_bytes`, each within `timeout_seconds` from the first look-up to the last byte.

    `allow` names what may be reached although it is not public: networks ("10.1.0.0/16"), addresses ("10.1.2.3") and
    exact host names ("media.example.internal", wherever they resolve to). Raises ValueError for anything else there.
    A `resolver` that is passed in stays its owner's to close.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        timeout_seconds: float = 20.0,
        most_redirects: int = 3,
        allow: Sequence[str] = (),
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._most_bytes = most_bytes
        self._timeout_seconds = timeout_seconds
        self._most_redirects = most_redirects
        self._networks, self._names = _read_allow(allow)
        self._system = _SystemResolver()
        self._resolver = resolver or self._system

    async def fetch(self, url: str, *, field: str, accept: Sequence[str] = ("image/",)) -> bytes:
        """The bytes behind `url`, whose media type starts with one of `accept`.

        Raises InvalidRequest for an address that is malformed, forbidden or does not deliver in time, UnsupportedMedia
        for another (or no) media type, TooLarge. One sentence stands for forbidden, unknown and unreachable, so that
        nobody can map our network by asking.
        """
        try:
            target = read_url(url)
        except ValueError as problem:
            raise InvalidRequest(f"{field}: {problem}", field=field) from None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._follow(target, field, accept)
        except TimeoutError:
            raise InvalidRequest(
                f"{field}: not fetched within {self._timeout_seconds:g} s; use a faster server or send the file",
                field=field,
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise InvalidRequest(
                f"{field}: could not be fetched; give the address of a file on a public web server", field=field
            ) from problem

    async def close(self) -> None:
        """Give the look-up threads back; nothing is fetched by name afterwards."""
        await self._system.close()

    async def _follow(self, target: URL, field: str, accept: Sequence[str]) -> bytes:
        for _ in range(self._most_redirects + 1):
            async with self._visit(target, accept) as answer:
                location = answer.headers.get("Location") if answer.status in _REDIRECTS else None
                if location is None:
                    return await self._read(answer, field, accept)
                target = read_url(location, base=target)
        raise InvalidRequest(
            f"{field}: redirects more than {self._most_redirects} times; give the final address", field=field
        )

    @asynccontextmanager
    async def _visit(self, target: URL, accept: Sequence[str]) -> AsyncIterator[aiohttp.ClientResponse]:
        gate = _Gate(self._resolver, self._networks, trusted=_bare(target.raw_host or "") in self._names)
        connector = aiohttp.TCPConnector(
            resolver=gate, socket_factory=gate.open_socket, use_dns_cache=False, force_close=True
        )
        headers = {
            "Accept": ", ".join(_wildcards(accept)),
            "Accept-Encoding": "identity",
            "User-Agent": "Atelier",
        }
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # `fetch` holds the clock
                trust_env=False,
            ) as session,
            session.get(target, allow_redirects=False) as answer,
        ):
            yield answer

    async def _read(self, answer: aiohttp.ClientResponse, field: str, accept: Sequence[str]) -> bytes:
        if answer.status != 200:
            raise InvalidRequest(
                f"{field}: the server answered with status {answer.status}; give an address that anyone may read",
                field=field,
            )
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not media_type.startswith(tuple(accept)):
            raise UnsupportedMedia(f"{field}: the file must be of type {' or '.join(_wildcards(accept))}", field=field)
        if (answer.content_length or 0) > self._most_bytes:
            raise self._too_large(field)
        sink = io.BytesIO()
        # A server may compress although it was asked not to: these chunks are unpacked, and so is what is counted.
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            if sink.tell() + len(chunk) > self._most_bytes:
                raise self._too_large(field)
            sink.write(chunk)
        if not sink.tell():
            raise InvalidRequest(f"{field}: the file is empty", field=field)
        return sink.getvalue()

    def _too_large(self, field: str) -> TooLarge:
        return TooLarge(
            f"{field}: the file is over the limit of {self._most_bytes:,} bytes; give a smaller one", field=field
        )


class _Gate(AbstractResolver):
    """The way out of one hop: looks its name up and makes its sockets, for permitted addresses only.

    Literal addresses never reach a resolver, so `open_socket` is the check that holds; `resolve` adds that one bad
    address among good ones spoils a name. A refusal is an OSError: one more host that cannot be reached.
    """

    def __init__(
        self, resolver: AbstractResolver, networks: Sequence[IPv4Network | IPv6Network], *, trusted: bool
    ) -> None:
        self._resolver = resolver
        self._networks = networks
        self._trusted = trusted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if _bare(host) in _METADATA_NAMES:
            raise _forbidden("a metadata service is not permitted")
        found = await self._resolver.resolve(host, port, family)
        if not found or not all(self._permits(answer["host"]) for answer in found):
            raise _forbidden("the name has no address, or one that is not permitted")
        return found

    def open_socket(self, addr_info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = addr_info
        if not self._permits(str(address[0])):
            raise _forbidden("the address is not permitted")
        return socket.socket(family, kind, protocol)

    def _permits(self, address: str) -> bool:
        try:
            ip = _read_address(address)
        except ValueError:
            return False
        if ip in _METADATA_ADDRESSES:
            return False
        return self._trusted or _is_public(ip) or any(ip in network for network in self._networks)

    async def close(self) -> None:
        """Nothing of its own to close."""


class _SystemResolver(AbstractResolver):
    """The system's look-ups, on threads of their own.

    A look-up cannot be broken off, and tenants choose the names. On the threads that the event loop shares, a few names
    whose servers stay silent would hold up file access and the gateway's connections to its workers.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOK_UP_THREADS, thread_name_prefix="fetch-look-up")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        # As bytes, since text takes Python's own IDNA codec, which may turn the checked name into another one.
        look_up = partial(socket.getaddrinfo, host.encode("ascii"), port, family, socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=0)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _read_allow(entries: Iterable[str]) -> tuple[list[IPv4Network | IPv6Network], set[str]]:
    networks: list[IPv4Network | IPv6Network] = []
    names: set[str] = set()
    for entry in entries:
        try:
            networks.append(ip_network(entry))
        except ValueError:
            name = _bare(entry)
            if not _NAME.fullmatch(name):
                raise ValueError(f"{entry!r} is neither a network such as 10.1.0.0/16 nor a host name") from None
            names.add(name)
    return networks, names


def _forbidden(reason: str) -> PermissionError:
    return PermissionError(errno.EACCES, reason)


def _bare(host: str) -> str:
    """A host name without the dot that may end it."""
    return host.rstrip(".").lower()


def _wildcards(accept: Sequence[str]) -> list[str]:
    return [f"{kind}*" if kind.endswith("/") else kind for kind in accept]
