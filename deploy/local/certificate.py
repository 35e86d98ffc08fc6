"""`make tls`: a self-signed certificate for this machine, to try HTTPS with."""

import datetime as dt
import ipaddress
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local.settings import ROOT, CannotRun, read

_DAYS = 90


def main() -> None:
    """Write var/tls/cert.pem and key.pem, unless they are there, and say how to use them."""
    try:
        folder = read().var / "tls"
    except CannotRun as error:
        sys.exit(f"millrace: {error}")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if not certificate.is_file():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_pair(certificate, key)
    shown = [path.relative_to(ROOT) if path.is_relative_to(ROOT) else path for path in (certificate, key)]
    print(f"A self-signed certificate, good for {_DAYS} days from when it was made. To use it:")
    print(f"  TLS_CERT={shown[0]} TLS_KEY={shown[1]} make run")


def write_pair(certificate: Path, key: Path) -> None:
    """Make a P-256 key and its certificate for localhost, 127.0.0.1 and ::1."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - with a mode
        file.write(secret)
    certificate.write_bytes(signed.public_bytes(encoding))


if __name__ == "__main__":
    main()
