"""Mail by SMTP (RFC 5321): the tool `send_email`, which writes only to whom the operator allows."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from fnmatch import fnmatchcase
from typing import Any

import aiosmtplib
from pydantic import BaseModel, Field

from tools.connectors.model import Mail
from tools.contract import Tool, ToolContext, ToolError, ToolUnavailable
from tools.secrets import SecretError, Secrets

__all__ = ["Mailer", "SendEmail", "mail_tool"]

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
"""For each exchange with the server."""


class SendEmail(BaseModel):
    """What to write, and to whom."""

    to: str = Field(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
        description="One address, spelled back to the caller before.",
    )
    subject: str = Field(min_length=1, max_length=200, pattern=r"^[^\r\n\x00]+$", description="One line.")
    text: str = Field(min_length=1, max_length=5000, description="The letter, in plain text.")


class Unsure(Exception):
    """The letter went out, and the server did not say whether it took it."""


class Mailer:
    def __init__(self, about: Mail, secrets: Secrets) -> None:
        self.settings = about
        self._secrets = secrets

    @property
    def about(self) -> str:
        return "mail"

    async def probe(self) -> str:
        try:
            async with self._connected() as server:
                await server.noop()
        except ToolError as fault:
            return str(fault.__cause__ or fault)
        except (aiosmtplib.SMTPException, OSError) as fault:
            return type(fault).__name__
        return ""

    async def send(self, letter: SendEmail, key: str) -> dict[str, Any]:
        """Raises ToolError, ToolUnavailable, Unsure."""
        to = letter.to.lower()
        if not any(fnmatchcase(to, pattern.lower()) for pattern in self.settings.to):
            raise ToolError("No letters may be sent to this address. Offer the caller another way.")
        message, mark = self._message(letter, key)
        async with self._connected() as server:
            try:
                await server.send_message(message)
            except aiosmtplib.SMTPRecipientsRefused:
                raise ToolError(
                    "The mail server does not take this address. Have it spelled again."
                ) from None
            except aiosmtplib.SMTPResponseException as fault:
                if 400 <= fault.code < 500:
                    raise ToolUnavailable("The mail server does not take letters at the moment.") from None
                logger.error("mail: the server refuses the letter (%d)", fault.code)
                raise ToolError("The mail server does not take this letter. Offer another way.") from None
            except (aiosmtplib.SMTPException, OSError) as fault:
                raise Unsure(type(fault).__name__) from None
        return {"sent": True, "to": letter.to, "message_id": mark}

    def _message(self, letter: SendEmail, key: str) -> tuple[EmailMessage, str]:
        message = EmailMessage()
        message["From"] = self.settings.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate()
        # The same for the same letter, should it come twice.
        domain = parseaddr(self.settings.sender)[1].partition("@")[2]
        mark = f"<parley-{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
        message["Message-ID"] = mark
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message, mark

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A server that let us in. Raises ToolError, whose cause says why."""
        about = self.settings
        try:
            password = None if about.password is None else await self._secrets.read(about.password.secret)
            context = await asyncio.to_thread(ssl.create_default_context, cafile=about.trust)
        except (SecretError, OSError) as fault:
            logger.error("mail: %s", fault)
            raise ToolError("Letters cannot be sent at the moment. Offer another way.") from fault
        server = aiosmtplib.SMTP(
            hostname=about.host,
            port=about.port,
            username=about.user,
            password=password,
            use_tls=about.security == "tls",
            # Never without, where it is asked for: a server that does not offer it is refused.
            start_tls=about.security == "starttls",
            tls_context=context,
            timeout=TIMEOUT_S,
        )
        try:
            await server.connect()
        except (aiosmtplib.SMTPAuthenticationError, ssl.SSLError) as fault:
            logger.error(
                "mail: the server is not to be trusted, or does not trust us (%s)", type(fault).__name__
            )
            raise ToolError("Letters cannot be sent at the moment. Offer another way.") from fault
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise ToolUnavailable("The mail server cannot be reached at the moment.") from fault
        try:
            yield server
        finally:
            server.close()


def mail_tool(mailer: Mailer) -> Tool:
    async def run(letter: SendEmail, context: ToolContext) -> dict[str, Any]:
        return await mailer.send(letter, context.idempotency_key)

    return Tool(
        name="send_email",
        description=(
            "Send one letter by email. Only after the caller agreed to it, and to the address spelled back to them."
        ),
        parameters=SendEmail,
        run=run,
        timeout_s=30.0,
        category="messages",
        effect="write",
        approval=mailer.settings.approval,
    )
