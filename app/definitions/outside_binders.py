"""Check what goes out of the record at hand against the catalog: calls, plugins, anonymising.

As in `action_binders`: each is given the binder, the names at the step, its place, what was written
and its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.definitions import automation as made
from app.definitions.binding import require_field
from app.definitions.problems import Code, did_you_mean, nearest
from app.definitions.workflow_values import Site, bind_given, item_path, written_at
from app.definitions.workshop import Path
from app.expressions.tree import Checked
from app.expressions.types import ANY, TEXT

if TYPE_CHECKING:
    from app.definitions.rule_actions import StepBinder


def bind_call(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    """Return what `call` says."""
    url = bind_given(site, (*path, "url"), wrote["url"], None, TEXT)
    if url is None:
        return None
    raw = url.raw
    if url.checked is None and (
        not isinstance(raw, str) or not raw.startswith(("http://", "https://"))
    ):
        site.problem(Code.bad_value, (*path, "url"), f"`{raw}` is no address of the web.",
                     "It begins with `https://`.")  # fmt: skip
    body = {
        name: given
        for name, one in wrote.get("body", {}).items()
        if (given := bind_given(site, (*path, "body", name), one, None, None)) is not None
    }
    return made.Call(
        url=url,
        method=wrote.get("method", "POST"),
        body=body,
        secret=wrote.get("secret", ""),
        shown_as=wrote.get("secret_as", "signature"),
        save=_saved(binder, site, path, wrote.get("save", {})),
    )


def _saved(
    binder: StepBinder, site: Site, path: Path, wrote: Mapping[str, Any]
) -> dict[str, Checked]:
    if wrote and site.entity is None:
        message = "`save` gives fields of the record something; this rule is about none."
        site.problem(Code.conflicting_keys, (*path, "save"), message, key=True)
        return {}
    assert site.entity is not None or not wrote
    inner = site.with_roots(answer=ANY)
    given = binder.values(inner, (*path, "save"), wrote, site.entity or "")
    for name, one in given.items():
        if one.checked is None:
            site.problem(Code.bad_value, (*path, "save", name), f"`{name}` takes nothing of the "
                         "answer.", "For example `=answer.id`.")  # fmt: skip
    return {name: one.checked for name, one in given.items() if one.checked is not None}


def bind_anonymise(_b: StepBinder, site: Site, path: Path, wrote: tuple[str, ...], _: str) -> Any:
    """Return what `anonymise` takes out."""
    assert site.entity is not None
    draft = site.shop.drafts[site.entity]
    for index, name in enumerate(wrote):
        here = item_path(site, path, index)
        if require_field(site.shop, draft, here, name, document=site.document):
            one = draft.fields[name]
            if one.built_in or not one.type.writable:
                site.problem(Code.bad_value, here, f"`{name}` has no value of its own.")
    return made.Fields(wrote)


def bind_run(binder: StepBinder, site: Site, path: Path, wrote: dict[str, Any], _: str) -> Any:
    """Return the action of a plugin, with its settings."""
    name = wrote["action"]
    if name not in binder.known.actions:
        where = path if isinstance(written_at(site.document, path), str) else (*path, "action")
        actions = binder.known.actions
        listed = sorted(actions) if isinstance(actions, Iterable) else []
        close = nearest(name, listed)
        message = f"No plugin has an action `{name}`."
        site.shop.problem(
            Code.unknown_action, site.document, where, message, did_you_mean(close, listed), close
        )
    settings = {key: one for key, one in wrote.items() if key != "action"}
    if isinstance(binder.known.actions, Mapping) and name in binder.known.actions:
        legal = binder.known.actions[name].settings
        for key in settings.keys() - set(legal):
            message = f"The action `{name}` has no setting `{key}`."
            site.shop.unknown(
                Code.unknown_key, site.document, (*path, key), key, legal, message, key=True
            )
    return made.Words(name, settings)
