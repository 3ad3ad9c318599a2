"""Lines of the audit in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.definitions.catalog import Catalog
from app.security.audit_log import Entry
from app.texts import Label, say

#: What tells a browser, the more particular first: most say they are several.
_BROWSERS = (
    (r"Edg(?:e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"MicroMessenger/", "WeChat"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/", "Chrome"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"iPhone|iPad", "iOS"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux|X11", "Linux"),
)


def device_of(agent: str) -> str:
    """Return the browser and system a program says it is."""
    return " · ".join(name for name in (_known(_BROWSERS, agent), _known(_SYSTEMS, agent)) if name)


def _known(patterns: Sequence[tuple[str, str]], agent: str) -> str:
    return next((name for pattern, name in patterns if re.search(pattern, agent)), "")


#: Sentences with the one it is about, if that is another.
_ABOUT: dict[str, Label] = {
    "account.password.set": say("set the password of {whom}", "设置了{whom}的密码"),
    "account.invitation.sent": say("sent {whom} an invitation", "向{whom}发送了邀请"),
    "account.invitation.used": say("took up an invitation", "接受了邀请"),
    "account.reset.sent": say(
        "a link for a new password was sent to {whom}", "已向{whom}发送重置密码的链接"
    ),
    "account.reset.used": say("chose a new password by a link", "通过链接设置了新密码"),
    "account.second_factor.on": say("turned a second factor on", "启用了双重验证"),
    "account.second_factor.off": say(
        "turned the second factor of {whom} off", "停用了{whom}的双重验证"
    ),
    "account.second_factor.codes": say("made new recovery codes", "生成了新的恢复码"),
    "account.department.moved": say("put {whom} into another department", "调整了{whom}的部门"),
    "department.tree.changed": say("changed the tree of departments", "调整了部门结构"),
    "account.session.ended": say("ended sessions of {whom}", "结束了{whom}的会话"),
    "account.key.made": say("made the API key {name}", "创建了 API 密钥 {name}"),
    "account.key.revoked": say("took the API key {name} away", "撤销了 API 密钥 {name}"),
    "configuration.version.apply": say(
        "applied version {version} of the configuration as {who}",
        "以 {who} 的名义应用了配置版本 {version}",
    ),
    "configuration.file.saved": say(
        "saved the file {file} of the configuration", "保存了配置文件 {file}"
    ),
    "configuration.file.deleted": say(
        "deleted the file {file} of the configuration", "删除了配置文件 {file}"
    ),
    "configuration.change.agreed": say(
        "agreed to a change of the configuration", "同意了一项配置更改"
    ),
    "data.backup.fetched": say("took the backup {file} along", "下载了备份 {file}"),
    "data.keep.removed": say(
        "removed what is kept no longer: {counts}", "清理了到期数据：{counts}"
    ),
    "data.duplicates.checked": say("asked whether “{text}” is there already", "查重：“{text}”"),
    "data.person.found": say("looked for a person", "查找了个人信息"),
    "data.person.exported": say("took a person's data along", "导出了个人信息"),
    "data.person.corrected": say("corrected a person's data", "更正了个人信息"),
    "data.person.anonymised": say("anonymised a person", "匿名化了个人信息"),
    "data.person.held": say("held a person's records", "保全了个人记录"),
    "data.person.released": say("released a person's records", "解除了个人记录的保全"),
    "data.import.start": say("began to import {file} into {entity}", "开始将 {file} 导入{entity}"),
    "data.export.start": say("exported {entity}", "导出了{entity}"),
    "data.everything.export": say("took everything along", "导出了全部数据"),
    "request.access.refused": say("was refused {method} {path}", "被拒绝访问 {method} {path}"),
    "account.session.throttled": say(
        "had to wait after too many attempts", "尝试次数过多，需要等待"
    ),
}


def words_of(one: Entry, people: Mapping[int, Any], catalog: Catalog) -> Label:
    """Return what happened; who did it stands beside."""
    special: Callable[..., Label] | None = _SPECIAL.get(one.kind)
    values = _values(one, people, catalog)
    if special is not None:
        return special(one.details, values, catalog)
    sentence = _ABOUT.get(one.kind)
    if sentence is None:
        return Label({"en": one.kind, "zh": one.kind})
    return _filled(sentence, values)


def _values(one: Entry, people: Mapping[int, Any], catalog: Catalog) -> dict[str, Any]:
    target = people.get(one.target or 0)
    name = target.name if target is not None else f"#{one.target or 0}"
    whom: str | Label = name
    if one.target is not None and one.target == one.user_id:
        whom = say("their own account", "自己")
    entity = catalog.entities.get(str(one.details.get("entity") or ""))
    known: dict[str, Any] = {key: str(value)[:200] for key, value in one.details.items()}
    if isinstance(one.details.get("counts"), Mapping):
        parts = (f"{key} {count:,}" for key, count in one.details["counts"].items())
        known["counts"] = ", ".join(parts)
    known |= {"whom": whom, "entity": entity.label if entity else known.get("entity", "")}
    return {**dict.fromkeys(("name", "version", "who", "file", "method", "path"), ""), **known}


def _filled(sentence: Label, values: Mapping[str, Any]) -> Label:
    return Label(
        {
            language: text.format(
                **{
                    key: value.in_language(language) if isinstance(value, Label) else value
                    for key, value in values.items()
                }
            )
            for language, text in sentence.texts.items()
        }
    )


def _roles(details: Mapping[str, Any], values: Mapping[str, Any], catalog: Catalog) -> Label:
    held = [str(one) for one in details.get("roles") or ()]
    labels = [catalog.roles[one].label if one in catalog.roles else one for one in held]
    names = {
        language: joint.join(
            one.in_language(language) if isinstance(one, Label) else one for one in labels
        )
        for language, joint in (("en", ", "), ("zh", "、"))
    }
    if not held:
        return _filled(say("took every role from {whom}", "取消了{whom}的所有角色"), values)
    sentence = say("gave {whom} the roles {roles}", "将{whom}的角色设为{roles}")
    return _filled(sentence, {**values, "roles": Label(names)})


def _state(details: Mapping[str, Any], values: Mapping[str, Any], _catalog: Catalog) -> Label:
    if details.get("active"):
        return _filled(say("opened the account of {whom}", "启用了{whom}的账号"), values)
    return _filled(say("closed the account of {whom}", "停用了{whom}的账号"), values)


def _signed_in(details: Mapping[str, Any], _values: Mapping[str, Any], _catalog: Catalog) -> Label:
    ways = {
        "authenticator": say("signed in, with an authenticator", "登录，使用身份验证器"),
        "recovery": say("signed in, with a recovery code", "登录，使用恢复码"),
    }
    second = ways.get(str(details.get("second")))
    if second is not None:
        return second
    if details.get("way") == "token":
        return say("got a token for the API", "获取了 API 令牌")
    return say("signed in", "登录")


def _refused(details: Mapping[str, Any], _values: Mapping[str, Any], _catalog: Catalog) -> Label:
    if details.get("second"):
        return say("right password, wrong code", "密码正确，验证码错误")
    return say("wrong name or password, or a closed account", "用户名或密码错误，或账号已停用")


_SPECIAL: Mapping[str, Callable[..., Label]] = {
    "account.roles.set": _roles,
    "account.state.set": _state,
    "account.session.begin": _signed_in,
    "account.session.refused": _refused,
}
