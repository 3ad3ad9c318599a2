// CodeMirror, put together for configuration files. Knows nothing of the server: what it is told
// about the text it shows, what it is asked it hands on.
import { autocompletion, completionKeymap } from "./vendor/codemirror-autocomplete.js";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "./vendor/codemirror-commands.js";
import { yaml } from "./vendor/codemirror-lang-yaml.js";
import { HighlightStyle, indentService, indentUnit, syntaxHighlighting } from "./vendor/codemirror-language.js";
import { setDiagnostics } from "./vendor/codemirror-lint.js";
import { highlightSelectionMatches, search, searchKeymap } from "./vendor/codemirror-search.js";
import { EditorState, StateEffect, StateField } from "./vendor/codemirror-state.js";
import {
  Decoration,
  EditorView,
  WidgetType,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "./vendor/codemirror-view.js";
import { tags } from "./vendor/lezer-highlight.js";

// Colours are those of the page; they follow its theme by themselves.
const THEME = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", color: "var(--ink)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "22px", overflow: "auto" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { background: "transparent", border: "0", color: "var(--ink-2)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "38px", padding: "0 12px 0 8px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--brand) 6%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { background: "color-mix(in srgb, var(--brand) 22%, transparent)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "4px",
  },
  ".cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--warn)",
    textUnderlineOffset: "4px",
  },
  ".cm-tooltip, .cm-panels": {
    background: "var(--raised, var(--surface))",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    fontFamily: "var(--sans)",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    background: "var(--brand)",
    color: "var(--on-brand, #fff)",
  },
  ".cm-completionInfo": { maxWidth: "340px", fontSize: "12.5px", lineHeight: "18px" },
  ".cm-textfield, .cm-button": {
    background: "var(--surface)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    backgroundImage: "none",
  },
  ".t-room": { padding: "3px 16px 7px 4px" },
  ".t-card": {
    display: "flex",
    gap: "12px",
    alignItems: "flex-start",
    padding: "8px 12px",
    borderRadius: "6px",
    border: "1px solid var(--line)",
    borderLeft: "3px solid var(--bad)",
    background: "var(--raised, var(--surface))",
    color: "var(--ink)",
    font: "400 13px/20px var(--sans)",
    whiteSpace: "normal",
    overflowWrap: "anywhere",
    maxWidth: "calc(100vw - 90px)",
  },
  ".t-card.warning": { borderLeftColor: "var(--warn)" },
  ".t-card > span": { flex: "1", minWidth: "0" },
  ".t-card button": {
    font: "500 12.5px/18px var(--sans)",
    padding: "3px 10px",
    borderRadius: "6px",
    border: "1px solid var(--line)",
    background: "var(--surface)",
    color: "var(--ink)",
    cursor: "pointer",
    flex: "none",
  },
  ".t-card kbd": { color: "var(--ink-2)", marginLeft: "6px", font: "11px var(--mono)" },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--brand)" },
  { tag: [tags.string, tags.special(tags.string)], color: "light-dark(#8a4b14, #dcb487)" },
  { tag: tags.comment, color: "var(--ink-2)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.meta], color: "var(--ink-2)" },
]);

class Card extends WidgetType {
  constructor(problem, word) {
    super();
    this.problem = problem;
    this.word = word;
  }

  eq(other) {
    return JSON.stringify(other.problem) === JSON.stringify(this.problem);
  }

  toDOM(view) {
    // Room around a card is padding: the editor does not see margins when it measures.
    const around = document.createElement("div");
    around.className = "t-room";
    const card = document.createElement("div");
    card.className = `t-card ${this.problem.severity}`;
    around.append(card);
    const text = document.createElement("span");
    text.textContent = this.problem.text;
    card.append(text);
    const [first] = this.problem.suggestions;
    if (first) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(this.word, Object.assign(document.createElement("kbd"), { textContent: "Alt ↵" }));
      button.setAttribute("aria-label", `${this.word}: ${first}`);
      button.addEventListener("click", () => useFirst(view, this.problem));
      card.append(button);
    }
    return around;
  }

  ignoreEvent() {
    return true;
  }
}

// Places count characters from 1; the editor counts from 0, in the units of JavaScript's texts.
function offsetOf(doc, line, column) {
  const row = doc.line(Math.min(Math.max(line, 1), doc.lines));
  return row.from + [...row.text].slice(0, column - 1).join("").length;
}

function rangeOf(doc, problem) {
  const from = offsetOf(doc, problem.line, problem.column);
  const to = Math.max(from, offsetOf(doc, problem.endLine, problem.endColumn));
  return { from, to: Math.min(to, doc.length) };
}

function useFirst(view, problem) {
  const { from, to } = rangeOf(view.state.doc, problem);
  view.dispatch({ changes: { from, to, insert: problem.suggestions[0] } });
  view.focus();
}

// Below a key without a value stands what belongs to it; else a line begins as the one before.
const INDENT = indentService.of((context, at) => {
  const before = context.state.doc.lineAt(Math.max(0, at - 1));
  const text = before.text.slice(0, Math.max(0, at - before.from)).replace(/\s+#.*$/, "");
  const indent = /^ */.exec(text)[0].length + (/^ *- +\S/.test(text) ? 2 : 0);
  return /:\s*$/.test(text) ? indent + 2 : indent;
});

const setCards = StateEffect.define();
const cards = StateField.define({
  create: () => Decoration.none,
  update(shown, transaction) {
    let now = shown.map(transaction.changes);
    for (const effect of transaction.effects) if (effect.is(setCards)) now = effect.value;
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// A half-written line is not yet wrong: what is wrong is underlined at once, and said after a pause.
const PAUSE_MS = 700;
const KINDS = { key: "property", value: "enum", field: "variable", name: "class", function: "function" };

// The page answers in between.
const breath = () => new Promise((done) => setTimeout(done));

export async function makeEditor(section, told) {
  const words = section.dataset;
  const source = section.querySelector("[data-source]");
  const place = document.createElement("div");
  place.className = "ed-host";
  const root = place.attachShadow({ mode: "open" });
  // The page's single keys do not see into the shadow, and would take what is typed for theirs.
  place.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  let problems = [];
  let pausing = 0;
  let typedAt = 0;

  async function complete(context) {
    const word = context.matchBefore(/[\w.=-]*$/);
    const before = context.state.sliceDoc(0, context.pos);
    const opens = /(^|[\s{[,"(=])$/.test(before);
    if (!context.explicit && !word?.text && !opens) return null;
    if (!context.explicit && !word?.text && /^\s*$/.test(before.split("\n").pop())) return null;
    const stop = new AbortController();
    context.addEventListener("abort", () => stop.abort());
    let answer;
    try {
      answer = await told.suggest(context.state.doc.toString(), [...before].length, stop.signal);
    } catch {
      return null;
    }
    if (!answer.ok) return null;
    const found = await answer.json();
    const from = [...before].slice(0, found.begin).join("").length;
    const options = found.found.map((one) => ({
      label: one.label,
      type: KINDS[one.kind],
      apply: one.text ?? one.label,
      detail: one.help && one.help.length < 30 ? one.help : undefined,
      info: one.help && one.help.length >= 30 ? one.help : undefined,
    }));
    return { from, options, validFor: /^[\w-]*$/ };
  }

  function useHere(view) {
    const line = view.state.doc.lineAt(view.state.selection.main.head).number;
    const one = problems.find((each) => each.line === line && each.suggestions.length);
    if (!one) return false;
    useFirst(view, one);
    return true;
  }

  const isYAML = words.file.endsWith(".yaml");
  await breath();
  const state = EditorState.create({
    doc: source.value,
    extensions: [
      lineNumbers(),
      EditorView.lineWrapping,
      history(),
      drawSelection(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      indentUnit.of("  "),
      EditorState.tabSize.of(2),
      isYAML ? [INDENT, yaml(), syntaxHighlighting(COLOURS)] : [],
      isYAML ? autocompletion({ override: [complete], icons: false }) : [],
      cards,
      THEME,
      EditorView.contentAttributes.of({
        "aria-label": words.wordLabel,
        spellcheck: "false",
        tabindex: "0",
      }),
      keymap.of([
        { key: "Mod-s", run: () => (told.save(), true) },
        { key: "Alt-Enter", run: useHere },
        ...completionKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        ...searchKeymap,
        indentWithTab,
      ]),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        typedAt = Date.now();
        clearTimeout(pausing);
        told.changed();
      }),
    ],
  });
  await breath();
  section.querySelector("[data-shown]").replaceWith(place);
  const view = new EditorView({ parent: root, root, state });

  function show(found) {
    problems = found;
    const { doc } = view.state;
    const diagnostics = found.map((one) => ({
      ...rangeOf(doc, one),
      severity: one.severity,
      message: one.text,
    }));
    const lines = found.map((one) =>
      Decoration.widget({ widget: new Card(one, words.wordUse), block: true, side: 1 }).range(
        doc.line(Math.min(Math.max(one.line, 1), doc.lines)).to,
      ),
    );
    view.dispatch(setDiagnostics(view.state, diagnostics));
    clearTimeout(pausing);
    const say = () => view.dispatch({ effects: setCards.of(Decoration.set(lines, true)) });
    if (found.length && Date.now() - typedAt < PAUSE_MS) pausing = setTimeout(say, PAUSE_MS);
    else say();
  }

  return {
    text: () => view.state.doc.toString(),
    problems: show,
    // Somebody comes to mend: the first thing that is wrong is in sight.
    goToFirst() {
      const one = problems.find((each) => each.severity === "error");
      if (!one) return;
      const at = offsetOf(view.state.doc, one.line, 1);
      view.dispatch({ effects: EditorView.scrollIntoView(at, { y: "center" }) });
    },
    go(line) {
      const row = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      view.dispatch({
        selection: { anchor: row.from },
        effects: EditorView.scrollIntoView(row.from, { y: "center" }),
      });
      view.focus();
    },
  };
}
