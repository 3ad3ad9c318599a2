"""Operations on who may do what: no table shows them, and nobody gets or loses a right unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from app.database.operation import PERSON, Operation, Phase, amount, list_words
from app.texts import Label, join, say


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRights(Operation):
    """A change of rights waits for somebody to look at it, whether it gives or takes away."""

    phase: ClassVar[Phase] = "swap"

    @property
    def is_adding_only(self) -> bool:
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class RenameRole(ChangeRights):
    """A role under another name; whoever has it keeps it."""

    old: str
    new: str

    def words(self) -> Label:
        return say(
            "rename from {old}, {people} {keep} it",
            "由 {old} 更名，{people}保留该角色",
            old=self.old,
            people=amount(self.rows, PERSON),
            keep="keeps" if self.rows == 1 else "keep",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeAdministrator(ChangeRights):
    """A role that becomes an administrator's, or ceases to be one."""

    role: str
    is_admin: bool

    def words(self) -> Label:
        if self.is_admin:
            return say(
                "role {role}: may everything from now on, the configuration included",
                "角色 {role}：今后可以做任何事，包括更改配置",
                role=self.role,
            )
        return say("role {role}: no longer an administrator", "角色 {role}：不再是管理员",
                   role=self.role)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeInheritance(ChangeRights):
    """Other parents through which a record is visible; links by name."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def words(self) -> Label:
        return say(
            "visible along with: {before} -> {after}",
            "随以下记录可见：{before} -> {after}",
            before=_links(self.before),
            after=_links(self.after),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeAccess(ChangeRights):
    """What a role may do from now on, against what it might before."""

    role: str
    #: (right, rule)
    gained: tuple[tuple[str, str], ...] = ()
    lost_rights: tuple[str, ...] = ()
    #: (right, rule before, rule now)
    changed: tuple[tuple[str, str, str], ...] = ()
    #: (field, right before, right now)
    fields: tuple[tuple[str, str, str], ...] = ()
    #: the same for all fields that are not named
    others: tuple[str, str] | None = None

    @property
    def says_something(self) -> bool:
        """Whether anything differs at all."""
        return any((self.gained, self.lost_rights, self.changed, self.fields, self.others))

    def words(self) -> Label:
        return say(
            "role {role}: {changes}",
            "角色 {role}：{changes}",
            role=self.role,
            changes=join(say("; ", "；"), self._changes()),
        )

    def _changes(self) -> Iterator[Label]:
        if self.gained:
            yield say(
                "may {rights} from now on",
                "今后可以 {rights}",
                rights=join(
                    say(", ", "、"),
                    [
                        say("{right} ({rule})", "{right}（{rule}）", right=right, rule=rule)
                        for right, rule in self.gained
                    ],
                ),
            )
        if self.lost_rights:
            rights = list_words(self.lost_rights)
            yield say("may no longer {rights}", "不再可以 {rights}", rights=rights)
        for right, before, now in self.changed:
            yield say("{right}: {before} -> {now}", "{right}：{before} -> {now}", right=right,
                      before=before, now=now)  # fmt: skip
        for field, before, now in self.fields:
            yield say("field {field}: {before} -> {now}", "字段 {field}：{before} -> {now}",
                      field=field, before=before, now=now)  # fmt: skip
        if self.others is not None:
            before, now = self.others
            yield say("other fields: {before} -> {now}", "其他字段：{before} -> {now}",
                      before=before, now=now)  # fmt: skip


def _links(names: tuple[str, ...]) -> Label:
    return list_words(names) if names else say("nothing", "无")
