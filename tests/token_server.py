"""A provider of OAuth2 on loopback, over TLS: Microsoft's and Google's endpoints; it writes down what it is asked."""

import base64
import hashlib
import ipaddress
import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pydantic import TypeAdapter

from daemon.oauth import SignIn

LOOPBACK = "127.0.0.1"
CLIENT, CLIENT_SECRET, TENANT = "the-client", "the-client-secret", "harbourpine.example"
SCOPE = "https://mail.google.com/"
PEM = serialization.Encoding.PEM
SERVICE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEY = SERVICE_KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
WAYS: TypeAdapter[SignIn] = TypeAdapter(SignIn)


@dataclass
class TokenServer:
    """One provider. What it hands out are JWTs that a Dovecot with the same key accepts."""

    root: Path
    user: str
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    lifetime: float = 3600
    scope: str = SCOPE
    coming: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    refresh_token: str = "the-refresh-token"
    device_answers: list[str] = field(default_factory=list)
    challenges: dict[str, str] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Make a certificate of its own, and answer."""
        self.gate.set()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_certificate(self.root))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        """Stop answering."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def ca_file(self) -> Path:
        """The certificate to trust."""
        return self.root / "provider.pem"

    @property
    def grants(self) -> list[str]:
        """The kinds of grant that were asked for, in their order."""
        return [form["grant_type"] for form in self.asked if "grant_type" in form]

    def sign_in(self, way: str, **keys: object) -> SignIn:
        """Write ``[mailbox.sign_in]`` for one of the ways, with this provider in the place of the real one."""
        (self.root / "client-secret").write_text(CLIENT_SECRET, encoding="utf-8")
        (self.root / "given-token").write_text(self.access_token(), encoding="utf-8")
        secret = {"file": str(self.root / "client-secret")}
        microsoft: dict[str, object] = {
            "tenant": TENANT,
            "client_id": CLIENT,
            "authority": self.url,
            "ca_file": str(self.ca_file),
        }
        addresses = {"auth_url": f"{self.url}/auth", "token_url": f"{self.url}/token", "ca_file": str(self.ca_file)}
        sections: dict[str, dict[str, object]] = {
            "microsoft-app": microsoft | {"client_secret": secret},
            "microsoft-device": microsoft,
            "google-service-account": {"key_file": str(self.root / "key.json"), "ca_file": str(self.ca_file)},
            "google-user": addresses | {"client_id": CLIENT, "client_secret": secret},
            "token": {"token": {"file": str(self.root / "given-token")}},
        }
        if way == "google-service-account":
            self._write_key()
        return WAYS.validate_json(json.dumps({"way": way, **sections[way], **keys}), strict=True)

    def access_token(self, seconds: float | None = None, **claims: object) -> str:
        """Make a token that is good for the mailbox; negative seconds make one that has run out."""
        ends = datetime.now(UTC) + timedelta(seconds=self.lifetime if seconds is None else seconds)
        # Issued well before, so that a Dovecot on the same clock never takes it for one from the future.
        issued = ends - timedelta(days=1)
        payload = {"sub": self.user, "email": self.user, "iat": issued, "exp": ends, "jti": secrets.token_hex(8)}
        return jwt.encode(payload | claims, self.key, algorithm="HS256")

    def sign_in_as_person(self, address: str) -> str:
        """Do what a person in a browser does on the sign-in page; give the address that it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.challenges[code] = asked["code_challenge"]
        return f"{asked['redirect_uri']}/?{urlencode({'state': asked['state'], 'code': code, 'scope': self.scope})}"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """Answer one request; what a test has put into ``coming`` goes first."""
        self.asked.append(form)
        if self.coming:
            return self.coming.pop(0)
        if path.endswith("/devicecode"):
            device = {"device_code": "the-device-code", "user_code": "WXYZ-1234", "interval": 1, "expires_in": 60}
            return 200, device | {"verification_uri": f"{self.url}/device"}
        return self._token(form)

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        grant = form["grant_type"]
        if "device_code" in grant and self.device_answers:
            return 400, {"error": self.device_answers.pop(0)}
        if grant == "refresh_token" and form["refresh_token"] != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": f"{form['refresh_token']} was revoked"}
        if grant == "authorization_code" and not self._proven(form):
            return 400, {"error": "invalid_grant"}
        if grant in ("client_credentials", "authorization_code") and form["client_secret"] != CLIENT_SECRET:
            return 401, {
                "error": "invalid_client",
                "error_codes": [7000215],
                "error_description": form["client_secret"],
            }
        answer = {"access_token": self.access_token(), "token_type": "Bearer", "expires_in": int(self.lifetime)}
        if grant not in ("client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
            answer |= {"refresh_token": self.refresh_token, "scope": self.scope}
        return 200, answer

    def _write_key(self) -> None:
        """Write the JSON key of a service account whose tokens come from here."""
        record = {
            "type": "service_account",
            "client_email": "clerkd@harbourpine.example",
            "private_key_id": "1",
            "private_key": PRIVATE_KEY,
            "token_uri": f"{self.url}/token",
        }
        (self.root / "key.json").write_text(json.dumps(record), encoding="utf-8")

    def _proven(self, form: dict[str, str]) -> bool:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return self.challenges.pop(form["code"], "") == challenge

    def discovery(self, path: str) -> dict[str, str]:
        """Name the endpoints of a tenant (OpenID Connect Discovery 1.0, 4)."""
        base = f"{self.url}{path.partition('/v2.0/')[0]}"
        return {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }


def _handler(provider: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Serve the discovery document."""
            known = self.path.endswith("/.well-known/openid-configuration") and f"/{TENANT}/" in self.path
            self._say(*((200, provider.discovery(self.path)) if known else (404, {"error": "invalid_tenant"})))

        def do_POST(self) -> None:
            """Serve the endpoints that a form is sent to."""
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.gate.wait(30)
            self._say(*provider.answer(self.path, {name: values[0] for name, values in parse_qs(body).items()}))

        def _say(self, status: int, answer: Any) -> None:
            body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Log nothing."""

    return Handler


def _certificate(root: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = root / "provider.pem", root / "provider.key"
    paths[0].write_bytes(certificate.public_bytes(PEM))
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(private)
    return paths
