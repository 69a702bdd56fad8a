"""Speaks SMTP with the relay over a reused connection; knows when an outcome is unknowable."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiosmtplib
import structlog
from aiosmtplib import SMTPException, SMTPResponseException

from runtime import crash
from services.notifier.domain.deliveries import (
    Accepted,
    Answer,
    Content,
    LeaseLost,
    NotReached,
    Postponed,
    Rejected,
    Unknowable,
)
from services.notifier.messages import UnsafeMail, check
from services.notifier.settings import SmtpSettings

log = structlog.get_logger()

BeginData = Callable[[], Awaitable[bool]]
"""Notes durably that the body goes out now; false when it must not."""

_DATA_ACCEPTED: Final = 250
_GO_AHEAD: Final = 354
_CLOSING: Final = 421
_TRANSIENT: Final = range(400, 500)
_UNSAFE: Final = 554
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to sign in to the relay."""

    username: str
    password: str


class MailChannel:
    """One connection to the relay, opened when needed and used for one mail at a time."""

    def __init__(self, settings: SmtpSettings, *, hostname: str, login: Login | None) -> None:
        self._settings = settings
        self._hostname = hostname
        self._login = login
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, content: Content, message_id: str, begin_data: BeginData) -> Answer:
        """
        Offer one mail to the relay (RFC 5321, section 3.3) and return its answer.

        Raises ``LeaseLost``, and what ``begin_data`` raises, with nothing sent.
        """
        try:
            check(content.body, sender=content.sender, to=content.to, message_id=message_id)
        except UnsafeMail as error:
            log.error("mail is not what was meant", error=str(error), message_id=message_id)
            return Rejected(code=_UNSAFE)
        try:
            client = await self._connected()
        except (SMTPException, OSError, TimeoutError) as error:
            await self.close()
            return NotReached(reason=type(error).__name__)
        try:
            return await self._transact(client, content, begin_data)
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:
        """Leave the relay politely, if it still listens."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(SMTPException, OSError, TimeoutError):
            await client.quit(timeout=1.0)
        client.close()

    def _drop(self) -> None:
        # Nothing may follow a broken dialogue, not even QUIT: it could end a DATA half sent.
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and await self._still_there(self._client):
            return self._client
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=self._hostname,
            timeout=settings.connect_deadline_s,
            use_tls=settings.tls == "implicit",
            start_tls={"none": False, "if-offered": None, "starttls": True, "implicit": False}[
                settings.tls
            ],
        )
        self._client = client
        await client.connect()
        if self._login:
            await client.login(self._login.username, self._login.password)
        return client

    async def _still_there(self, client: aiosmtplib.SMTP) -> bool:
        try:
            await client.rset(timeout=self._settings.connect_deadline_s)
        except (SMTPException, OSError, TimeoutError):
            self._drop()  # relays hang up on those who are idle
            return False
        return True

    async def _transact(
        self, client: aiosmtplib.SMTP, content: Content, begin_data: BeginData
    ) -> Answer:
        deadline_s = self._settings.reply_deadline_s
        try:
            await client.mail(content.sender, timeout=deadline_s)
            await client.rcpt(content.to, timeout=deadline_s)
            ready = await client.execute_command(b"DATA", timeout=deadline_s)
        except SMTPResponseException as error:
            return await self._said_no(client, error.code)
        except (SMTPException, OSError, TimeoutError):
            self._drop()
            return Postponed(code=None)
        if ready.code != _GO_AHEAD:
            return await self._said_no(client, ready.code)
        if not await begin_data():
            raise LeaseLost
        crash.point("notifier.data-begun")
        return await self._send_body(client, content.body)

    async def _send_body(self, client: aiosmtplib.SMTP, body: bytes) -> Answer:
        protocol: Any = client.protocol
        try:
            async with asyncio.timeout(self._settings.reply_deadline_s):
                await _write_until_the_dot(client, _dot_stuffed(body))
            protocol.write(b".\r\n")
        except (SMTPException, OSError, TimeoutError):
            self._drop()
            return Postponed(code=None)  # without the final dot there is no mail
        try:
            reply = await protocol.read_response(timeout=self._settings.final_reply_deadline_s)
        except (SMTPException, OSError, TimeoutError):
            self._drop()
            return Unknowable()
        if reply.code == _DATA_ACCEPTED:
            crash.point("notifier.accepted")
            return Accepted(code=reply.code)
        return await self._said_no(client, reply.code)

    async def _said_no(self, client: aiosmtplib.SMTP, code: int) -> Answer:
        if code == _CLOSING:
            self._drop()
        return Postponed(code=code) if code in _TRANSIENT else Rejected(code=code)


async def _write_until_the_dot(client: aiosmtplib.SMTP, body: bytes) -> None:
    protocol: Any = client.protocol
    transport: Any = client.transport
    protocol.write(body)
    # Only a mail larger than the socket's buffers waits here, and a transport tells nobody.
    while client.is_connected and transport.get_write_buffer_size():  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)


def _dot_stuffed(body: bytes) -> bytes:
    # RFC 5321, section 4.5.2; the body's lines end in CRLF already.
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
