"""Accounts, for administrators: adding people, their roles, passwords, closing and opening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request

from app.access.organisation import Person
from app.automation.handing_over import HandingOver
from app.errors import InvalidInput, NotFound
from app.notifications.outbox import NewMessage, post_messages
from app.screens.controls import Chosen, Control
from app.screens.frame import LANGUAGE_NAMES
from app.screens.my_sessions import SessionItem, note_account, sessions_of
from app.screens.visit import Visit, leave_toast
from app.security import people as accounts
from app.security.manager import require_admin
from app.texts import say as both

#: What of a person's record is changed here; a department is changed by moving.
_IDENTITY = ("name", "email", "language", "manager")
#: What of it the account knows as well.
_ACCOUNT = ("name", "email")


@dataclass(frozen=True, slots=True)
class FormPart:
    label: str
    fields: Sequence[Control]
    sentence: str = ""


@dataclass(slots=True)
class AccountForm:
    """Everything `small_form.html` shows."""

    title: str
    action: str
    back_href: str
    back_label: str
    save_label: str
    sections: Sequence[FormPart]
    refused: str = ""
    #: other things to do than saving: the label, where it is sent, and whether it takes something
    others: Sequence[tuple[str, str, bool]] = ()
    #: a link that could not be mailed, to be handed over
    link: str = ""
    #: where the person is signed in, for who may end it
    sessions: Sequence[SessionItem] = ()
    sessions_href: str = ""


def account_page(
    visit: Visit,
    number: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    link: str = "",
) -> Response:
    """Return the form of an account: a new one, or roles and password of one there is."""
    require_admin(visit.principal)
    say = visit.wording.say
    said = errors or {}
    person = None
    if number:
        person = visit.core.organisation.snapshot().people.get(
            int(number) if number.isdigit() else 0
        )
        if person is None:
            raise NotFound
    posted = request.form if request.method == "POST" and not link else {}
    held = set(request.form.getlist("roles")) if posted else set(person.roles if person else ())
    roles = Control(
        "choices",
        "roles",
        say("Roles"),
        span=12,
        errors=said.get("roles", ()),
        options=[
            Chosen(name, role.label.in_language(visit.language), name in held)
            for name, role in visit.catalog.roles.items()
        ],
    )
    hint = say("Empty: the password stays.")
    if person is None:
        hint = say("Empty: the person gets a link to choose one.")
    password = _text(
        "password",
        say("New password") if person else say("Password"),
        "",
        said,
        input_type="password",
        autocomplete="new-password",
        help=hint,
    )
    if person is None:
        identity = [
            _text("name", say("Name"), posted.get("name", ""), said, required=True),
            _text("login", say("Sign-in name"), posted.get("login", ""), said, required=True),
            _text("email", say("E-mail"), posted.get("email", ""), said, input_type="email"),
            _language(visit, posted.get("language", "")),
            _link("department", say("Department"), posted, said),
            _link("manager", say("Reports to"), posted, said),
        ]
        parts = [FormPart(say("Who"), identity), FormPart(say("Rights"), [roles])]
        parts.append(FormPart(say("Signing in"), [password]))
        title, action = say("New person"), "/people/new"
    else:
        # A box that is ticked sends "yes" behind the "no" that stands for it when it is not.
        ticked = request.form.getlist("active")[-1:] if posted else []
        off = ticked == ["no"] if ticked else not person.active
        active = Control(
            "boolean", "active", say("May sign in"), value="no" if off else "yes", span=6
        )
        known = {name: str(person.record.get(name) or "") for name in _IDENTITY} | dict(posted)
        identity = [
            _text("name", say("Name"), known["name"], said, required=True),
            _text("email", say("E-mail"), known["email"], said, input_type="email"),
            _language(visit, known["language"]),
            _link("manager", say("Reports to"), _with_title(visit, known), said),
        ]
        parts = [
            FormPart(say("Who"), identity),
            FormPart(say("Rights"), [roles]),
            FormPart(
                say("Signing in"),
                [password, active],
                say("Closing an account ends its sessions at once; its records stay."),
            ),
        ]
        title, action = person.name, f"/people/{person.id}/edit"
    view = AccountForm(
        title,
        action,
        f"/people/{person.id}" if person else "/people",
        say("People"),
        say("Save"),
        parts,
        " ".join(said.get("", ())),
        _others(visit, person.id) if person else (),
        link,
    )
    if person is not None and person.id != visit.principal.user_id:
        view.sessions = sessions_of(visit, person.id)
        view.sessions_href = f"/people/{person.id}/sessions/end"
    response = visit.render("small_form.html", page=visit.page(title, "people"), view=view)
    if said:
        response.status_code = 422
    return response


def _with_title(visit: Visit, known: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is filled in with the name of whom somebody reports to."""
    number = known.get("manager", "")
    manager = visit.core.organisation.snapshot().people.get(int(number) if number.isdigit() else 0)
    return {**known, "manager.title": manager.name} if manager is not None else known


def _others(visit: Visit, user_id: int) -> list[tuple[str, str, bool]]:
    label = both("Send a link to choose a password", "发送设置密码的链接")
    others = [(label.in_language(visit.language), f"/people/{user_id}/invite", False)]
    if visit.core.second_factors.is_on(user_id):
        label = both("Reset the second factor", "重置双重验证")
        href = f"/people/{user_id}/second-factor/drop"
        others.append((label.in_language(visit.language), href, True))
    return others


def invite(visit: Visit, user_id: int) -> Response:
    """Send somebody a link to choose a password, or show it where it cannot be mailed."""
    require_admin(visit.principal)
    person = visit.core.organisation.snapshot().people.get(user_id)
    if person is None or not person.active:
        raise NotFound
    by, name = visit.principal.user_id, visit.catalog.app.name
    path = visit.core.tickets.send(user_id, "invitation", by, name)
    if path is not None:
        settings = visit.core.settings
        here = settings.address or f"http://{settings.host}:{settings.port}"
        return account_page(visit, str(user_id), link=f"{here}{path}")
    said = both(
        "A link was sent to {address}; it works once, within seven days",
        "链接已发送至 {address}，七天内有效，只能使用一次",
        address=str(person.record.get("email")),
    )
    leave_toast(said.in_language(visit.language))
    return redirect(f"/people/{user_id}", 303)  # type: ignore[return-value]


def drop_second_factor(visit: Visit, user_id: int) -> Response:
    """Let somebody who lost authenticator and codes in by the password alone; they are told."""
    require_admin(visit.principal)
    if user_id not in visit.core.organisation.snapshot().people:
        raise NotFound
    if visit.core.second_factors.turn_off(user_id, visit.principal.user_id):
        language = visit.core.organisation.snapshot().people[user_id].language or "en"
        said = both(
            "{name} reset your second factor. Set it up again: Your account, Security.",
            "{name}重置了您的双重验证，请在“我的账号”-“安全”中重新设置。",
            name=visit.principal.name,
        )
        now = visit.core.clock.now()
        told = NewMessage(
            user_id, f"second-factor {now.timestamp()}", "system", said.in_language(language)
        )
        with visit.core.pools.write.connection() as connection:
            post_messages(connection, now, [told])
        words = both("The second factor was reset", "双重验证已重置")
        leave_toast(words.in_language(visit.language))
    return redirect(f"/people/{user_id}/edit", 303)  # type: ignore[return-value]


def end_everything(visit: Visit, user_id: int) -> Response:
    """Have somebody sign in again: in one browser, or on every device and with every token."""
    require_admin(visit.principal)
    if user_id not in visit.core.organisation.snapshot().people:
        raise NotFound
    wanted, sessions = request.form.get("session", ""), visit.core.sessions
    if wanted:
        if wanted not in {one["token"] for one in sessions.open_of(user_id)}:
            raise NotFound
        sessions.end_by_checksum(wanted)
    else:
        with visit.core.pools.write.connection() as connection:
            accounts.end_sessions(connection, user_id, visit.core.clock.now())
        sessions.expire()
    note_account(visit, "account.session.ended", user_id)
    said = both("The sessions were ended", "会话已结束")
    leave_toast(said.in_language(visit.language))
    return redirect(f"/people/{user_id}/edit", 303)  # type: ignore[return-value]


def _text(
    name: str, label: str, value: str, errors: Mapping[str, Sequence[str]], **more: Any
) -> Control:
    return Control("text", name, label, value=value, errors=errors.get(name, ()), span=6, **more)


def _link(
    name: str, label: str, posted: Mapping[str, str], errors: Mapping[str, Sequence[str]]
) -> Control:
    chosen = Chosen(posted.get(name, ""), posted.get(f"{name}.title", ""))
    return Control(
        "link",
        name,
        label,
        errors=errors.get(name, ()),
        span=6,
        search=f"/crm/user/pick/{name}",
        chosen=[chosen],
    )


def _language(visit: Visit, now: str) -> Control:
    languages = visit.catalog.app.languages
    now = now if now in languages else languages[0]
    return Control(
        "choice",
        "language",
        visit.wording.say("Language"),
        required=True,
        value=now,
        options=[Chosen(one, LANGUAGE_NAMES.get(one, one), one == now) for one in languages],
    )


def save_account(visit: Visit, number: str = "") -> Response:
    """Add an account, or change roles, password and whether it is open."""
    require_admin(visit.principal)
    form = request.form
    roles = [one for one in form.getlist("roles") if one]
    try:
        if number:
            _change(visit, int(number) if number.isdigit() else 0, roles)
            user_id = int(number)
        else:
            values = {
                name: form[name].strip()
                for name in ("name", "email", "language", "department", "manager")
                if form.get(name, "").strip()
            }
            for name in ("department", "manager"):
                if values.get(name, "").isdigit():
                    values[name] = int(values[name])  # type: ignore[assignment]
            user_id = accounts.add_user(
                visit.records,
                login=form.get("login", "").strip(),
                password=form.get("password", "") or None,
                roles=roles,
                values=values,
                principal=visit.principal,
            )
    except InvalidInput as problem:
        said = {name: [visit.words(one) for one in all_] for name, all_ in problem.fields.items()}  # type: ignore[arg-type]
        if not said:
            said[""] = [visit.words(problem.message)]  # type: ignore[arg-type]
        return account_page(visit, number, said)
    visit.core.organisation.expire()
    if not number and not form.get("password"):
        return invite(visit, user_id)
    leave_toast(visit.wording.say("Saved"))
    if (
        form.getlist("active")[-1:] == ["no"]
        and not HandingOver(visit.records, visit.core.approvals)
        .left(visit.principal, user_id)
        .is_nothing
    ):
        # Somebody has to look after what the person leaves behind.
        return redirect(f"/people/{user_id}/hand-over", 303)  # type: ignore[return-value]
    return redirect(f"/people/{user_id}", 303)  # type: ignore[return-value]


def _change(visit: Visit, user_id: int, roles: Sequence[str]) -> None:
    person = visit.core.organisation.snapshot().people.get(user_id)
    if person is None:
        raise NotFound
    _change_identity(visit, person)
    password = request.form.get("password", "")
    active = request.form.getlist("active")
    is_self = user_id == visit.principal.user_id
    with visit.core.pools.write.connection() as connection, connection.transaction():
        if is_self and not any(
            visit.catalog.roles[one].admin for one in roles if one in visit.catalog.roles
        ):
            raise InvalidInput(
                {
                    "roles": [
                        both(
                            "You cannot take the administrator's role from yourself.",
                            "不能取消自己的管理员角色。",
                        )
                    ]
                }
            )
        accounts.give_roles(connection, user_id, roles, visit.principal.user_id)
        if password:
            accounts.set_password(connection, user_id, password, visit.principal.user_id)
        if active and not is_self:
            accounts.set_active(
                connection, user_id, active=active[-1] == "yes", by=visit.principal.user_id
            )


def _change_identity(visit: Visit, person: Person) -> None:
    """Change what is known of a person, as far as the form names it and it is another."""
    typed = {name: request.form[name].strip() for name in _IDENTITY if name in request.form}
    values = {
        name: (int(text) if name == "manager" and text.isdigit() else text) or None
        for name, text in typed.items()
        if text != str(person.record.get(name) or "")
    }
    if not values:
        return
    if values.get("manager") in visit.core.organisation.snapshot().subordinates(person.id):
        sentence = both(
            "Nobody can report to themselves or to somebody below them.",
            "直属上级不能是本人或其下属。",
        )
        raise InvalidInput({"manager": [sentence]})
    known = {name: typed.get(name, person.record.get(name) or "") for name in _ACCOUNT}
    with visit.core.pools.write.connection() as connection:
        accounts.check_email(connection, person.id, known["email"])
    # The record is written by a connection of its own, so it is written before the account.
    visit.writer.update(visit.principal, "user", person.id, values, origin="screen")
    with visit.core.pools.write.connection() as connection:
        accounts.set_identity(connection, person.id, **known)
