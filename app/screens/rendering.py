"""Templates and what every template may use. Knows no request and no record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from app.screens.assets import Assets, read_assets
from app.screens.folding import FoldingEnvironment
from app.screens.wording import SOURCE, Wording, read_wordings

TEMPLATES = Path(__file__).parent / "templates"
#: What the pages of every day are made of.
_DAILY = (
    "frame.html", "parts.html", "palette.html", "controls.html", "list.html", "list_table.html",
    "list_tabs.html", "looks.html", "list_more.html", "record.html", "form.html",
    "form_body.html", "related.html", "happenings.html", "timeline.html", "talk.html",
    "approval.html", "quick.html", "approval_dialogs.html", "button_dialogs.html",
    "move_dialog.html", "in_place.html", "peek.html", "bench.html", "bench_part.html",
    "board.html", "calendar.html", "calendar_part.html", "dashboard.html", "dashboard_part.html",
    "figures.html", "palette_options.html", "find.html", "picker_options.html", "filter.html",
    "inbox.html",
)  # fmt: skip


class Renderer:
    """Compiled templates, one environment for each language.

    The words are globals of the environment, so parts imported without context have them too, and
    Jinja may keep those parts compiled.
    """

    def __init__(self, assets: Assets, wordings: Mapping[str, Wording]) -> None:
        self.assets = assets
        self.wordings = dict(wordings)
        self._icons: dict[tuple[str, str], Markup] = {}
        self._environments = {
            language: self._environment(wording) for language, wording in wordings.items()
        }

    def wording(self, language: str) -> Wording:
        """Return the words of a language, English for one the screens are not written in."""
        return self.wordings.get(language) or Wording(language)

    def render(self, template: str, language: str, **context: Any) -> str:
        """Return the page or part."""
        return self._template(template, language).render(context)

    def icon(self, name: str, size: str = "") -> Markup:
        """Return an icon of the sprite; made once, since a page has dozens."""
        found = self._icons.get((name, size))
        if found is None:
            found = self._icons[name, size] = Markup(
                '<svg class="ico{}" aria-hidden="true"><use href="{}#{}"/></svg>'
            ).format(f" {size}" if size else "", self.assets.address("vendor/icons.svg"), name)
        return found

    def compile_daily(self) -> None:
        """Compile what nearly every page needs, instead of with the first of them."""
        for environment in self._environments.values():
            for name in _DAILY:
                environment.get_template(name)

    def macro(self, template: str, name: str, language: str) -> Any:
        """Return a macro of a template that needs no context."""
        return getattr(self._template(template, language).module, name)

    def _template(self, template: str, language: str) -> Template:
        environment = self._environments.get(language) or self._environments[SOURCE]
        return environment.get_template(template)

    def _environment(self, wording: Wording) -> FoldingEnvironment:
        environment = FoldingEnvironment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )

        def control(item: Any) -> Markup:
            # The control's name comes from the field type, which may be a plugin's.
            module = environment.get_template("controls.html").module
            html: Markup = getattr(module, f"control_{item.control}")(item)
            return html

        environment.settled = {
            "_": wording.say,
            "asset": self.assets.address,
            "icon": self.icon,
        }
        environment.globals.update(environment.settled, _n=wording.count, control=control)
        return environment


@cache
def own_renderer() -> Renderer:
    """Return the renderer of this process, made of files that come with the program."""
    return Renderer(read_assets(), read_wordings())
