"""The one timeline of a record: what people said, wrote and changed, and what rules did.

What is written about the record (follow-ups, tasks) is shown with the fields of its own list; a
save is one line, however many fields it changed. Nothing here decides what may be seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from urllib.parse import urlencode

from flask import Response, redirect, request
from markupsafe import Markup, escape

from app.automation.ledger import STATES
from app.automation.timeline import Happening, read_timeline
from app.definitions.catalog import Entity, Field
from app.errors import Malformed
from app.records.results import Record
from app.records.streams import kinds_of, moment_field, stage_fields
from app.screens.cells import EMPTY, show_value, shown_type
from app.screens.columns import is_listable
from app.screens.firings import ledger
from app.screens.frame import Choice
from app.screens.happening_lines import Entry, Happenings, with_mentions
from app.screens.marks import mark_of
from app.screens.moments import month, time_tag
from app.screens.navigation import icon_names, icon_of, plural
from app.screens.record_blocks import title_of
from app.screens.timeline import ICONS, Change, changes_of, sentence_of, titles_of
from app.screens.visit import Visit

LINES = 15
_OPTIONS = ("choice", "stage")
_MOMENTS = ("date", "datetime")
_WORDS = ("longtext", "markdown")
#: What is taken back from the timeline, if it is the newest change.
_UNDOABLE = ("update", "transfer", "claim", "release", "attach", "detach")
_DOTS = {"done": "ok", "failed": "bad", "waiting": "warn", "due": "info"}


def read_happenings(visit: Visit, entity: Entity, record_id: int) -> Happenings:
    """Return the timeline of a record as the address asks for it (``show``, ``after``)."""
    known = kinds_of(visit.catalog, visit.policy, entity.name)
    kind = request.args.get("show", "")
    kind = kind if kind in known else ""
    base = f"/crm/{entity.name}/{record_id}/timeline"
    part = request.args.get("part") == "more"
    found, cursor = read_timeline(
        visit.records,
        ledger(visit),
        visit.principal,
        entity.name,
        record_id,
        [kind] if kind else (),
        limit=LINES,
        after=request.args.get("after") if part else None,
    )
    entries = _Teller(visit, entity, record_id, found).entries()
    labels = {"": visit.wording.say("Everything"), **{one: _label(visit, one) for one in known}}
    choices = [
        Choice(one, label, one == kind, href=f"{base}?show={one}") for one, label in labels.items()
    ]
    more = ""
    if cursor is not None:
        more = f"{base}?{urlencode({'show': kind, 'after': cursor, 'part': 'more'})}"
    return Happenings(entries, base, choices, labels[kind], more)


def timeline_part(visit: Visit, name: str, number: str) -> Response:
    """Return the timeline, or earlier lines of it, for the page that is open."""
    entity = visit.entity(name)
    record = visit.records.get(visit.principal, name, number, fields=("id",))
    if "HX-Request" not in request.headers:
        query = urlencode({"show": request.args.get("show", "")})
        return redirect(f"/crm/{name}/{record.id}?{query}#talk", 302)  # type: ignore[return-value]
    try:
        timeline = read_happenings(visit, entity, record.id)
    except Malformed:
        # An address of another time: begin anew.
        return Response("", 400)
    template = "happenings_more.html" if request.args.get("part") == "more" else "happenings.html"
    return visit.render(template, timeline=timeline)


def _label(visit: Visit, kind: str) -> str:
    say = visit.wording.say
    own = {
        "comment": say("Comments"),
        "email": say("E-mails"),
        "move": say("Stage moves"),
        "change": say("Changes"),
        "file": say("Files"),
        "approval": say("Approvals"),
        "rule": say("Rules"),
    }
    return own.get(kind) or plural(visit.catalog.entities[kind], visit.language)


class _Teller:
    """Tells what happened, each thing in one line."""

    def __init__(
        self, visit: Visit, entity: Entity, record_id: int, found: Sequence[Happening]
    ) -> None:
        self.visit = visit
        self.entity = entity
        self.record_id = record_id
        self.people = visit.core.organisation.snapshot().people
        self.icons = icon_names(visit.screens.renderer)
        self.written = {
            name: self._records(name, [one.id for one in found if one.kind == name])
            for name in dict.fromkeys(one.record[0] for one in found if one.record is not None)
        }
        planned = {one.at for one in found if one.record is not None}
        self.found = [
            one
            for one in found
            if not self._is_echo(one, planned)
            and (one.record is None or one.id in self.written[one.record[0]])
        ]
        lines = [one.line for one in self.found if one.line is not None]
        self.titles = titles_of(visit, entity, lines)

    def _is_echo(self, one: Happening, planned: set[datetime]) -> bool:
        """Return whether a change is but the date that something written just then plans."""
        if one.line is None or one.at not in planned or one.line.action != "update":
            return False
        fields = [self.entity.fields.get(name) for name in one.line.changes]
        return all(field is not None and field.type.name in _MOMENTS for field in fields)

    def _records(self, name: str, ids: Sequence[int]) -> Mapping[int, Record]:
        """Return what was written about the record, one statement for each kind of it."""
        other = self.visit.catalog.entities[name]
        listed = ", ".join(str(one) for one in ids)
        page = self.visit.records.query(
            self.visit.principal,
            name,
            fields=self._fields(other),
            filter=f"id in ({listed},)",
            limit=100,
        )
        return {record.id: record for record in page.rows}

    def _fields(self, other: Entity) -> list[str]:
        readable = set(self.visit.policy.readable(other.name))
        names = [other.title or "", *other.screens.columns, "owner"]
        found = [one for one in dict.fromkeys(names) if one in readable]
        money = [str(other.fields[one].settings.get("currency") or "") for one in found]
        return [*found, *(one for one in dict.fromkeys(money) if one in readable)] or ["id"]

    def entries(self) -> list[Entry]:
        """Return the lines, each month's first with the month above it."""
        entries, last = [], ""
        for one in self.found:
            this = month(one.at, self.visit.wording, self.visit.look.zone)
            entries.append(self._entry(one, this if this != last else ""))
            last = this
        return self._with_undo(entries)

    def _with_undo(self, entries: list[Entry]) -> list[Entry]:
        """Offer to take back the newest change, if there is one and one may change the record."""
        newest = next((n for n, one in enumerate(self.found) if one.line is not None), None)
        line = self.found[newest].line if newest is not None else None
        if newest is None or line is None or line.action not in _UNDOABLE:
            return entries
        if self.visit.policy.may("update", self.entity.name):
            href = f"/changes/undo/{self.entity.name}/{self.record_id}"
            entries[newest] = replace(entries[newest], undo=href, line=line.id)
        return entries

    def _entry(self, one: Happening, above: str) -> Entry:
        look = self.visit.look
        when = time_tag(one.at, look.now, look.wording, look.zone)
        if one.comment is not None:
            return self._comment(one, when, above)
        if one.firing is not None:
            return self._firing(one, when, above)
        if one.record is not None:
            return self._written(one, when, above)
        if one.email is not None:
            who = Markup("<b>{}</b>").format(one.email.get("sender", ""))
            sentence = self.visit.wording.say("%(who)s wrote an e-mail", who=who)
            subject = escape(one.email.get("subject", ""))
            return Entry("email", sentence, when, above, icon="mail", body=subject)
        return self._line(one, when, above)

    def _name(self, user: int | None) -> str:
        person = self.people.get(user)
        return person.name if person is not None else ""

    # -- changes -----------------------------------------------------------------------------------

    def _line(self, one: Happening, when: Markup, above: str) -> Entry:
        line, say = one.line, self.visit.wording.say
        assert line is not None
        name = self._name(line.user_id)
        who = Markup("<b>{}</b>").format(name or say("The system"))
        changes = changes_of(self.visit, self.entity, line, self.titles)
        sentence, folded = sentence_of(self.visit, line, name), ""
        if one.kind == "move":
            moved = stage_fields(self.entity, self.visit.policy)
            labels = {self._field_label(field) for field in moved if field in line.changes}
            shown = next((each for each in changes if each.label in labels), None)
            if shown is not None:
                sentence = self._moved(who, shown)
                changes = [each for each in changes if each is not shown]
                folded = self.visit.wording.count(
                    "%(number)s field with it", "%(number)s fields with it", len(changes)
                )
        elif line.action == "update" and len(changes) == 1:
            sentence = self._changed(who, changes[0])
            changes = []
        elif line.action == "update" and changes:
            sentence = Markup("{}").format(
                say("%(who)s changed %(number)s fields", who=who, number=len(changes))
            )
            folded = ", ".join(each.label for each in changes[:3])
            folded = f"{folded} …" if len(changes) > 3 else folded
        mark = mark_of(name) if name else None
        return Entry(
            one.kind, sentence, when, above, mark, ICONS.get(line.action, "git-commit"), changes,
            folded if changes else "",
        )  # fmt: skip

    def _field_label(self, name: str) -> str:
        return self.entity.fields[name].label.in_language(self.visit.language)

    def _moved(self, who: Markup, shown: Change) -> Markup | str:
        say = self.visit.wording.say
        to = Markup("<b>{}</b>").format(Markup(shown.after))  # noqa: S704 - a cell, escaped.
        if shown.before is None:
            return say("%(who)s moved this to %(to)s", who=who, to=to)
        before = Markup(shown.before)  # noqa: S704 - a cell, escaped where it is made.
        return say("%(who)s moved this from %(before)s to %(to)s", who=who, before=before, to=to)

    def _changed(self, who: Markup, shown: Change) -> Markup | str:
        say = self.visit.wording.say
        field = Markup("<b>{}</b>").format(shown.label)
        after = Markup(shown.after)  # noqa: S704 - a cell, escaped where it is made.
        if shown.before is None:
            return say("%(who)s filled in %(field)s: %(value)s", who=who, field=field, value=after)
        before = Markup('<s class="mut">{}</s> →').format(Markup(shown.before))  # noqa: S704
        told = Markup("{} {}").format(before, after)
        return say("%(who)s changed %(field)s %(value)s", who=who, field=field, value=told)

    # -- what was said -----------------------------------------------------------------------------

    def _comment(self, one: Happening, when: Markup, above: str) -> Entry:
        said, say = one.comment, self.visit.wording.say
        assert said is not None
        name = self._name(said.user_id)
        who = Markup("<b>{}</b>").format(name or say("The system"))
        rule = self.visit.catalog.automation.rules.get(said.cause or "")
        if rule is not None:
            label = self.visit.words(rule.label or rule.name)
            sentence = say("%(who)s, by the rule %(rule)s", who=who, rule=label)
        else:
            sentence = say("%(who)s said", who=who)
        body = with_mentions(said.text, self.people.values())
        icon = "bolt" if rule is not None else "message"
        return Entry(
            "comment", sentence, when, above, mark_of(name) if name else None, icon, body=body
        )

    # -- rules -------------------------------------------------------------------------------------

    def _firing(self, one: Happening, when: Markup, above: str) -> Entry:
        line, say, look = one.firing, self.visit.wording.say, self.visit.look
        assert line is not None
        rule = Markup("<b>{}</b>").format(self.visit.words(line.label))
        state = self.visit.words(STATES.get(line.state, line.state))
        base = f"/crm/{self.entity.name}/{self.record_id}"
        if line.state in ("skipped", "dropped"):
            sentence = say("Rule %(rule)s did not act", rule=rule)
            why = self.visit.words(line.reason) if line.reason is not None else state
            said = [("info-circle", why)]
            return Entry("rule", sentence, when, above, icon="bolt", foot=said, tone="quiet")
        notes = [self.visit.words(step.note) for step in line.steps if step.note is not None]
        if line.reason is not None:
            notes.append(self.visit.words(line.reason))
        dot = Markup('<span class="dot d-{}">{}</span>').format(
            _DOTS.get(line.state, "info"), state
        )
        foot: list[tuple[str, Markup | str]] = [("", dot)]
        if line.next_at is not None:
            next_at = time_tag(line.next_at, look.now, look.wording, look.zone)
            foot.append(("clock", say("goes on %(when)s", when=next_at)))
        links = [(say("What it did"), f"{base}/automation"), (say("Why?"), f"{base}/rules")]
        return Entry(
            "rule",
            say("Rule %(rule)s fired", rule=rule),
            when,
            above,
            icon="bolt",
            body=" ".join(dict.fromkeys(notes)),
            foot=foot,
            tone="warn",
            links=links,
        )

    # -- what was written about it -----------------------------------------------------------------

    def _written(self, one: Happening, when: Markup, above: str) -> Entry:
        assert one.record is not None
        other = self.visit.catalog.entities[one.kind]
        record = self.written[one.kind][one.id]
        say, href = self.visit.wording.say, f"/crm/{other.name}/{record.id}"
        name = (record.links.get("owner") or {}).get("title") or ""
        label = other.label.in_language(self.visit.language)
        words = [_show(self.visit, other, each, record) for each in record.values
                 if shown_type(other.fields[each]).name in _OPTIONS]  # fmt: skip
        what = Markup(" · ").join(each for each in words if each is not None)
        kind = Markup('<a href="{}" class="kind">{}</a>').format(href, label)
        who = Markup("<b>{}</b>").format(name or say("Somebody"))
        sentence = Markup("{} · {}").format(who, kind)
        if what:
            sentence = Markup("{} · {}").format(sentence, what)
        return Entry(
            other.name,
            sentence,
            when,
            above,
            mark_of(name) if name else None,
            icon_of(other, self.icons),
            body=self._title(other, record, href),
            foot=self._foot(other, record),
        )

    def _title(self, other: Entity, record: Record, href: str) -> Markup:
        field = other.fields.get(other.title or "")
        if field is not None and field.type.name in _WORDS:
            return show_value(
                other, field.name, record, self.visit.look, masked=field.name in record.masked
            )
        return Markup('<a href="{}">{}</a>').format(href, title_of(other, record, self.visit))

    def _foot(self, other: Entity, record: Record) -> list[tuple[str, Markup | str]]:
        """Return its other dates, and what else it is about."""
        at = moment_field(other, self.visit.policy)
        foot: list[tuple[str, Markup | str]] = []
        for name, value in record.values.items():
            field = other.fields[name]
            if value is None or name == at:
                continue
            kind = shown_type(field).name
            if kind in _MOMENTS and isinstance(value, date | datetime) and not field.built_in:
                shown = show_value(other, name, record, self.visit.look, full=False)
                label = field.label.in_language(self.visit.language)
                foot.append(("calendar", Markup("{} {}").format(label, shown)))
            elif self._leads_elsewhere(field, record):
                html = _show(self.visit, other, name, record)
                is_person = "user" in field.type.targets(field)
                if html is not None and not (is_person and self._is_owner(record, name)):
                    foot.append(("user" if is_person else "link", html))
        return foot

    @staticmethod
    def _is_owner(record: Record, name: str) -> bool:
        """Return whether a person is whoever wrote it, who stands above already."""
        return record.links.get(name) == record.links.get("owner")

    def _leads_elsewhere(self, field: Field, record: Record) -> bool:
        """Return whether a link names something else than the record the timeline is of."""
        targets = field.type.targets(field)
        if not targets or field.name == "owner" or not is_listable(field):
            return False
        linked = record.links.get(field.name)
        if not isinstance(linked, Mapping) or linked.get("id") != self.record_id:
            return True
        return str(linked.get("entity") or targets[0]) != self.entity.name


def _show(visit: Visit, entity: Entity, name: str, record: Record) -> Markup | None:
    html = show_value(entity, name, record, visit.look, masked=name in record.masked, full=False)
    return None if html == EMPTY else html
