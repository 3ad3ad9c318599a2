"""Other systems, `integrations/`: mailboxes, and systems that records are exchanged with.

E-mails of mailboxes are events of the records they are about; `connections` says how exchanges are
written. Where another system is and who asks it is only said here; `automation.mailboxes` and
`exchange` do it.
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
from app.definitions.connections import (
    Connection,
    SyncSchema,
    read_source,
)
from app.definitions.document import Document
from app.definitions.exchanges import bind_connection
from app.definitions.names import label_from_name
from app.definitions.problems import Code
from app.definitions.rules import is_name
from app.definitions.shape import Definition, Items, Labels, Part, Value, add_keys
from app.definitions.words import Texts
from app.definitions.workflow_settings import SecretAs
from app.definitions.workshop import Workshop
from app.fields.settings import Plain, Word, refuse, written
from app.texts import Label

_PORTS = {"imaps": 993, "imap": 143}
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_SELECT = re.compile(r"\s*(SELECT|WITH)\b[^;]*;?\s*\Z", re.IGNORECASE)
#: The kinds a key goes with, where it does not go with all.
_ONLY: Mapping[str, tuple[str, ...]] = {
    "url": ("mailbox", "api"),
    "user": ("mailbox",),
    "find": ("mailbox",),
    "secret_as": ("api",),
    "sync": ("api", "database"),
}
#: What a kind cannot do without; a mailbox that is read.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "mailbox": ("user", "secret"),
    "api": ("url", "sync"),
    "database": ("secret", "sync"),
}
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


class WebAddress(Value):
    """Where an API is: `https://HOST/PATH`."""

    takes = "`https://HOST`, perhaps with a path"

    def read(self, value: Any, key: str) -> str:
        text = str(value).strip()
        try:
            parts = urlsplit(text)
            parts.port  # noqa: B018 - a number that is none is found out here.
        except ValueError:
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.") from None
        is_one = parts.scheme in ("http", "https") and parts.hostname
        if not is_one or parts.query or parts.fragment or re.search(r"[\s'\\]", text):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.")
        if parts.username or parts.password:
            raise refuse(f"`{key}` holds a name or password. Write `secret`, and `secret_as`.")
        return text.rstrip("/")


class IntegrationSchema(Definition):
    """A mailbox, or another system that records are exchanged with."""

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
    kind = Word("What it is.", among=("mailbox", "api", "database"), default="mailbox")
    url = Plain(
        "Of a mailbox, where it is read each minute (`imaps://HOST/FOLDER`); without it e-mails "
        "are handed to `trellis mail NAME`. Of an `api`, what all its paths begin with."
    )
    user = Plain("Of a mailbox: the name it is opened with.")
    secret = Plain("The environment variable with the password or token; of a `database` the one "
                   "with its URL, `postgresql://…`.")  # fmt: skip
    secret_as = SecretAs("Of an `api`, how the secret is shown: `bearer` (without it), `signature` "
                         "as of a `call`, `basic NAME`, or `header NAME`.")  # fmt: skip
    find = Texts(
        "Of a mailbox: entities in whose e-mail fields an address is looked for; the first that "
        "has it counts. Without it: those of rules on `email`."
    )
    sync = Items(Part(SyncSchema(), "An exchange."), "Of an `api` or `database`: what goes out "
                 "and comes in.", noun="the exchange")  # fmt: skip

    def check(self, values: dict[str, Any], data: dict[str, Any]) -> None:
        """Refuse what the kind does not have, and a password in place of its name."""
        kind = values.get("kind", "mailbox")
        for key in data:
            if key in _ONLY and kind not in _ONLY[key]:
                hint = f"It goes with `kind: {_ONLY[key][0]}`."
                message = f"`{key}` does not go with `kind: {kind}`."
                complaint = Complaint(message, Code.conflicting_keys, hint, on_key=True)
                raise ma.ValidationError({key: [complaint]})
        for key in _NEEDS[kind] if kind != "mailbox" or "url" in values else ():
            if key not in values:
                hint = f"Add it: {self.fields[key].help}"  # type: ignore[attr-defined]
                what = "`url`" if kind == "mailbox" else f"`kind: {kind}`"
                complaint = Complaint(f"{what} needs `{key}`.", Code.missing_key, hint)
                raise ma.ValidationError({key: [complaint]})
        if "url" in values:
            reader = MailAddress("") if kind == "mailbox" else WebAddress("")
            try:
                values["url"] = reader.read(values["url"], "url")
            except ma.ValidationError as error:
                raise ma.ValidationError({"url": error.messages}) from None
        _check_sources(values.get("sync", ()), kind)
        secret = values.get("secret")
        if secret is not None and not _VARIABLE.fullmatch(secret):
            message = "`secret` must be the name of an environment variable, not the secret itself."
            hint = "For example `MAIL_PASSWORD`."
            raise ma.ValidationError({"secret": [Complaint(message, Code.bad_value, hint)]})


def _check_sources(syncs: Any, kind: str) -> None:
    """Refuse exchanges that this kind of system does not have."""
    for index, one in enumerate(syncs):
        if kind == "database" and "out" in one:
            message = "Nothing is written into a database of others; `out` goes with `kind: api`."
            complaint = Complaint(message, Code.conflicting_keys, "Remove it.", on_key=True)
            raise ma.ValidationError({"sync": {index: {"out": [complaint]}}})
        if "in" not in one:
            continue
        keys = ("rows", "next") if kind == "database" else ()
        for key in keys:
            if key in one:
                complaint = Complaint(f"`{key}` goes with `kind: api`.", Code.conflicting_keys,
                                      "Remove it.", on_key=True)  # fmt: skip
                raise ma.ValidationError({"sync": {index: {key: [complaint]}}})
        try:
            if kind == "database" and not _SELECT.match(one["from"]):
                message = "`from` of a database must be one `SELECT`."
                raise ma.ValidationError(
                    {"from": [Complaint(message, Code.bad_value, "SELECT code, name FROM items")]}
                )
            if kind == "api":
                read_source(one["from"])
        except ma.ValidationError as error:
            raise ma.ValidationError({"sync": {index: error.messages}}) from None


add_keys(
    IntegrationSchema,
    {
        "integration": Plain("Its name.", required=True),
        "as": Plain("`user NAME`: who causes what e-mails set off, or brings the rows, with their "
                    "rights. Without it, the system."),
    },
)  # fmt: skip


def bind_integrations(
    shop: Workshop,
    written_: list[tuple[Document, dict[str, Any]]],
    automation: Automation,
) -> tuple[Mapping[str, Mailbox], Mapping[str, Connection]]:
    """Return the mailboxes and the other systems by name; problems are noted in the workshop."""
    listening = tuple(
        dict.fromkeys(
            entity
            for rule in automation.rules.values()
            for entity in rule.entities
            if not rule.off and "email" in rule.of(entity)[0].events
        )
    )
    boxes: dict[str, Mailbox] = {}
    systems: dict[str, Connection] = {}
    for document, values in written_:
        name = values["integration"]
        if not is_name(shop, document, "integration", name):
            continue
        if values.get("kind", "mailbox") != "mailbox":
            systems[name] = bind_connection(
                shop, document, values, login_of(shop, document, values)
            )
        elif (box := _bind_mailbox(shop, document, values, listening)) is not None:
            boxes[name] = box
    return MappingProxyType(boxes), MappingProxyType(systems)


def login_of(shop: Workshop, document: Document, values: Mapping[str, Any]) -> str:
    """Return the sign-in name of `as: user NAME`; empty: the system."""
    word, _, login = values.get("as", "").partition(" ")
    if "as" in values and (word != "user" or not login.strip()):
        message = f"`as` is `{values['as']}`; it must be `user NAME`."
        shop.problem(Code.bad_value, document, ("as",), message)
    return str(login.strip())


def _bind_mailbox(
    shop: Workshop, document: Document, values: Mapping[str, Any], listening: tuple[str, ...]
) -> Mailbox | None:
    name, login = values["integration"], login_of(shop, document, values)
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
        as_=login,
        find=addressed,
        place=document.place(),
    )


def _has_address(shop: Workshop, entity: str) -> bool:
    return any(
        one.type.name in ADDRESSES and not one.removed
        for one in shop.drafts[entity].fields.values()
    )
