"""E-mails: composed from a delivery, handed to the SMTP server of the installation.

The Message-ID follows from the delivery alone, so an e-mail that was accepted although nobody heard
of it comes a second time as the same one. No value of a record reaches a header with its line
breaks.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from types import TracebackType
from typing import Any, Literal, Self

from app.notifications.deadline import Deadline
from app.notifications.failing import SendFailed
from app.notifications.html import html_of_text
from app.settings import Settings
from app.texts import say

#: Seconds for one e-mail, from looking the server up to its last word.
SECONDS = 30.0
#: E-mails sent over one connection.
_MOST_IN_ONE = 50
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")

#: No certificate is asked of a server on this machine.
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes e-mails, and whom they come from."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None
    password: str | None
    sender: str
    #: where people reach Trellis
    address: str | None
    app_name: str = "Trellis"

    @property
    def domain(self) -> str:
        """The domain of Message-IDs."""
        return parseaddr(self.sender)[1].rpartition("@")[2] or "trellis.invalid"


def mail_server(settings: Settings) -> MailServer:
    """Return the mail server of the settings.

    Raises:
        SendFailed: there is none yet.
    """
    if settings.smtp_host is None:
        raise SendFailed(
            say(
                "E-mails wait: no server is set. Set TRELLIS_SMTP_HOST.",
                "邮件正在等待：尚未设置邮件服务器，请设置 TRELLIS_SMTP_HOST。",
            ),
            is_waiting=True,
        )
    return MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,  # type: ignore[arg-type]
        settings.smtp_user,
        settings.smtp_password,
        settings.smtp_from or f"Trellis <trellis@{socket.getfqdn()}>",
        settings.address,
    )


# -- composing -----------------------------------------------------------------------------------


def message_id(key: str, server: MailServer) -> str:
    """Return the Message-ID of a delivery, the same in every attempt."""
    return f"<{hashlib.blake2b(key.encode(), digest_size=18).hexdigest()}@{server.domain}>"


def compose(
    server: MailServer, key: str, target: str, content: Mapping[str, Any], sent: datetime
) -> EmailMessage:
    """Return an e-mail as it goes out.

    Raises:
        SendFailed: the address is none.
    """
    message = EmailMessage(policy=SMTP)
    name, sender = parseaddr(server.sender)
    message["From"] = _address(name, sender)
    message["To"] = _address(str(content.get("name") or ""), target)
    message["Subject"] = _line(str(content.get("subject") or ""))
    message["Date"] = format_datetime(sent)
    message["Message-ID"] = message_id(key, server)
    # No answering machine should answer a machine.
    message["Auto-Submitted"] = "auto-generated"
    link = f"{server.address}{content['path']}" if server.address and content.get("path") else None
    language = str(content.get("language") or "en")
    message.set_content(_plain(server, content, link, language))
    message.add_alternative(_html(server, content, link, language), subtype="html")
    for file in content.get("files") or ():
        message.add_attachment(
            str(file["html"]).encode(),
            maintype="text",
            subtype="html",
            filename=_line(str(file["name"])),
        )
    return message


def _address(name: str, address: str) -> Address:
    try:
        found = Address(_line(name), addr_spec=in_ascii(address))
    except (ValueError, IndexError, HeaderParseError):
        found = Address()
    # Anything that could be a second recipient or header is refused whole.
    if not found.domain or not found.username or _CONTROLS.search(address):
        raise SendFailed(
            say("`{address}` is no e-mail address.", "“{address}”不是邮箱地址。",
                address=_line(address)[:100]),
            is_final=True,
        )  # fmt: skip
    return found


def in_ascii(address: str) -> str:
    """Return an address as mail servers take it: the domain in its ASCII form.

    Raises:
        ValueError: the domain has none.
    """
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode()}"


def _line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def _why(server: MailServer, content: Mapping[str, Any], language: str) -> str:
    """Return the last line: why somebody gets this and how to change it; none for outsiders."""
    if content.get("outside"):
        return ""
    said = say(
        "You get this as a user of {app}. What reaches you by e-mail is set there.",
        "您作为 {app} 的用户收到此邮件，可在系统中设置邮件提醒。",
        app=server.app_name,
    ).in_language(language)
    return f"{said} {server.address}/me/notifications" if server.address else said


def _plain(server: MailServer, content: Mapping[str, Any], link: str | None, language: str) -> str:
    why = _why(server, content, language)
    parts = [str(content.get("text") or ""), link, f"--\n{why}" if why else None]
    return "\n\n".join(part for part in parts if part) + "\n"


_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"></head>
<body style="margin:0;padding:24px;font:14px/20px system-ui,sans-serif;color:#16211d">
{body}
{link}{why}</body></html>
"""


def _html(server: MailServer, content: Mapping[str, Any], link: str | None, language: str) -> str:
    body = content.get("html") or f"<p>{html_of_text(str(content.get('text') or ''))}</p>"
    opened = say("Open in {app}", "在 {app} 中打开", app=server.app_name).in_language(language)
    why = html_of_text(_why(server, content, language))
    return _PAGE.format(
        language="zh-CN" if language == "zh" else escape(language),
        body=body,
        link=f'<p><a href="{escape(link)}">{escape(opened)}</a></p>\n' if link else "",
        why=f'<p style="color:#5d6a65;font-size:12px">{why}</p>\n' if why else "",
    )


def digest(contents: Sequence[Mapping[str, Any]], address: str | None) -> dict[str, Any]:
    """Return several messages to one person as one."""
    first = contents[0]
    language = str(first.get("language") or "en")
    number = len(contents)
    subject = (
        first["subject"]
        if number == 1
        else say("{number} messages", "{number} 条消息", number=number).in_language(language)
    )
    texts, htmls = [], []
    for one in contents:
        link = f"{address}{one['path']}" if address and one.get("path") else None
        text = str(one.get("text") or "")
        texts.append(f"• {text}" + (f"\n  {link}" if link else ""))
        title = html_of_text(text)
        htmls.append(
            f'<li><a href="{escape(link)}">{title}</a></li>' if link else f"<li>{title}</li>"
        )
    return {
        "subject": subject,
        "text": "\n\n".join(texts),
        "html": f"<ul>{''.join(htmls)}</ul>",
        "language": language,
        "name": first.get("name"),
    }


# -- sending -------------------------------------------------------------------------------------


class _Guarded(smtplib.SMTP):
    """A conversation whose connection ends with a deadline."""

    def __init__(self, server: MailServer, deadline: Deadline) -> None:
        self._server = server
        self._deadline = deadline
        super().__init__(timeout=deadline.left, local_hostname=server.domain)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        address = self._deadline.resolve(host, port)[0]
        connection = self._deadline.connect(address, port)
        if self._server.security == "tls":
            return _tls(self._server).wrap_socket(connection, server_hostname=host)
        return connection


def _tls(server: MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.host in _LOCAL:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Mailer:
    """One conversation with the mail server, for a batch of e-mails; opened with the first."""

    def __init__(self, server: MailServer, seconds: float = SECONDS) -> None:
        self.server = server
        self._seconds = seconds
        self._smtp: _Guarded | None = None
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def send(self, message: EmailMessage, target: str) -> None:
        """Send one e-mail to one address.

        Raises:
            SendFailed: it was not taken, or nobody knows.
        """
        with Deadline(self._seconds) as deadline:
            try:
                smtp = self._conversation(deadline)
                smtp.send_message(message, parseaddr(self.server.sender)[1], [in_ascii(target)])
            except (smtplib.SMTPException, OSError, ValueError) as error:
                self._drop()
                if deadline.has_expired or isinstance(error, TimeoutError):
                    raise deadline.failure() from error
                raise _as_failure(error, self.server) from error
            except BaseException:
                self._drop()
                raise
            self._sent += 1
            if self._sent >= _MOST_IN_ONE:
                self._hang_up()

    def _conversation(self, deadline: Deadline) -> _Guarded:
        known = self._smtp
        if known is not None and known.sock is not None:
            deadline.guard(known.sock)
            known.sock.settimeout(deadline.left)
            try:
                if known.noop()[0] == 250:
                    return known
            except (smtplib.SMTPException, OSError):
                # The server hung up meanwhile, as it may.
                self._drop()
        smtp = _Guarded(self.server, deadline)
        self._smtp, self._sent = smtp, 0
        code, said = smtp.connect(self.server.host, self.server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if self.server.security == "starttls":
            smtp.starttls(context=_tls(self.server))
        if self.server.user is not None:
            smtp.login(self.server.user, self.server.password or "")
        return smtp

    def _hang_up(self) -> None:
        smtp = self._smtp
        if smtp is not None and smtp.sock is not None:
            smtp.sock.settimeout(2)
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                # What was to be sent was sent; how the server says farewell is its affair.
                smtp.close()
        self._smtp = None

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _as_failure(error: Exception, server: MailServer) -> SendFailed:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return _answered(code, said)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return SendFailed(
            say(
                "The mail server does not offer what is set: {what}.",
                "邮件服务器不支持所需功能：{what}。",
                what=str(error)[:200],
            )
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return SendFailed(
            say(
                "The mail server does not accept TRELLIS_SMTP_USER and its password.",
                "邮件服务器不接受 TRELLIS_SMTP_USER 及其密码。",
            ),
            answer=_text(error.smtp_error),
        )
    if isinstance(error, smtplib.SMTPResponseException):
        # Being refused at the door, or as its sender, says nothing about this e-mail.
        at_door = isinstance(
            error, smtplib.SMTPConnectError | smtplib.SMTPHeloError | smtplib.SMTPSenderRefused
        )
        return _answered(error.smtp_code, error.smtp_error, is_about_it=not at_door)
    if isinstance(error, ssl.SSLError):
        return SendFailed(
            say(
                "The mail server `{host}` has no certificate that can be trusted.",
                "邮件服务器“{host}”的证书不受信任。",
                host=server.host,
            )
        )
    return SendFailed(
        say(
            "The mail server `{host}:{port}` cannot be reached, or hung up.",
            "无法连接邮件服务器“{host}:{port}”，或连接中断。",
            host=server.host,
            port=server.port,
        ),
        answer=str(error)[:300],
    )


def _answered(code: int, said: bytes | str, *, is_about_it: bool = True) -> SendFailed:
    return SendFailed(
        say("The mail server answered {code}.", "邮件服务器返回 {code}。", code=code),
        # 5xx is a word about this e-mail, 4xx about this moment.
        is_final=is_about_it and 500 <= code < 600,
        answer=_text(said),
    )


def _text(said: bytes | str) -> str:
    return (said.decode("utf-8", "replace") if isinstance(said, bytes) else said)[:500]
