"""A corpus of what people try on a server that downloads by URL: every entry is refused, and says nothing of why."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from atelier.errors import AtelierError, InvalidRequest, TooLarge, UnsupportedMedia
from atelier.rules import LimitRule
from running_gateway import opened
from web_site import PICTURE, Names, Site, Visitor, answer, moved, open_fetch

FRONT = "front.example"  # the one name that the fetch may reach here, whose server is the attacker's

Page = bytes | Callable[[Visitor], Awaitable[None]]


@dataclass(frozen=True)
class Entry:
    """One attempt. {port} is the site's, which listens on every address of this machine.

    page: what the site answers. names: what look-ups find, one answer after the other. visits: how often the site may
    be connected to: a page that is the attack is seen once.
    """

    url: str = f"http://{FRONT}:{{port}}/picture.png"
    page: Page | None = None
    names: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    refusal: type[AtelierError] = InvalidRequest
    visits: int = 0

    def __str__(self) -> str:
        return self.url[:60]


def hosts(*spellings: str) -> list[Entry]:
    return [Entry(f"http://{spelling}:{{port}}/") for spelling in " ".join(spellings).split()]


def urls(spellings: str) -> list[Entry]:
    return [Entry(spelling) for spelling in spellings.split()]


def redirects(locations: str) -> list[Entry]:
    def page(location: str) -> Page:
        async def send(visitor: Visitor) -> None:
            port = visitor.writer.get_extra_info("sockname")[1]
            await visitor.send(moved(location.replace("{port}", str(port))))

        return send

    return [Entry(page=page(location), visits=1) for location in locations.split()]


def pages(refusal: type[AtelierError], *found: Page) -> list[Entry]:
    return [Entry(page=page, refusal=refusal, visits=1) for page in found]


def forever(head: bytes, piece: bytes) -> Page:
    """A head, and then a piece that never ends."""

    async def pour(visitor: Visitor) -> None:
        await visitor.send(head)
        while True:
            await visitor.send(piece)
            await asyncio.sleep(0)  # the reader lives on the same loop

    return pour


def silence_after(head: bytes) -> Page:
    async def stall(visitor: Visitor) -> None:
        await visitor.send(head)
        await asyncio.Event().wait()

    return stall


NUMBERS = hosts(
    # 127.0.0.1 in other radixes, short and long forms, and with more digits than an address has
    """0x7F000001 0x7f.00.00.01 0X7F.1 0x7f.0.0x1 0177.1 0177.0.1 0177.0x0.0.0x1 00177.0.0.1 0000000177.0.0.1 127.0x1
    127.000.000.001 127.0.0x1 127.65536.1 0x0000000000000000007f000001 017700000001. 2130706433. 4294967295 4294967296
    4294967297 6425673729 -2130706431 +127.0.0.1 127.0.0.1.0 127.0.0.256 127..1 127.0.0.1.. 1e9 0b1111111
    0o17700000001""",
    # neighbours and metadata services
    """2852039166 0xA9FEA9FE 0251.0376.0251.0376 0xa9.0xfe.0xa9.0xfe 169.16689662 169.254.43518 167772161 0xa000001
    012.1 10.1 3232235777 0300.0250.1.1 192.168.257 0xac100001 172.1048577""",
    # signs that normalize to letters, digits and dots, or to nothing
    """127｡0｡0｡1 127．0．0．1 １２７．０．０．１ 𝟏𝟐𝟕.𝟎.𝟎.𝟏 ١٢٧.٠.٠.١ ⒈.0.0.1 127.0.0.1\u00ad 127.0.0.1\u200b
    loc\u00adalhost ℓocalhost ｌｏｃａｌｈｏｓｔ localhost\u0307 𝓁𝑜𝒸𝒶𝓁𝒽𝑜𝓈𝓉 %6c%6f%63%61%6c%68%6f%73%74""",
)

IPV6 = hosts(
    """[::ffff:127.0.0.1] [::ffff:7f00:0001] [0:0:0:0:0:ffff:7f00:1] [::FFFF:127.0.0.1] [::ffff:0:127.0.0.1]
    [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:10.0.0.1] [::ffff:0x7f.0.0.1] [::ffff:0177.0.0.1]
    [0000:0000:0000:0000:0000:0000:0000:0001] [::0001] [0::1] [::1.] [::0.0.0.1] [::2130706433] [64:ff9b::7f00:1]
    [64:ff9b::a9fe:a9fe] [64:ff9b::10.0.0.1] [64:ff9b:1:ffff::7f00:1] [2002:7f00:1::1] [2002:a9fe:a9fe::1]
    [2001::7f00:1] [fe80::5efe:7f00:1] [2001:db8::5efe:7f00:1] [fe80::1] [fe80::1%25lo] [fe80::1%lo] [::1%25] [::1%1]
    [fc00::1] [fd00:ec2::254] [fd20:ce::254] [ff02::1] [ff05::2] [fec0::1] [100::1] [5f00::1] [::] [::0] [0::]
    [v1.127.0.0.1] [] [::1]x x[::1] [[::1]] [::1 ::1] [::1]]"""
)

SCHEMES = urls(
    """file:///etc/passwd FILE:///etc/passwd file:/etc/passwd file://localhost/etc/passwd file:///dev/zero
    file:\\\\127.0.0.1\\share fIlE:////etc/passwd http:file:///etc/passwd url:file:///etc/passwd
    gopher://127.0.0.1:{port}/_GET%20/%20HTTP/1.0%0d%0a GOPHER://127.0.0.1:6379/_FLUSHALL gophers://127.0.0.1/
    dict://127.0.0.1:{port}/info ldap://127.0.0.1:{port}/%0astats ldapi://%2frun%2fslapd tftp://127.0.0.1/x
    ftp://127.0.0.1/x ftps://127.0.0.1/x sftp://127.0.0.1/x scp://127.0.0.1/x ssh://127.0.0.1 smb://127.0.0.1/x
    imap://127.0.0.1/ pop3://127.0.0.1/ smtp://127.0.0.1/ telnet://127.0.0.1/ rtsp://127.0.0.1/ mqtt://127.0.0.1/
    redis://127.0.0.1:6379/0 postgres://127.0.0.1/x s3://bucket/key gs://bucket/key git://127.0.0.1/x
    jar:http://127.0.0.1:{port}!/x netdoc:///etc/passwd view-source:http://127.0.0.1:{port}/ php://filter/x
    http+unix://%2frun%2fdocker.sock/info unix:/run/docker.sock npipe:////./pipe/x wss://127.0.0.1:{port}/ about:blank
    blob:http://127.0.0.1:{port}/1 mailto:a@b.example chrome://version cid:1 feed:http://127.0.0.1/
    ://127.0.0.1:{port}/ :http://127.0.0.1:{port}/ http//127.0.0.1:{port}/ hxxp://127.0.0.1:{port}/
    http:////127.0.0.1:{port}/ http:///127.0.0.1:{port}/ http://\u2044127.0.0.1/ ｈttp://127.0.0.1:{port}/"""
)

CREDENTIALS = urls(
    """http://user@127.0.0.1:{port}/ http://user:@127.0.0.1:{port}/ http://:secret@127.0.0.1:{port}/
    http://@127.0.0.1:{port}/ http://%00@127.0.0.1:{port}/ http://a%40b@127.0.0.1:{port}/
    http://front.example@127.0.0.1:{port}/ http://front.example:{port}@127.0.0.1:{port}/
    http://front.example%23@127.0.0.1:{port}/ http://127.0.0.1:{port}@front.example:{port}/
    http://127.0.0.1:{port}%2f@front.example:{port}/ http://a@b@front.example:{port}/
    http://user:secret@front.example:{port}/ http://front.example:{port}\\@127.0.0.1/ http://[::1]@front.example:{port}/"""
)

NAMES = [
    *hosts("localhost.localdomain ip6-localhost ip6-loopback localtest.example kubernetes.default.svc"),
    *hosts("metadata.google.internal metadata.azure.internal instance-data.ec2.internal metadata.tencentyun.com"),
    *(
        Entry("http://inside.example:{port}/", names={"inside.example": [answers]})
        for answers in (
            ["127.0.0.1"],
            ["::1"],
            ["::ffff:127.0.0.1"],
            ["10.0.0.1", "127.0.0.1"],
            ["8.8.8.8", "127.0.0.1"],
            ["2606:4700::1111", "::1"],
            ["169.254.169.254"],
            ["0.0.0.0"],
            ["fe80::1%lo"],
            ["64:ff9b::7f00:1"],
            ["2130706433"],
            ["0x7f000001"],
            [""],
            ["\x00"],
        )
    ),
]

# The first look-up passes and a second one would not: each hop is looked up once, and again for the next.
CHANGING = [
    Entry(
        f"http://{FRONT}:{{port}}/",
        page=moved("http://rebind.example/"),
        names={"rebind.example": [["127.0.0.1"], ["8.8.8.8"]]},
        visits=1,
    ),
    Entry("http://rebind.example:{port}/", names={"rebind.example": [["10.0.0.1"], [FRONT], ["8.8.8.8"]]}),
    Entry("http://rebind.example:{port}/", names={"rebind.example": [["0.0.0.0"], ["8.8.8.8"], ["127.0.0.1"]]}),
]

REDIRECTS = redirects(
    """http://127.0.0.1:{port}/ https://127.0.0.1:{port}/ //127.0.0.1:{port}/ http://localhost:{port}/
    http://[::1]:{port}/ http://[::ffff:127.0.0.1]:{port}/ http://2130706433:{port}/ http://0x7f.1:{port}/
    http://0177.0.0.1:{port}/ http://0:{port}/ http://169.254.169.254/latest/meta-data/ http://10.0.0.1/
    http://metadata.google.internal/computeMetadata/v1/ http://192.168.0.1/ http://[fd00:ec2::254]/ http://0xA9FEA9FE/
    file:///etc/passwd FILE:/etc/passwd gopher://127.0.0.1:{port}/_x dict://127.0.0.1/ ftp://127.0.0.1/ javascript:1
    data:image/png;base64,iVBORw0KGgo= about:blank mailto:a@b.example ws://127.0.0.1:{port}/
    http://user:secret@front.example:{port}/ http://front.example:{port}@127.0.0.1:{port}/ //user@front.example:{port}/
    http://front.example:22/ http://front.example:0/ http://front.example:65536/ \\\\127.0.0.1\\share
    /\\127.0.0.1:{port}/ \\/127.0.0.1:{port}/ http:\\\\127.0.0.1:{port}\\ http://127.0.0.1:{port}\\@front.example/
    /\x7f http://:{port}/ http://[::1 http://%31%32%37.0.0.1:{port}/ /"""
    + "x" * 5000
)

MOVED_ODDLY = pages(
    InvalidRequest,
    answer(b"", "Location: http://127.0.0.1/", status="300 Multiple Choices"),
    answer(b"", "Location: http://127.0.0.1/", status="304 Not Modified"),
    answer(b"", "Location: http://127.0.0.1/", status="305 Use Proxy"),
    answer(b"", "Location: http://127.0.0.1/", status="201 Created"),
    answer(b"", "Refresh: 0; url=http://127.0.0.1/"),
    moved("http://10.0.0.1/", "Location: http://10.0.0.2/"),
    answer(b"x" * 5_000_000, "Location: http://10.0.0.1/", status="302 Found"),
)

TOO_LARGE = pages(
    TooLarge,
    answer(b"", "Content-Length: 1001"),
    answer(b"", "Content-Length: 9223372036854775807"),
    answer(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip"),
    answer(zlib.compress(bytes(50_000_000)), "Content-Encoding: deflate"),
    forever(answer(b"", "Transfer-Encoding: chunked"), b"10000\r\n" + bytes(65536) + b"\r\n"),
    forever(answer(b"", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    forever(b"HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\n", bytes(65536)),
    forever(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n", bytes(65536)),
)

ENDLESS = pages(
    InvalidRequest,
    forever(b"HTTP/1.1 200 OK\r\n", b"X-Header: more\r\n"),
    forever(b"HTTP/1.1 200 OK\r\nX-Header: ", b"x" * 4096),
    forever(b"HTTP/1.1 ", b"2" * 4096),
    forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    forever(answer(b"", "Transfer-Encoding: chunked"), b"0" * 4096),
    forever(answer(b"1;", "Transfer-Encoding: chunked"), b"x" * 4096),
    forever(answer(b"1\r\nx\r\n0\r\n", "Transfer-Encoding: chunked"), b"X-Trailer: more\r\n"),
    forever(
        answer(b"", "Content-Encoding: gzip", "Transfer-Encoding: chunked"), b"14\r\n" + gzip.compress(b"") + b"\r\n"
    ),
    silence_after(b""),
    silence_after(b"HTTP/1.1 200 OK\r\n"),
    silence_after(answer(b"x", "Content-Length: 900")),
    silence_after(moved("/again")[:-2]),
)

BROKEN = pages(
    InvalidRequest,
    b"\x00" * 4096,
    b"+PONG\r\n",
    b"220 mail.example ESMTP\r\n",
    b"<html>HTTP/0.9</html>",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"HTTP/9.9 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 999999 OK\r\n\r\n",
    b"HTTP/1.1 -200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    answer(b"", "Content-Length: -1"),
    answer(b"", "Content-Length: 99999999999999999999999999999999999999"),
    answer(b"x", "Content-Length: 1", "Content-Length: 900"),
    answer(b"x", "Content-Length: 0x1"),
    answer(b"-1\r\nx\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    answer(b"FFFFFFFFFFFFFFFFFFFF\r\nx\r\n", "Transfer-Encoding: chunked"),
    answer(PICTURE, "Content-Encoding: br"),
    answer(PICTURE, "Content-Encoding: zstd"),
    answer(b"", "Content-Length: 0"),
    answer(status="204 No Content"),
    answer(status="206 Partial Content"),
    answer(status="402 Payment Required"),
    answer(status="401 Unauthorized"),
    answer(status="407 Proxy Authentication Required"),
    answer(status="418 I'm a teapot"),
    answer(status="503 Unavailable"),
)

WRONG_TYPES = pages(
    UnsupportedMedia,
    *(
        answer(kind=kind)
        for kind in (
            *("text/html", "text/plain", "application/json", "application/xml", "application/pdf", "application/zip"),
            *("application/octet-stream", "audio/mpeg", "video/mp4", "multipart/x-mixed-replace; boundary=image/png"),
            *("image", "images/png", "x-image/png", "text/html; image/png", "text/html, image/png", "*/*", "", "\x7f"),
            None,
        )
    ),
)

CORPUS = {
    "number": NUMBERS,
    "ipv6": IPV6,
    "scheme": SCHEMES,
    "credentials": CREDENTIALS,
    "name": NAMES,
    "changing": CHANGING,
    "redirect": REDIRECTS,
    "moved-oddly": MOVED_ODDLY,
    "too-large": TOO_LARGE,
    "endless": ENDLESS,
    "broken": BROKEN,
    "type": WRONG_TYPES,
}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, id=f"{kind}-{number}")
        for kind, entries in CORPUS.items()
        for number, entry in enumerate(entries)
    ],
)
async def test_every_entry_is_refused(site: Site, entry: Entry) -> None:
    if entry.page is not None:
        site.pages["/picture.png"] = site.pages["/"] = entry.page
    names = Names({FRONT: [["127.0.0.1"]], **{name: [list(a) for a in found] for name, found in entry.names.items()}})
    fetch = open_fetch(allow=[FRONT], resolver=names, timeout_seconds=1.0)
    async with asyncio.timeout(60):
        with pytest.raises(AtelierError) as refused:
            await fetch.fetch(entry.url.replace("{port}", str(site.port)), field="image_url")
    assert type(refused.value) is entry.refusal
    assert refused.value.message.startswith("image_url: ")
    assert site.connections <= entry.visits
    if not entry.visits:
        assert "127.0.0.1" not in refused.value.message


async def test_the_corpus_is_refused_at_the_gateways_edge(site: Site, tmp_path: Path) -> None:
    """With the system's own look-ups, and nothing allowed."""
    here = asyncio.get_running_loop()
    entries = [entry for entries in CORPUS.values() for entry in entries if not entry.visits and not entry.names]
    assert len(entries) > 150

    def ask() -> list[tuple[str, int, str]]:
        with opened(tmp_path, limits=[LimitRule(requests=10_000, per="hour")]) as gateway:
            found = []
            for entry in entries:
                url = entry.url.replace("{port}", str(site.port))
                told = gateway.post("/api/image-to-image", json={"image_url": url})
                found.append((url, told.status_code, told.json().get("field")))
            return found

    told = await here.run_in_executor(None, ask)
    assert {(status, field) for _, status, field in told} == {(422, "image_url")}
    assert site.connections == 0
