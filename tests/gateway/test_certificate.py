"""When the certificate of the public address ends is told, whoever signed it; and nothing where there is none."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from atelier.gateway.certificate import Certificate
from misbehaving import becomes

ENDS = datetime(2026, 1, 31, 12, tzinfo=UTC)


def self_signed(folder: Path, ends: datetime = ENDS) -> ssl.SSLContext:
    """A server's context for localhost, with a certificate that only who trusts `both.pem` trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(ends - timedelta(days=90)).not_valid_after(ends)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = made.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


async def test_its_end_is_told(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=self_signed(tmp_path))
    port = server.sockets[0].getsockname()[1]
    certificate = Certificate(f"https://localhost:{port}/")
    await certificate.start()
    try:
        await becomes(lambda: bool(list(certificate.samples())))
        assert list(certificate.samples()) == [("certificate_end_timestamp_seconds", ("localhost",), ENDS.timestamp())]
    finally:
        await certificate.stop()
        server.close()


async def test_nothing_is_told_of_what_has_none_or_does_not_answer() -> None:
    for address in (None, "http://localhost:8000", "https://127.0.0.1:9"):
        certificate = Certificate(address)
        await certificate.start()
        await asyncio.sleep(0.05)
        assert not list(certificate.samples())
        await certificate.stop()
