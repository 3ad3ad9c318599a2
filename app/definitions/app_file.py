"""app.yaml: the company, its calendar, its shared numbers and the menu."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import available_timezones

from app.definitions.catalog import App, Module
from app.definitions.complaints import complain
from app.definitions.document import Document, problem_at
from app.definitions.names import label_from_name
from app.definitions.problems import Code, Problem, did_you_mean, nearest
from app.definitions.shape import Definition, Items, Labels, Part, Table, Value
from app.definitions.words import Days, Duration, Holidays, Hours, Texts, Weekdays
from app.fields.settings import Names, Plain, Switch, Word, refuse, written

LOOK_COLORS = ("teal", "blue", "indigo", "purple", "green", "orange", "red", "gray")
_PICTURE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,98}\.(svg|png)")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z][A-Za-z]{1,3})?\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


class TimeZone(Value):
    """The name of a time zone."""

    takes = "a time zone such as `Asia/Shanghai`"

    def read(self, value: Any, key: str) -> str:
        zones = available_timezones()
        if not isinstance(value, str):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        if value not in zones:
            close = nearest(str(value), zones)
            raise complain(
                Code.unknown_word,
                f"{written(value)} is not a time zone.",
                did_you_mean(close) or "Write one such as `Asia/Shanghai` or `Europe/Berlin`.",
                close,
            )
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a text."""
        return {"type": "string"}


class PictureFile(Value):
    """The name of a picture that lies in the configuration folder."""

    takes = "a file of the configuration folder that ends in `.svg` or `.png`"

    def read(self, value: Any, key: str) -> str:
        """Return the name.

        Raises:
            Refusal: it is no name of a picture, or leads out of the folder.
        """
        if not isinstance(value, str) or not _PICTURE.fullmatch(value):
            raise refuse(f"`{key}` is {written(value)}; it must be {self.takes}.", Code.wrong_shape)
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return that it is such a text."""
        return {"type": "string", "pattern": f"^{_PICTURE.pattern}$"}


class Codes(Value):
    """A list of codes of one form."""

    def __init__(self, help: str, pattern: re.Pattern[str], takes: str) -> None:  # noqa: A002
        self.pattern = pattern
        self.takes = takes
        super().__init__(help)

    def read(self, value: Any, key: str) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        if not listed:
            raise refuse(f"`{key}` is empty; it must be {self.takes}.", Code.empty_value)
        for code in listed:
            if not isinstance(code, str) or not self.pattern.match(code) or listed.count(code) > 1:
                raise refuse(
                    f"`{key}` holds {written(code)}; it must be {self.takes}, each one once.",
                    Code.unknown_word,
                )
        return tuple(listed)

    def json_schema(self) -> dict[str, Any]:
        """Return that it is a list of texts."""
        return {"type": "array", "items": {"type": "string"}}


class Values(Table):
    """Shared values by name: a number, a switch or a text."""

    def __init__(self) -> None:
        super().__init__(
            Plain("A value."),
            "Shared numbers and texts, `app.NAME` in expressions.",
            noun="a value",
        )

    def read_one(self, name: str, inner: Any) -> Any:
        """Return a number where it looks like one; quotes are told apart when it is compiled."""
        if not isinstance(inner, str):
            raise refuse(
                f"The value `{name}` is {written(inner)}; it must be a number or a text.",
                Code.wrong_shape,
            )
        return inner

    def json_schema(self) -> dict[str, Any]:
        """Return numbers, switches and texts by name."""
        return {"type": "object", "additionalProperties": {"type": ["number", "boolean", "string"]}}


class CalendarSchema(Definition):
    """The business calendar."""

    noun = "`calendar`"
    example = """
days: mon-fri
hours: [09:00-12:00, 13:00-18:00]
holidays: cn
quiet: 21:00-08:00
"""

    days = Weekdays("The working days of the week.")
    hours = Hours("The working hours of a day.")
    holidays = Holidays(
        "The country whose public holidays are off, with the days worked to make up for them: "
        "`cn`. Other days off as a list of days, or both in one list."
    )
    worked = Days("Days that are worked although the week or `holidays` says otherwise.")
    quiet = Hours("When messages wait for the morning.", overnight=True)


class ModuleSchema(Definition):
    """A group of the menu."""

    noun = "a module"
    example = """
label: {en: Sales, zh: 销售}
has: [lead, customer, contact]
"""

    label = Labels("Its heading.")
    has = Items(
        Plain("An entity or `dashboard NAME`."), "Its entries, in order.", alone=True, required=True
    )
    off = Switch("It is not shown.")


class LookSchema(Definition):
    """Colour and logo."""

    noun = "`look`"
    example = """
color: teal
logo: logo.svg
theme: auto
"""

    color = Word("The brand colour.", among=LOOK_COLORS)
    logo = PictureFile("The file of the logo, in the configuration folder: SVG or PNG, square.")
    theme = Word("`light`, `dark`, or `auto` as the device says.", among=("auto", "light", "dark"))


class ChangesSchema(Definition):
    """What an apply needs."""

    noun = "`changes`"
    example = """
confirm: [role owner]
needs: [why, cost_impact]
"""

    confirm = Texts(
        "Who must agree before an apply: `role NAME`, `user NAME` or `department NAME`, each one."
    )
    needs = Names("What must be said with it, by name; `why` is its reason.")


class KeepSchema(Definition):
    """How long things are kept."""

    noun = "`keep`"
    example = """
bin: 90 days
backups: 90 days
"""

    bin = Duration("Deleted records, from when they were deleted; without it until removed.")
    backups = Duration("Backups; 90 days at least.")
    history = Duration("The history of records, and so what can be undone; without it forever.")
    runs = Duration("The ledger of rules, of what has ended; without it forever.")
    inbox = Duration("Messages in inboxes; without it those that were read, for a year.")
    sign_ins = Duration("Who signed in, and who tried to; without it forever.")
    imports = Duration("Rows that imports left out, and why; without it forever.")
    reads = Duration("Who read personal data; without it forever.")


class AppSchema(Definition):
    """app.yaml."""

    noun = "app.yaml"
    example = """
name: Acme CRM
languages: [en, zh]
time_zone: Asia/Shanghai
currencies: [CNY, USD]
calendar: {days: mon-fri, hours: [09:00-12:00, 13:00-18:00]}
values: {silent_days: 14}
modules:
  sales: {has: [customer, contact]}
look: {color: teal}
keep: {bin: 90 days}
"""

    name = Plain("The product's name, shown in the frame.")
    languages = Codes(
        "The languages of the screens, the fallback first.",
        _LANGUAGE,
        "codes such as `en` and `zh`",
    )
    time_zone = TimeZone("The company's time zone.")
    currencies = Codes(
        "Currencies in use, the base currency first.", _CURRENCY, "codes such as `CNY` and `EUR`"
    )
    calendar = Part(CalendarSchema(), "Working days and hours.")
    values = Values()
    modules = Table(Part(ModuleSchema(), "A module."), "The menu, in this order.", noun="a module")
    look = Part(LookSchema(), "Colour, logo and theme.")
    changes = Part(ChangesSchema(), "What must happen before an apply.")
    keep = Part(KeepSchema(), "How long things are kept.")
    packs = Names("Packs of packs/ that are in use.")


def compile_app(document: Document | None, values: dict[str, Any]) -> App:
    """Return the app of checked values; what was not written has its default."""
    modules = tuple(
        Module(
            name,
            module.get("label") or label_from_name(name),
            tuple(module["has"]),
            module.get("off", False),
        )
        for name, module in values.get("modules", {}).items()
    )
    shared = {
        name: shared_value(text, quoted=_is_quoted(document, ("values", name)))
        for name, text in values.get("values", {}).items()
    }
    given = {
        key: values[key]
        for key in (
            "name",
            "languages",
            "time_zone",
            "currencies",
            "calendar",
            "look",
            "changes",
            "keep",
        )
        if key in values
    }
    return App(modules=modules, values=shared, **given)


def shared_value(text: str, *, quoted: bool) -> Any:
    """Return the value a scalar stands for where no key says what it wants."""
    if quoted:
        return text
    if text in ("yes", "true"):
        return True
    if text in ("no", "false"):
        return False
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"-?\d{1,18}\.\d{1,12}", text, re.ASCII):
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    return text


def _is_quoted(document: Document | None, path: tuple[Any, ...]) -> bool:
    spot = document.spot.find(path) if document else None
    return spot.quoted if spot else False


def check_modules(
    document: Document | None, app: App, entities: Any, dashboards: Any
) -> list[Problem]:
    """Return the menu entries that lead nowhere."""
    problems = []
    for module in app.modules:
        for index, entry in enumerate(module.has):
            kind, _, name = entry.rpartition(" ")
            known = dashboards if kind == "dashboard" else entities
            what = "a dashboard" if kind == "dashboard" else "an entity"
            if document is None or (kind in ("", "dashboard") and name in known):
                continue
            close = nearest(name, known)
            where = document.spot.at_value(("modules", module.name, "has", index))
            problems.append(
                problem_at(
                    Code.unknown_entity,
                    where,
                    f"The module `{module.name}` has `{entry}`, which is not {what}.",
                    did_you_mean(close, known),
                    close,
                )
            )
    return problems
