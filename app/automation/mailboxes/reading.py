"""An e-mail as it came over the wire: who, to whom, about what, and what somebody wrote.

Whatever is wrong with it, something can be said about it: headers and texts in unknown character
sets are read as far as they can be. Nothing of it is trusted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage, Message, MIMEPart
from email.parser import BytesParser
from email.utils import getaddresses
from itertools import islice

from app.errors import Malformed
from app.notifications.html import text_of_html
from app.texts import say

#: A message may have so many bytes, attachments included.
LARGEST = 25 * 1024 * 1024
#: The text of an e-mail as rules see it: what somebody wrote, without what it quotes.
LONGEST_TEXT = 2_800
#: Files of one e-mail that are looked at.
MOST_FILES = 20
_LONGEST_HEADER = 500
_MOST_ADDRESSES = 100
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPACES = re.compile(r"\s+")
#: From here on it is what was written before.
_QUOTED = re.compile(
    r"(?m)^(?:"
    r">|-{2,} ?(?:Original Message|Forwarded message|原始邮件|转发的邮件|Ursprüngliche Nachricht)"
    r"|_{20,}$"
    r"|(?:From|发件人) ?[:：].{1,200}\n(?:Sent|Date|To|发送时间|日期|收件人) ?[:：]"
    r"|(?:On|Am|Le|在) ?.{5,200}(?:wrote|schrieb.{0,100}|a écrit|写道) ?[:：]$"
    r")"
)


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came along."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail."""

    #: its Message-ID; without one, what it says makes it this one
    id: str
    sender: str
    #: To and Cc
    receivers: tuple[str, ...]
    subject: str
    text: str
    #: Message-IDs of what it answers
    answers: tuple[str, ...] = ()
    #: written by a program (an absence, a delivery report, a list): answering it makes a circle
    is_automatic: bool = False
    files: tuple[Attached, ...] = ()


def read_mail(raw: bytes) -> Mail:
    """Return what an e-mail says.

    Raises:
        Malformed: it is too large, or no e-mail.
    """
    if len(raw) > LARGEST:
        raise Malformed(
            say(
                "The e-mail has more than {most} MB.",
                "邮件超过 {most} MB。",
                most=LARGEST // 1024 // 1024,
            )
        )
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
    senders = list(_addresses(message, ("From",)))
    if not senders:
        raise Malformed(say("This is no e-mail: it has no sender.", "这不是邮件：没有发件人。"))
    return Mail(
        id=_message_id(message, raw),
        sender=senders[0],
        receivers=tuple(dict.fromkeys(_addresses(message, ("To", "Cc")))),
        subject=_header(message, "Subject"),
        text=_text_of(message),
        answers=tuple(_ids(_header(message, "In-Reply-To"), _header(message, "References"))),
        is_automatic=_is_automatic(message),
        files=tuple(islice(_attached(message), MOST_FILES)),
    )


def _header(message: MIMEPart, name: str) -> str:
    """Return a header as one line; what cannot be read is passed over."""
    try:
        value = str(message.get(name, ""))
    except Exception:  # noqa: BLE001 - the standard library raises all kinds on broken headers.
        value = next(
            (str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), ""
        )
    return _SPACES.sub(" ", _clean(value)).strip()[:_LONGEST_HEADER]


def _clean(text: str) -> str:
    without = text.encode("utf-8", "replace").decode("utf-8")
    return _UNPRINTABLE.sub("", without.replace("\r\n", "\n").replace("\r", "\n"))


def _addresses(message: EmailMessage, names: Iterable[str]) -> Iterator[str]:
    values = [_header_whole(message, name) for name in names]
    for _, address in getaddresses([one for one in values if one])[:_MOST_ADDRESSES]:
        found = address.strip().lower()
        if "@" in found and len(found) <= 320 and not _SPACES.search(found):
            yield found


def _header_whole(message: EmailMessage, name: str) -> str:
    try:
        return _clean(", ".join(str(one) for one in message.get_all(name, [])))
    except Exception:  # noqa: BLE001 - see `_header`.
        return _header(message, name)


def _ids(*headers: str) -> Iterator[str]:
    for header in headers:
        yield from re.findall(r"<[^<>\s]{3,400}>", header)


def _message_id(message: EmailMessage, raw: bytes) -> str:
    found = next(_ids(_header(message, "Message-ID")), "")
    return found or f"<{hashlib.sha256(raw).hexdigest()}>"


def _is_automatic(message: EmailMessage) -> bool:
    if _header(message, "Auto-Submitted").lower() not in ("", "no"):
        return True
    if _header(message, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    kind = message.get_content_type()
    return kind == "multipart/report" or bool(message.get("X-Autoreply") or message.get("List-Id"))


def _text_of(message: EmailMessage) -> str:
    """Return what somebody wrote: the plain part, or the other one without its marks."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, UnicodeError, KeyError, ValueError):
        loaded = part.get_payload(decode=True)
        text = loaded.decode("utf-8", "replace") if isinstance(loaded, bytes) else ""
    text = _clean(text)
    if part.get_content_subtype() == "html":
        text = text_of_html(text)
    return own_words(text)


def _attached(message: EmailMessage) -> Iterator[Attached]:
    """Yield the files; pictures that stand within the text (logos, signatures) are none."""
    shown = set(_shown_within(message))
    for part in _parts(message):
        if _header(part, "Content-ID").strip("<>") in shown:
            continue
        kind = part.get_content_disposition()
        try:
            name = _clean(part.get_filename() or "").strip()
        except Exception:  # noqa: BLE001 - see `_header`.
            name = ""
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            whole = inner[0] if isinstance(inner, list) and inner else None
            if isinstance(whole, Message) and kind == "attachment":
                yield Attached(name or "message.eml", whole.as_bytes())
            continue
        if kind == "attachment" or name:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and content:
                yield Attached(name or "file", content)


def _parts(message: MIMEPart) -> Iterator[MIMEPart]:
    """Yield the parts that hold something; what a forwarded e-mail holds is its own."""
    if message.is_multipart() and message.get_content_type() != "message/rfc822":
        for part in message.iter_parts():
            yield from _parts(part)
    else:
        yield message


def _shown_within(message: EmailMessage) -> Iterator[str]:
    """Yield the Content-IDs of what the text shows itself."""
    for part in message.walk():
        if part.get_content_type() == "text/html":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield from re.findall(r"cid:([^\"'\s>]{1,300})", content.decode("utf-8", "replace"))


def own_words(text: str) -> str:
    """Return a text without what it quotes below; all of it where nothing else would be left."""
    found = _QUOTED.search(text)
    own = text[: found.start()].strip() if found else text.strip()
    own = own or text.strip()
    return own if len(own) <= LONGEST_TEXT else own[: LONGEST_TEXT - 1].rstrip() + "…"
