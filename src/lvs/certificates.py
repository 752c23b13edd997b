"""Certificates for HTTPS: the household's own files, or one that this server makes for itself."""

import hashlib
import ipaddress
import json
import os
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from lvs.config import Config
from lvs.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

VALID_DAYS = 820  # some systems believe no certificate that is valid for longer than 825 days
RENEW_DAYS = 30


class Certificate(NamedTuple):
    """The files of a certificate with its chain, and of its key, both PEM."""

    chain: Path
    key: Path


def certificate(
    config: Config, names: Iterable[str], now: datetime | None = None
) -> Certificate | None:
    """The certificate for HTTPS, or None for plain HTTP. `names` are the host names and addresses a
    self-made one holds for.

    Raises Invalid where the files cannot be used, Unavailable where a certificate cannot be kept.
    """
    if config.tls_cert or config.tls_key:
        return _given(config)
    if not config.tls_self_signed:
        return None
    return _self_signed(config.data_directory / "tls", set(names), now or datetime.now(UTC))


def _given(config: Config) -> Certificate:
    if not (config.tls_cert and config.tls_key):
        raise Invalid(
            "HTTPS needs both files: --tls-cert with the certificate and --tls-key with its key."
        )
    found = Certificate(Path(config.tls_cert), Path(config.tls_key))
    for file in found:
        if not os.access(file, os.R_OK):
            raise Invalid(f"{file} cannot be read, and HTTPS needs it.")
    try:
        # A passphrase cannot be asked for in the background, and OpenSSL would ask at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*found, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError):
        raise Invalid(
            f"{found.chain} and {found.key} are not a certificate and its key (PEM, without"
            " a passphrase)."
        ) from None
    return found


def _self_signed(folder: Path, names: set[str], now: datetime) -> Certificate:
    """The certificate made before, or a new one where there is none, it ends soon, or it lacks one
    of the names.
    """
    found = Certificate(folder / "certificate.pem", folder / "key.pem")
    beside = folder / "certificate.json"
    if _holds_for(found, beside, names, now):
        return found
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        chain, key = _made(names, now)
        about = json.dumps(_about(chain)).encode()
        for path, content in ((found.key, key), (found.chain, chain), (beside, about)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
    except OSError as error:
        raise Unavailable(
            f"The certificate cannot be saved in {folder}: {error.strerror or error}."
        ) from None
    return found


def _holds_for(found: Certificate, beside: Path, names: set[str], now: datetime) -> bool:
    """True if the certificate is whole, good for a while, and for all of these names.

    Its names and its end are kept beside it, because the library that reads them takes a fifth of
    a second to import.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*found)
        chain = found.chain.read_bytes()
        about = _cached_info(beside, chain) or _about(chain)
    except (OSError, ValueError):
        return False
    ends = datetime.fromtimestamp(about["ends"], UTC) - now
    return ends > timedelta(days=RENEW_DAYS) and names <= set(about["names"])


def _cached_info(beside: Path, chain: bytes) -> "_CertificateInfo | None":
    """The information stored beside a certificate; None if it is of another one, or damaged."""
    try:
        kept = json.loads(beside.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    match kept:
        case {"ends": int() as ends, "names": list(names), "sha256": str() as digest} if (
            digest == hashlib.sha256(chain).hexdigest() and 0 <= ends < 1 << 36
        ):
            return {"ends": ends, "names": [str(name) for name in names], "sha256": digest}
    return None


def _about(chain: bytes) -> "_CertificateInfo":
    """Names, end (Unix seconds) and digest of a certificate. Raises ValueError."""
    from cryptography import x509  # noqa: PLC0415 - slow to import, needed only here

    made = x509.load_pem_x509_certificate(chain)
    try:
        held = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError(str(error)) from None
    return {
        "ends": int(made.not_valid_after_utc.timestamp()),
        "names": sorted(str(name.value) for name in held),
        "sha256": hashlib.sha256(chain).hexdigest(),
    }


class _CertificateInfo(TypedDict):
    ends: int
    names: list[str]
    sha256: str


def _made(names: Iterable[str], now: datetime) -> tuple[bytes, bytes]:
    """A new certificate for these names and addresses, and its key."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Local Video Server")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a headset's clock may be behind
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in sorted(names)]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret


def _general_name(name: str) -> "GeneralName":
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
