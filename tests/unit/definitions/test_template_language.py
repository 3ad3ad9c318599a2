"""What templates cannot use is said when the configuration is read."""

from jinja2 import Environment

from app.definitions.template_language import refusals


def told(text: str) -> list[tuple[int, str]]:
    return [(line, said) for line, said, _ in refusals(Environment(autoescape=True).parse(text))]


def test_what_is_refused_is_said_with_its_line():
    text = "{{ record.name|upper }}\n{{ record.name.upper() }}\n{{ x|tojson }}{{ x is callable }}"
    assert told(text) == [
        (2, "a template cannot use `call`"),
        (3, "there is no filter `tojson`"),
        (3, "there is no test `callable`"),
    ]


def test_the_usual_is_allowed():
    text = (
        "{% for line in record.lines if line.amount > 3 %}{{ loop.index }}. {{ line.name ~ '!' }}"
        "{% else %}-{% endfor %}{% set a = -1 + 2 * 3 %}{{ a if a not in [1, 2] else 'x' }}"
        "{{ record.lines|sum(attribute='amount') }}{{ record.due_on|date('dd.MM.') }}{{ a[0:2] }}"
    )
    assert told(text) == []
