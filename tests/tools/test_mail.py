"""Letters through a real mail server (aiosmtpd), with STARTTLS and a password."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.dialogue.talk import NOW, MemoryRecords
from tests.tools.controls import FakeControl
from tests.tools.through import through_door
from tools.connectors.mail import Mailer, mail_tool
from tools.connectors.model import Mail
from tools.contract import ToolContext
from tools.runtime.request import Execution
from tools.secrets import Secrets

pytestmark = pytest.mark.integration

WORD = "letter-9921-heron"


class Inbox:
    """The handler of a mail server that keeps what it is sent; `answer` is what it says to a letter."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.to: list[str] = []
        self.secured: list[bool] = []
        self.answer = "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer == "hang up":
            assert server.transport is not None
            server.transport.close()
            return "421 bye"
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.letters.append(envelope.content)
            self.to += envelope.rcpt_tos
            self.secured.append(session.ssl is not None)
        return self.answer


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path / "mail.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, private, serialization.NoEncryption()))
    return file


@asynccontextmanager
async def server(inbox: Inbox, certificate: Path | None) -> AsyncIterator[int]:
    """Its port. With a certificate it wants STARTTLS and a password; without, it offers neither."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def check(
        _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        right = (data.login, data.password) == (b"desk", WORD.encode())
        return AuthResult(success=right, handled=right)

    def protocol() -> SMTP:
        if context is None:
            return SMTP(inbox, enable_SMTPUTF8=True)
        return SMTP(
            inbox,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=check,
            timeout=30,
        )

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def mailer(port: int, folder: Path, certificate: Path | None, word: str = WORD, **more: Any) -> Mailer:
    (folder / "MAIL").write_text(word)
    settings = Mail.model_validate(
        {
            "host": "127.0.0.1", "port": port, "user": "desk", "password": {"secret": "MAIL"},
            "sender": "Bright Dental <desk@dental.example.com>", "to": ["*@example.com"],
            "trust": str(certificate) if certificate else None, **more,
        }
    )  # fmt: skip
    return Mailer(settings, Secrets(folder))


async def send(mailer: Mailer, to: str = "susan@example.com", **more: str) -> Execution:
    letter = {"to": to, "subject": "Your appointment", "text": "Friday at ten.\n.\nBright Dental", **more}
    context = ToolContext("c", "s", "t", "p", "s:1", NOW, MemoryRecords(), FakeControl())
    return await through_door(mail_tool(mailer), json.dumps(letter), context)


def told(outcome: Execution) -> Any:
    return json.loads(outcome.output)


async def test_a_letter_arrives_in_secret_and_signed_with_its_key(
    tmp_path: Path, certificate: Path
) -> None:
    inbox = Inbox()
    async with server(inbox, certificate) as port:
        post = await asyncio.to_thread(mailer, port, tmp_path, certificate)
        assert await post.probe() == ""
        first, again = told(await send(post)), told(await send(post))
    assert first["sent"]
    assert first["message_id"] == again["message_id"]
    assert inbox.to == ["susan@example.com"] * 2
    assert inbox.secured == [True, True]
    letter = message_from_bytes(inbox.letters[0], policy=policy.default)
    assert letter["From"] == "Bright Dental <desk@dental.example.com>"
    assert letter["Subject"] == "Your appointment"
    assert letter["Message-ID"] == first["message_id"]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == ["Friday at ten.", ".", "Bright Dental"]


async def test_what_goes_wrong_is_told_and_no_word_or_address_is_logged(
    tmp_path: Path, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tools")
    inbox = Inbox()
    async with server(inbox, certificate) as port:
        post = await asyncio.to_thread(mailer, port, tmp_path, certificate)
        assert "may be sent to this address" in told(await send(post, to="x@evil.example.org"))["error"]
        assert "spelled again" in told(await send(post, to="nobody@example.com"))["error"]
        assert "subject" in told(await send(post, subject="Hi\r\nBcc: all@example.com"))["error"]
        inbox.answer = "451 later"
        assert (await send(post)).reason == "unavailable"
        inbox.answer = "554 no"
        assert (await send(post)).reason == "refused"
        inbox.answer = "hang up"
        assert (await send(post)).reason == "failed"
        wrong = await asyncio.to_thread(mailer, port, tmp_path, certificate, "wrong-0000-word")
        assert "Authentication" in await wrong.probe()
        assert "cannot be sent" in told(await send(wrong))["error"]
    assert inbox.letters == []
    assert (await send(post)).reason == "unavailable"
    assert await post.probe() != ""
    assert WORD not in caplog.text
    assert "susan" not in caplog.text


async def test_a_server_without_starttls_or_with_a_strange_certificate_gets_no_password(
    tmp_path: Path, certificate: Path
) -> None:
    inbox = Inbox()
    async with server(inbox, None) as port:
        post = await asyncio.to_thread(mailer, port, tmp_path, certificate)
        assert not (await send(post)).ok
        open_post = await asyncio.to_thread(
            mailer, port, tmp_path, None, security="none", user=None, password=None
        )
        assert (await send(open_post)).ok
    async with server(inbox, certificate) as port:
        post = await asyncio.to_thread(mailer, port, tmp_path, None)
        assert not (await send(post)).ok
    assert inbox.secured == [False]
