"""A certificate for the loopback interface, made anew for each sandbox."""

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NAMES = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables from which botocore, Node.js, requests (pip, too) and Python read whom to trust."""


@dataclass(frozen=True)
class Certificate:
    """PEM files; the certificate is its own authority."""

    certificate: Path
    key: Path

    @property
    def trust(self) -> dict[str, str]:
        """Environment variables with which Python, botocore, requests and Node.js trust it."""
        return dict.fromkeys(_NAMES, str(self.certificate))

    def trust_besides(self) -> dict[str, str]:
        """The same for a shell that goes on reaching the rest of the world: a bundle, beside the certificate."""
        bundle = self.certificate.with_name("trusted.pem")
        bundle.write_text("\n".join(each.read_text() for each in (self.certificate, *_trusted_so_far())))
        return dict.fromkeys(_NAMES, str(bundle))


def _trusted_so_far() -> list[Path]:
    """What the variables of this process name, the system's own authorities, and those that requests brings."""
    named = [*(os.environ.get(name) for name in _NAMES), ssl.get_default_verify_paths().cafile, certifi.where()]
    return [path for path in {Path(each) for each in named if each} if path.is_file()]


def make_certificate(directory: Path) -> Certificate:
    """A self-signed certificate for localhost and 127.0.0.1, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
    )
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(directory / "localhost.pem", directory / "localhost.key")
    made.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.touch(mode=0o600)
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made
