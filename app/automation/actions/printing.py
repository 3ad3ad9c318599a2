"""`print`: a print template filled in, as a file on the record."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, ClassVar

from app.automation.actions.base import Action, Outcome, skipped
from app.definitions.automation import Template, Words
from app.notifications.html import html_of_text
from app.notifications.reading import view_of
from app.notifications.telling import Notice, Teller
from app.notifications.wording import words_of
from app.records.files import keep_made
from app.texts import say

if TYPE_CHECKING:
    from app.automation.running import Running

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<style>@page {{ size: {paper} }} body {{ font-family: sans-serif }}</style></head>
<body>
{body}
</body></html>
"""


class PrintAction(Action):
    """Makes a page of HTML, ready to be printed, and attaches it."""

    name: ClassVar[str] = "print"

    def __init__(self, teller: Teller) -> None:
        """Take who fills templates in."""
        self._teller = teller

    def run(self, running: Running, settings: Words) -> Outcome:
        """Fill the template in, in the first language of the company, and attach it."""
        work, entity, record_id = running.work, running.entity, running.firing.record_id
        template = work.release.catalog.automation.templates.get(str(settings.value))
        if template is None:
            return skipped("The template is gone.", "模板已不存在。")
        if entity is None or record_id is None:
            return skipped("There is no record to attach it to.", "没有可附加的记录。")
        html = self._html(running, template)
        name = f"{template.name}-{work.today.isoformat()}.html"
        made = keep_made(work.connection, work.writer.files, html.encode(), name, "text/html")
        work.writer.attach_in(work, entity.name, record_id, [made.id])
        return Outcome("done", say("Attached: {name}.", "已附加：{name}。", name=made.name))

    def _html(self, running: Running, template: Template) -> str:
        assert running.entity is not None
        notice = Notice(
            kind="record",
            key="",
            to=(),
            template=template,
            input=running.context.said.input,
            old_row=running.old_row,
            made=running.firing.made,
            causer=running.firing.user_id,
            entity=running.entity.name,
            record_id=running.firing.record_id,
        )
        view = view_of(self._teller.readers, running.work, None, self._teller.address)
        words = words_of(self._teller.renderer, view, notice, None)
        if words is None:
            return ""
        body = words.html if words.html is not None else html_of_text(words.text)
        if body.lstrip().lower().startswith("<!doctype"):
            return body
        return _PAGE.format(
            language=words.language,
            title=escape(words.subject),
            paper=template.paper,
            body=body,
        )
