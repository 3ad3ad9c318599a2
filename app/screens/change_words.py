"""Change sets in the words of their reader: kinds, states, counts."""

from __future__ import annotations

from collections.abc import Mapping

from app.changes.inspecting import ChangeSet
from app.changes.run import Run
from app.screens.navigation import plural
from app.screens.visit import Visit
from app.texts import Label, say

#: by kind: its name, its icon
KINDS: Mapping[str, tuple[Label, str]] = {
    "update": (say("Edit of many", "批量修改"), "pencil"),
    "transfer": (say("Handover", "转交"), "arrows-right-left"),
    "delete": (say("Deletion", "删除"), "trash"),
    "restore": (say("Restoration", "恢复"), "arrow-back-up"),
    "merge": (say("Merge", "合并"), "git-compare"),
    "import": (say("Import", "导入"), "file-import"),
    "batch": (say("Batch over the API", "接口批量写入"), "server"),
    "rule": (say("Rule", "规则"), "bolt"),
    "button": (say("Button", "按钮"), "bolt"),
    "handover": (say("Handover of everything", "离职交接"), "user-share"),
    "pool": (say("Public sea", "公海"), "world"),
    "undo": (say("Undo", "撤销"), "arrow-back-up"),
    "screen": (say("Save with what rules did", "保存及规则改动"), "device-floppy"),
    "api": (say("Write over the API", "接口写入"), "server"),
    "email": (say("E-mail", "邮件"), "mail"),
    "system": (say("System", "系统"), "settings"),
    "hook": (say("Program", "程序"), "server"),
}
_WHAT: Mapping[str, tuple[Label, str]] = {
    "created": (say("Created", "新建"), "green"),
    "deleted": (say("Deleted", "删除"), "red"),
    "restored": (say("Restored", "恢复"), "blue"),
    "changed": (say("Changed", "修改"), "gray"),
}
_STATES: Mapping[str, tuple[Label, str]] = {
    "left": (say("Can be undone", "可撤销"), "blue"),
    "undone": (say("Undone", "已撤销"), "green"),
    "partly": (say("Undone in part", "部分撤销"), "blue"),
    "edited": (say("Changed since", "之后有修改"), "orange"),
    "gone": (say("Removed for good", "已彻底删除"), "gray"),
    "right": (say("Not yours to undo", "您无权撤销"), "gray"),
}


_BACK = (
    say("One record is as it was", "1 条记录已恢复原状"),
    say("{count} records are as they were", "{count} 条记录已恢复原状"),
)
_SO_ALREADY = (
    say("one was so already", "1 条原本如此"),
    say("{count} were so already", "{count} 条原本如此"),
)
_LEFT = (
    say("one stays as it is", "1 条保持不变"),
    say("{count} stay as they are", "{count} 条保持不变"),
)


def kind_of(visit: Visit, kind: str) -> tuple[str, str]:
    """Return what a kind is called, and its icon."""
    label, icon = KINDS.get(kind, (say(kind, kind), "git-commit"))
    return visit.words(label), icon


def what_of(visit: Visit, what: str) -> tuple[str, str]:
    """Return what was done to a record, and its colour."""
    label, color = _WHAT[what]
    return visit.words(label), color


def state_of(visit: Visit, state: str) -> tuple[str, str]:
    """Return how a record stands to a change set, and its colour."""
    label, color = _STATES.get(state, _STATES["right"])
    return visit.words(label), color


def counted(visit: Visit, one: ChangeSet) -> str:
    """Return ``120 Customers, 3 Contacts``."""
    found = []
    for name, number in one.counts.items():
        entity = visit.catalog.entities.get(name)
        if entity is None:
            continue
        label = plural(entity, visit.language) if number != 1 else visit.words(entity.label)
        found.append(f"{number:,}{'+' if one.is_more else ''} {label}")
    return ("、" if visit.language == "zh" else ", ").join(found)


def outcome(visit: Visit, run: Run) -> str:
    """Return what became of an undo in one sentence."""
    if run.problem is not None:
        return visit.words(run.problem)
    told = (
        (run.count("changed"), _BACK),
        (run.count("unchanged"), _SO_ALREADY),
        (run.count("skipped"), _LEFT),
    )
    words = [
        visit.words(one if number == 1 else many).replace("{count}", f"{number:,}")
        for number, (one, many) in told
        if number or one is _BACK[0]
    ]
    return ("；" if visit.language == "zh" else "; ").join(words)
