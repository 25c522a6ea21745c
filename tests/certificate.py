"""A self-signed certificate for 127.0.0.1, valid for a day before and after."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """Where a certificate and its private key lie, both as PEM."""

    path: Path
    key: Path


def self_signed(folder: Path) -> Certificate:
    """Write a certificate and its key into a folder; whoever trusts the one file trusts the server."""
    key = generate_private_key(SECP256R1())
    found = Certificate(folder / "server.pem", folder / "server.key")
    found.path.write_bytes(_signed(key).public_bytes(Encoding.PEM))
    found.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return found


def _signed(key: EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    now, number = datetime.now(UTC), x509.random_serial_number()
    builder = x509.CertificateBuilder(name, name, key.public_key(), number, now - A_DAY, now + A_DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
