"""What every page has around it: title, menu, account, language, look, one message.

Built once per request. The menu is the same for everybody with the same roles and language, so it
is kept, and thrown away with the catalog it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.access.policy import Policy
from app.access.principal import Principal
from app.definitions.catalog import Catalog
from app.records.comparing import compared_entities
from app.records.figures import dashboards_for
from app.records.personal_fields import answers_for_persons
from app.screens.configuration import Outstanding
from app.screens.marks import Mark, mark_of
from app.screens.navigation import (
    NavItem,
    begins_at,
    build_menu,
    icon_names,
    icon_of,
    plural,
    readable_entities,
)
from app.screens.rendering import Renderer
from app.screens.wording import Wording

LANGUAGE_NAMES = {"en": "English", "zh": "中文"}
HTML_LANGUAGES = {"zh": "zh-CN"}
#: Colours an organisation may name in `look.color`; each has 4.5:1 against white.
BRANDS = ("teal", "green", "blue", "indigo", "purple", "pink", "red", "brown", "gray")
THEMES = ("auto", "light", "dark")
DENSITIES = ("compact", "regular", "relaxed")


@dataclass(frozen=True, slots=True)
class Toast:
    """One message at the foot of the page, with a way to take back what was done."""

    text: str
    undo: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One language or theme to switch to."""

    name: str
    label: str
    on: bool
    tag: str = ""
    icon: str = ""
    href: str = ""


@dataclass(slots=True)
class Page:
    """The frame of one page, as the templates use it."""

    title: str
    language: str
    app_name: str
    #: the address of the logo of app.yaml
    logo: str = ""
    brand: str = "teal"
    theme: str = "auto"
    density: str = ""
    csrf: str = ""
    path: str = "/"
    time_zone: str = "UTC"
    keys: bool = True
    find: str = ""
    me: Mark | None = None
    nav: Markup = field(default_factory=Markup)
    #: the ways to the work bench and to the inbox, above the menu
    home: NavItem | None = None
    #: the way to the work bench, where home is another page
    bench: NavItem | None = None
    inbox: NavItem | None = None
    nav_end: Sequence[NavItem] = ()
    foot: Sequence[NavItem] = ()
    languages: Sequence[Choice] = ()
    themes: Sequence[Choice] = ()
    keys_dialog: Markup = field(default_factory=Markup)
    toast: Toast | None = None
    #: the way to one's own calendar, above the menu
    calendar: NavItem | None = None

    @property
    def html_language(self) -> str:
        return HTML_LANGUAGES.get(self.language, self.language)


class Frames:
    """Builds frames, and keeps the menus of one catalog."""

    #: menus kept at a time: role sets × languages × entities in use
    most = 4_000

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._menus: dict[tuple[Any, ...], Markup] = {}
        self._icons = icon_names(renderer)
        self._dialogs: dict[str, Markup] = {}

    def menu(self, catalog: Catalog, policy: Policy, language: str, active: str) -> Markup:
        """Return the menu with the entity *active* marked."""
        key = (catalog.fingerprint, policy.roles, policy.is_admin, language, active)
        menu = self._menus.get(key)
        if menu is None:
            if len(self._menus) >= self.most or (
                self._menus and next(iter(self._menus))[0] != catalog.fingerprint
            ):
                self._menus = {}
            menu = self._menus[key] = build_menu(catalog, policy, language, active, self._renderer)
        return menu

    def foot(
        self, catalog: Catalog, policy: Policy, wording: Wording, active: str
    ) -> tuple[NavItem, ...]:
        """Return the foot bar of small screens: home, a list, the main act, search, the rest."""
        language = wording.language
        entities = readable_entities(catalog, policy)[:2]
        home = NavItem(wording.say("Home"), "/", "home", on=active == "home")
        lists = [
            NavItem(
                plural(entity, language),
                f"/crm/{entity.name}/",
                icon_of(entity, self._icons),
                on=entity.name == active,
            )
            for entity in entities[:1]
        ]
        acts = [name for name in ("follow_up", active) if name in catalog.entities]
        acts += [entity.name for entity in entities]
        new = next((name for name in acts if policy.may("create", name)), None)
        middle = []
        if new is not None:
            thing = catalog.entities[new].label.in_language(language)
            label = wording.say("New %(thing)s", thing=thing)
            middle = [NavItem(label, f"/crm/{new}/new", "plus", main=True)]
        return (
            home,
            *lists,
            *middle,
            NavItem(wording.say("Find"), "/find", "search", on=active == "find"),
            NavItem(wording.say("More"), "#more", "menu-2", opens="more"),
        )

    def _keys_dialog(self, wording: Wording) -> Markup:
        """Return the list of keys, the same on every page of a language."""
        found = self._dialogs.get(wording.language)
        if found is None:
            html = self._renderer.render("keys.html", wording.language, key_list=_keys(wording))
            found = self._dialogs[wording.language] = Markup(html)  # noqa: S704 - rendered.
        return found

    def page(
        self,
        *,
        title: str,
        catalog: Catalog,
        policy: Policy,
        principal: Principal,
        wording: Wording,
        preferences: Mapping[str, str],
        active: str = "",
        path: str = "/",
        csrf: str = "",
        toast: Toast | None = None,
        outstanding: Outstanding | None = None,
        department: str = "",
    ) -> Page:
        """Return the frame of one page for one person."""
        language = wording.language
        page = bare_page(
            title=title,
            catalog=catalog,
            wording=wording,
            preferences=preferences,
            path=path,
            csrf=csrf,
        )
        page.me = mark_of(principal.name or "?", department)
        page.time_zone = principal.time_zone
        page.nav = self.menu(catalog, policy, language, active)
        page.foot = self.foot(catalog, policy, wording, active)
        begins = begins_at(catalog, policy)
        at_home = path.partition("?")[0] == begins if begins else active == "home"
        page.home = NavItem(wording.say("Home"), "/", "home", on=at_home)
        if begins:
            page.bench = NavItem(wording.say("My day"), "/day", "checks", on=active == "home")
        page.inbox = NavItem(wording.say("Inbox"), "/inbox", "inbox", on=active == "inbox")
        page.nav_end = [
            *_dashboards(catalog, policy, wording, "" if at_home else active),
            *_approvals(catalog, wording, active),
            *_end(policy, wording, active, outstanding or Outstanding()),
        ]
        page.themes = [
            Choice(name, _theme_label(name, wording), name == page.theme, icon=icon)
            for name, icon in (
                ("light", "sun"),
                ("dark", "moon"),
                ("auto", "adjustments-horizontal"),
            )
        ]
        page.calendar = NavItem(
            wording.say("Calendar"), "/calendar", "calendar", on=active == "calendar"
        )
        page.keys = preferences.get("keys", "on") != "off"
        density = preferences.get("density", "")
        page.density = density if density in DENSITIES else ""
        page.keys_dialog = self._keys_dialog(wording)
        page.toast = toast
        return page


def bare_page(
    *,
    title: str,
    catalog: Catalog,
    wording: Wording,
    preferences: Mapping[str, str],
    path: str = "/",
    csrf: str = "",
) -> Page:
    """Return a page without a menu: for who is not signed in."""
    color = str(catalog.app.look.get("color", "teal"))
    theme = preferences.get("theme") or str(catalog.app.look.get("theme", "auto"))
    return Page(
        title=title,
        language=wording.language,
        app_name=catalog.app.name,
        brand=color if color in BRANDS else "teal",
        theme=theme if theme in THEMES else "auto",
        csrf=csrf,
        path=path,
        time_zone=catalog.app.time_zone,
        languages=[
            Choice(
                name,
                LANGUAGE_NAMES.get(name, name),
                name == wording.language,
                tag=HTML_LANGUAGES.get(name, name),
                href=f"/sign-in?language={name}",
            )
            for name in catalog.app.languages
        ],
    )


def _theme_label(name: str, wording: Wording) -> str:
    return {
        "light": wording.say("Light"),
        "dark": wording.say("Dark"),
        "auto": wording.say("As the device"),
    }[name]


def _dashboards(catalog: Catalog, policy: Policy, wording: Wording, active: str) -> list[NavItem]:
    """Return the way to the dashboards, where there is one for these roles."""
    if not dashboards_for(catalog, policy):
        return []
    on = active == "dashboards"
    item = NavItem(wording.say("Dashboards"), "/dashboards", "chart-bar", on=on, hotkey="g d")
    return [item]


def _approvals(catalog: Catalog, wording: Wording, active: str) -> list[NavItem]:
    """Return the way to what waits for one's approval, where anything is approved at all."""
    if all(one.off for one in catalog.automation.approvals.values()):
        return []
    # How many there are is asked by the page once it is there: it keeps nobody waiting.
    return [
        NavItem(
            wording.say("Approvals"),
            "/approvals",
            "checkup-list",
            on=active == "approvals",
            mark_href="/approvals/count",
        )
    ]


def _end(policy: Policy, wording: Wording, active: str, outstanding: Outstanding) -> list[NavItem]:
    problems, changes = outstanding.problems, outstanding.changes
    items = [NavItem(wording.say("Recycle bin"), "/bin", "trash", on=active == "bin")]
    items.append(NavItem(wording.say("Changes"), "/changes", "history", on=active == "changes"))
    if any(policy.may("merge", one.name) for one in compared_entities(policy.catalog)):
        twice = wording.say("Duplicates")
        items.append(NavItem(twice, "/duplicates", "git-compare", on=active == "duplicates"))
    if not policy.is_admin and answers_for_persons(policy):
        items.append(
            NavItem(wording.say("Personal data"), "/personal", "eye-off", on=active == "personal")
        )
    if policy.is_admin:
        items.append(NavItem(wording.say("People"), "/people", "users", on=active == "people"))
        items.append(NavItem(wording.say("System"), "/system", "server", on=active == "system"))
        items.append(
            NavItem(
                wording.say("Setup"),
                "/setup",
                "settings",
                on=active == "setup",
                count=problems or changes,
                count_label=wording.count("%(number)s problem", "%(number)s problems", problems)
                if problems
                else wording.count(
                    "%(number)s change waits to be applied",
                    "%(number)s changes wait to be applied",
                    changes,
                ),
            )
        )
    return items


def _keys(wording: Wording) -> list[tuple[tuple[str, ...], str]]:
    return [
        (("Ctrl K",), wording.say("find or do")),
        (("/",), wording.say("search this list")),
        (("N",), wording.say("new record")),
        (("L",), wording.say("log a follow-up")),
        (("D", "H"), wording.say("home: done, later")),
        (("G H",), wording.say("go home")),
        (("E",), wording.say("edit")),
        (("J", "K"), wording.say("down, up")),
        (("[", "]"), wording.say("previous, next record")),
        (("E", "H"), wording.say("inbox: done, later")),
        (("G I",), wording.say("go to the inbox")),
        (("G D",), wording.say("go to the dashboards")),
        (("Enter",), wording.say("open")),
        (("X", "Shift X"), wording.say("select, up to here")),
        (("Space",), wording.say("a closer look")),
        (("←", "→"), wording.say("choose a cell")),
        (("Space", "← →"), wording.say("cards, days: take up, move, drop")),
        (("T",), wording.say("hand over")),
        (("Ctrl Z",), wording.say("take back what was just done")),
        (("Ctrl S",), wording.say("save")),
        (("Alt N",), wording.say("new line")),
        (("Esc",), wording.say("back one layer")),
        (("?",), wording.say("these keys")),
    ]
