"""What was typed is bold in what it found."""

import pytest

from app.screens.palette import marked


@pytest.mark.parametrize(
    ("title", "typed", "shown"),
    [
        ("Acme <Silver> Ltd", "silver", "Acme &lt;<b>Silver</b>&gt; Ltd"),
        ("Acme Silver", "silver acme", "<b>Acme</b> <b>Silver</b>"),
        ("上海张江科技", "江科", "上海张<b>江科</b>技"),
        ("张伟", "zhang", "<b>张</b>伟"),
        ("张伟", "zhangw", "<b>张伟</b>"),
        ("Mr 张伟 2", "zw", "Mr <b>张伟</b> 2"),
        ("上海张江", "zhang", "上海张江"),
        ("Straße", "strasse", "Straße"),
    ],
)
def test_what_was_typed_is_bold(title, typed, shown):
    assert str(marked(title, typed)) == shown
