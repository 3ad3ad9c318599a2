"""Other systems, `integrations/`: mailboxes whose e-mails are events of the records they are about.

Where a mailbox is and who reads it is only said here; `automation.mailboxes` does it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

import marshmallow as ma

from app.definitions.automation import Automation
from app.definitions.catalog import Place
from app.definitions.complaints import Complaint
from app.definitions.document import Document
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rules import is_name
from app.definitions.shape import Definition, Labels, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workshop import Workshop
from app.fields.settings import Plain, Word, refuse, written
from app.texts import Label

_PORTS = {"imaps": 993, "imap": 143}
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
#: Types of fields by which a record is known to be somebody's.
ADDRESSES = ("email", "emails")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a mailbox is read."""

    host: str
    port: int
    folder: str
    #: ``imap:``: without TLS, for hosts of the inner network
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox whose e-mails are events."""

    name: str
    label: Label
    #: where it is read; None: e-mails are handed to `trellis mail`
    server: MailServer | None = None
    user: str = ""
    #: the environment variable with the password
    secret: str = ""
    #: who causes what the e-mails set off; empty: the system
    as_: str = ""
    #: entities whose records an address is looked for in, the first that has it counts
    find: tuple[str, ...] = ()
    place: Place | None = None


class MailAddress(Value):
    """Where a mailbox is: `imaps://HOST:PORT/FOLDER`."""

    takes = "`imaps://HOST`, with `:PORT` and `/FOLDER` where they are not 993 and INBOX"

    def read(self, value: Any, key: str) -> MailServer:
        try:
            parts = urlsplit(str(value).strip())
            port = parts.port
        except ValueError:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.")
        if parts.username or parts.password:
            raise refuse(
                f"`{key}` holds a name or password. Write `user`, and in `secret` the name of the "
                "environment variable with the password."
            )
        return MailServer(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            folder=unquote(parts.path.strip("/")) or "INBOX",
            is_plain=parts.scheme == "imap",
        )

    def json_schema(self) -> dict[str, Any]:
        """Return that it is such a text."""
        return {"type": "string", "pattern": "^imaps?://"}


class IntegrationSchema(Definition):
    """A mailbox."""

    noun = "the integration"
    example = """
integration: sales-mail
kind: mailbox
url: imaps://mail.acme.example/INBOX
user: sales@acme.example
secret: SALES_MAIL_PASSWORD
as: user mail_bot
find: [contact, customer, lead]
"""

    label = Labels("What people read; without one it is made from the name.")
    kind = Word("What it is.", among=("mailbox",), default="mailbox")
    url = MailAddress(
        "Where it is read, each minute; without it e-mails are handed to `trellis mail NAME`."
    )
    user = Plain("The name the mailbox is opened with.")
    secret = Plain("The environment variable with its password.")
    find = Texts(
        "Entities in whose e-mail fields an address is looked for; the first that has it counts. "
        "Without it: those of rules on `email`."
    )

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse an address that nobody can open, and a password in place of its name."""
        del data
        if "url" in values:
            for key in ("user", "secret"):
                if key not in values:
                    hint = f"Add it: {self.fields[key].help}"  # type: ignore[attr-defined]
                    complaint = Complaint(f"`url` needs `{key}`.", Code.missing_key, hint)
                    raise ma.ValidationError({key: [complaint]})
        secret = values.get("secret")
        if secret is not None and not _VARIABLE.fullmatch(secret):
            message = "`secret` must be the name of an environment variable, not the secret itself."
            hint = "For example `MAIL_PASSWORD`."
            raise ma.ValidationError({"secret": [Complaint(message, Code.bad_value, hint)]})


add_keys(
    IntegrationSchema,
    {
        "integration": Plain("Its name.", required=True),
        "as": Plain("`user NAME`: who causes what e-mails set off, and whose rights say which "
                    "records they may be about. Without it, the system."),
    },
)  # fmt: skip


def bind_integrations(
    shop: Workshop,
    written_: list[tuple[Document, dict[str, Any]]],
    automation: Automation,
) -> Mapping[str, Mailbox]:
    """Return the mailboxes by name; what is wrong with one is noted in the workshop."""
    listening = tuple(
        dict.fromkeys(
            entity
            for rule in automation.rules.values()
            for entity in rule.entities
            if not rule.off and "email" in rule.of(entity)[0].events
        )
    )
    made = (_bind(shop, document, values, listening) for document, values in written_)
    return MappingProxyType({one.name: one for one in made if one is not None})


def _bind(
    shop: Workshop, document: Document, values: Mapping[str, Any], listening: tuple[str, ...]
) -> Mailbox | None:
    name = values["integration"]
    if not is_name(shop, document, "integration", name):
        return None
    word, _, login = values.get("as", "").partition(" ")
    if "as" in values and (word != "user" or not login.strip()):
        message = f"`as` is `{values['as']}`; it must be `user NAME`."
        shop.problem(Code.bad_value, document, ("as",), message)
    for entity in values.get("find", ()):
        if entity not in shop.drafts:
            shop.unknown_entity(document, ("find",), entity, f"`{entity}` is not an entity.")
            return None
    found = values.get("find") or listening
    addressed = tuple(one for one in found if _has_address(shop, one))
    for entity in values.get("find", ()):
        if entity not in addressed:
            message = f"`{entity}` has no e-mail field, so no address leads to its records."
            shop.problem(Code.bad_value, document, ("find",), message)
    return Mailbox(
        name=name,
        label=values.get("label") or label_from_name(name),
        server=values.get("url"),
        user=values.get("user", ""),
        secret=values.get("secret", ""),
        as_=login.strip(),
        find=addressed,
        place=document.place(),
    )


def _has_address(shop: Workshop, entity: str) -> bool:
    return any(
        one.type.name in ADDRESSES and not one.removed
        for one in shop.drafts[entity].fields.values()
    )
