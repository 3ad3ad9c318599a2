"""One request to a screen: who asks, under which catalog, in which language, in which frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Response, request, session
from flask_wtf.csrf import generate_csrf

from app.access.policy import Policy
from app.access.principal import Principal
from app.clock import Clock
from app.definitions.catalog import Catalog, Entity
from app.errors import NotAuthenticated, NotFound
from app.notifications.hearing import Hearing
from app.notifications.presence import Presence
from app.screens.cells import Look
from app.screens.frame import Frames, Page, Toast, bare_page
from app.screens.packing import html_answer
from app.screens.rendering import Renderer
from app.screens.wording import SOURCE, Wording
from app.texts import Label, say

#: What somebody prefers on this device; everything else is kept with the person.
PREFERENCES = ("theme", "density", "keys")
_TOAST = "trellis.toast"
_MOST_TOKENS = 5_000


class Core(Protocol):
    """The part of ``app.services.Services`` this room uses."""

    @property
    def settings(self) -> Any: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def pools(self) -> Any: ...
    @property
    def live(self) -> Any: ...
    @property
    def organisation(self) -> Any: ...
    @property
    def records(self) -> Any: ...
    @property
    def files(self) -> Any: ...
    @property
    def sessions(self) -> Any: ...
    @property
    def second_factors(self) -> Any: ...
    @property
    def tickets(self) -> Any: ...
    @property
    def backups(self) -> Any: ...
    @property
    def throttle(self) -> Any: ...
    @property
    def identity(self) -> Any: ...
    @property
    def plugins(self) -> Any: ...
    @property
    def numbers(self) -> Any: ...
    @property
    def approvals(self) -> Any: ...
    @property
    def imports(self) -> Any: ...
    @property
    def exports(self) -> Any: ...
    @property
    def export_runs(self) -> Any: ...
    @property
    def teller(self) -> Any: ...
    @property
    def changes(self) -> Any: ...
    @property
    def duplicates(self) -> Any: ...
    @property
    def exchange(self) -> Any: ...
    @property
    def personal(self) -> Any: ...
    @property
    def keeping(self) -> Any: ...


@dataclass(slots=True)
class Screens:
    """What lives as long as the process and is the screens' own."""

    core: Core
    renderer: Renderer
    frames: Frames
    configuration: Any
    lists: Any
    previews: Any
    #: the logo of app.yaml
    logos: Any
    #: what this process knows of unread messages
    hearing: Hearing
    #: and of who looks at which record
    presence: Presence
    #: signed tokens by what they sign
    csrf_tokens: dict[str, str] = field(default_factory=dict)


class Visit:
    """One request, with everything worked out at most once."""

    def __init__(self, screens: Screens) -> None:
        self.screens = screens
        self.core = screens.core
        self.records = screens.core.records
        self.writer = screens.core.records.writer
        self.previews = screens.previews
        self.catalog: Catalog = screens.core.live.release.catalog

    @cached_property
    def principal(self) -> Principal:
        """Return who is signed in.

        Raises:
            NotAuthenticated: nobody, or somebody whose account was closed.
        """
        signed_in: Principal = self.core.identity.signed_in(request)
        return signed_in

    @cached_property
    def policy(self) -> Policy:
        policy: Policy = self.records.policy(self.principal)
        return policy

    @cached_property
    def language(self) -> str:
        """Return the language of the page: chosen in this session, else the person's own."""
        languages = self.catalog.app.languages
        chosen = str(session.get("locale") or request.args.get("language") or "")
        if chosen in languages:
            return chosen
        try:
            own = self.principal.language
        except NotAuthenticated:
            own = request.accept_languages.best_match(languages) or languages[0]
        return own if own in languages else languages[0] if languages else SOURCE

    @cached_property
    def wording(self) -> Wording:
        return self.screens.renderer.wording(self.language)

    @cached_property
    def look(self) -> Look:
        name = self.principal.time_zone or self.catalog.app.time_zone
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            name, zone = "UTC", ZoneInfo("UTC")
        currency = next(iter(self.catalog.app.currencies), None)
        return Look(self.wording, zone, name, self.core.clock.now(), currency)

    @cached_property
    def csrf(self) -> str:
        known, raw = self.screens.csrf_tokens, str(session.get("csrf_token") or "")
        token = known.get(raw)
        if token is None:
            token = str(generate_csrf())
            if len(known) >= _MOST_TOKENS:
                known.clear()
            # Signed for this session's own secret; it is good as long as that is.
            known[session["csrf_token"]] = token
        return token

    @property
    def preferences(self) -> dict[str, str]:
        return {name: request.cookies.get(name, "") for name in PREFERENCES}

    def entity(self, name: str) -> Entity:
        """Return an entity the person may see anything of.

        Raises:
            NotFound: there is none, or it is not theirs to know.
        """
        entity = self.catalog.entities.get(name)
        if entity is None or entity.lines_of is not None or not self.policy.may("read", name):
            raise NotFound(
                say(
                    "There is no page here, or you may not see it.",
                    "没有这个页面，或者您无权查看。",
                )
            )
        return entity

    def words(self, text: Label | str) -> str:
        """Return a text in the language of the page."""
        return text if isinstance(text, str) else text.in_language(self.language)

    def page(self, title: str, active: str = "") -> Page:
        """Return the frame of a page."""
        kept = session.pop(_TOAST, None)
        page = self.screens.frames.page(
            title=title,
            catalog=self.catalog,
            policy=self.policy,
            principal=self.principal,
            wording=self.wording,
            preferences=self.preferences,
            active=active,
            path=request.full_path.rstrip("?"),
            csrf=self.csrf,
            toast=Toast(**kept) if kept else None,
            outstanding=self.screens.configuration.outstanding() if self.policy.is_admin else None,
        )
        page.logo = self._logo
        return page

    @property
    def _logo(self) -> str:
        found = self.screens.logos.find(self.catalog.app.look.get("logo"))
        return found.href if found is not None else ""

    def bare_page(self, title: str) -> Page:
        """Return a page without a menu."""
        page = bare_page(
            title=title,
            catalog=self.catalog,
            wording=self.wording,
            preferences=self.preferences,
            path=request.path,
            csrf=self.csrf,
        )
        page.logo = self._logo
        return page

    def render(self, template: str, **context: Any) -> Response:
        """Return a page as an answer; nothing that shows records is kept by anybody."""
        return html_answer(self.screens.renderer.render(template, self.language, **context))


def leave_toast(text: str, **more: Any) -> None:
    """Keep a message for the next page."""
    session[_TOAST] = {"text": text, **more}


Handler = Callable[..., Any]
