"""Templates reach values and nothing behind them, and cost no more than they may."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.notifications import sandbox
from app.notifications.html import html_of_text, text_of_html
from app.notifications.rendering import Renderer, TemplateFailed
from app.notifications.shown import Shown

RECORD = {
    "name": Shown("A<b>", "A<b>"),
    "rate": Shown(Decimal("1.50"), "1.50 %"),
    "level": Shown("a", "Key"),
    "tags": Shown(["x", "y"], "X, Y"),
    "lines": [{"sum": Shown(Decimal(2), "¥2")}, {"sum": Shown(Decimal(3), "¥3")}],
}


def render(text: str, *, is_html: bool = False) -> str:
    return Renderer().render_text(text, {"record": RECORD}, "en", is_html=is_html)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{ record.name }}: {{ record.level }}", "A<b>: Key"),
        ("{{ 'key' if record.level == 'a' else 'no' }}", "key"),
        ("{{ record.rate * 2 }} {{ record.rate > 1.2 }} {{ 7 / 2 }}", "3.00 Yes 3.5"),
        ("{% for one in record.lines %}{{ loop.index }}={{ one.sum }} {% endfor %}", "1=¥2 2=¥3 "),
        ("{{ record.lines|sum(attribute='sum') }}", "5"),
        ("{{ 'x' in record.tags }}{{ record.tags }}", "YesX, Y"),
        ("{{ record.name|replace('A', 'B')|lower }}", "b<b>"),
        ("{{ record.none }}{{ record.none.more }}{{ none + 3 }}{{ none|default('-') }}", "-"),
        ("{{ record.none == '' }} {{ record.none != 1 }}", "No Yes"),
        ("{{ 1 / 0 }}{{ 'x' * 3 }}{{ record.name ~ '!' }}", "A<b>!"),
        ("{{ record['name'] }}{{ record.lines[1].sum }}{{ record.lines[9].sum }}", "A<b>¥3"),
    ],
)
def test_what_a_template_gives(text, wanted):
    assert render(text) == wanted


def test_html_is_escaped_also_where_texts_are_joined():
    text = "<b>{{ record.name }}</b>{{ record.name ~ '<i>' }}"
    assert render(text, is_html=True) == "<b>A&lt;b&gt;</b>A&lt;b&gt;&lt;i&gt;"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ record.__class__.__mro__ }}",
        "{{ record.name.text }}{{ record.name.value }}{{ record.name._reach }}",
        "{{ record['__class__'] }}{{ record.lines.__len__ }}",
        "{% for one in record.lines %}{{ loop.__init__ }}{{ loop.cycle }}{% endfor %}",
        "{{ namespace }}{{ range }}{{ lipsum }}{{ joiner }}{{ cycler }}{{ dict }}",
    ],
)
def test_x5_nothing_of_python_is_reached(text):
    assert render(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ record.name.upper() }}", "a template cannot use `call`"),
        ("{{ 2 ** 9 }}", "a template cannot use `pow`"),
        ("{% macro a() %}{% endmacro %}", "a template cannot use `macro`"),
        ("{% include 'x' %}", "a template cannot use `include`"),
        ("{% import 'x' as x %}", "a template cannot use `import`"),
        ("{{ record|attr('x') }}", "there is no filter `attr`"),
        ("{{ 'a'|format }}", "there is no filter `format`"),
        ("{{ record.lines|map(attribute='x') }}", "there is no filter `map`"),
        ("{{ self }}", "there is no value `self`"),
        ("{{ _budget_ }}", "there is no value `_budget_`"),
        ("{% for a in record.lines recursive %}{% endfor %}", "a loop cannot be recursive"),
        ("{{ record.name is callable }}", "there is no test `callable`"),
        ("a\n{{ record.name", "unexpected end of template, expected 'end of print statement'"),
    ],
)
def test_what_a_template_cannot_use_is_said(text, why):
    with pytest.raises(TemplateFailed) as caught:
        render(text)
    assert (
        str(caught.value)
        == f"Line {text.count(chr(10)) + 1} of the template cannot be read: {why}."
    )


def test_x5_a_template_costs_no_more_than_it_may(monkeypatch):
    loop = "{% for a in record.lines %}"
    with pytest.raises(TemplateFailed, match="more than 10000 times"):
        render(loop * 14 + "{% endfor %}" * 14)
    doubled = "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 20
    with pytest.raises(TemplateFailed, match="more than 200000 signs"):
        render(doubled)
    with pytest.raises(TemplateFailed, match="more than 200000 signs"):
        render("{% set a = 'xxxxxxxxxx' %}" + "{% set a = a|replace('x', a) %}" * 20)
    with pytest.raises(TemplateFailed, match="more than 200000 signs"):
        render("{% set a = 'xxxxxxxxxx' %}" + "{% set a = [a, a]|join(a) %}" * 20)
    with pytest.raises(TemplateFailed, match="nested too deeply"):
        render("{{ " + "(" * 500 + "1" + ")" * 500 + " }}")
    monkeypatch.setattr(sandbox, "MOST_SECONDS", -1.0)
    with pytest.raises(TemplateFailed, match="takes longer"):
        render(loop * 7 + "{% endfor %}" * 7)


def test_what_a_template_names_is_known_before():
    text = (
        "{{ record.name }}{% for l in record.lines %}{{ l.product.name }}{% endfor %}"
        "{% set c = record.customer %}{{ (c.owner or record.by).name }}"
        "{{ record.lines|sum(attribute='amount') }}{{ record['x'] }}"
    )
    assert Renderer().compile(text).needs["record"] == {
        "name": {},
        "lines": {"product": {"name": {}}, "amount": {}},
        "customer": {"owner": {"name": {}}},
        "by": {"name": {}},
        "x": {},
    }


def test_html_becomes_text_and_text_becomes_html():
    html = "<style>a{}</style><p>Hello <b>x</b></p><p>a &amp; b<br>c</p>"
    assert text_of_html(html) == "Hello x\na & b\nc"
    assert html_of_text("<x> https://a.example/?b=1&c=2\n!") == (
        '&lt;x&gt; <a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a><br>\n!'
    )
