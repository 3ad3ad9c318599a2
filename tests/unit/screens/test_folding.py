"""Fixed words are worked out when a template is compiled."""

from __future__ import annotations

from jinja2 import DictLoader
from markupsafe import Markup

from app.screens.folding import FoldingEnvironment

TEMPLATE = """
{%- macro close() %}{{ _("Close <it>") }}{% endmacro -%}
<p title="{{ _('Save') }}">{{ icon("plus", "s") }}{{ _("Save") }}</p>
{{- close() }}{{ _(word) }}{{ _("%(n)s rows", n=3) }}{{ _("Save") | length }}"""


def test_fixed_words_are_asked_for_once_and_the_rest_when_a_page_is_made() -> None:
    asked: list[str] = []

    def say(sentence: str, **values: object) -> str:
        asked.append(sentence)
        return f"«{sentence % values if values else sentence}»"

    def icon(name: str, size: str = "") -> Markup:
        asked.append(name)
        return Markup("<svg {} {}/>").format(name, size)

    environment = FoldingEnvironment(loader=DictLoader({"page": TEMPLATE}), autoescape=True)
    environment.settled = {"_": say, "icon": icon}
    environment.globals.update(_=say, icon=icon)
    page = environment.get_template("page")
    fixed = list(asked)
    assert sorted(fixed) == ["Close <it>", "Save", "Save", "Save", "plus"]

    for word in ("<b>", "c"):
        escaped = word.replace("<", "&lt;").replace(">", "&gt;")
        assert page.render(word=word) == (
            f'<p title="«Save»"><svg plus s/>«Save»</p>«Close &lt;it&gt;»«{escaped}»«3 rows»6'
        )
    assert asked == [*fixed, "<b>", "%(n)s rows", "c", "%(n)s rows"]
