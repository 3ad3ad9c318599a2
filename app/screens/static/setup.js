// The setup page's editor: asks the server what is wrong, what may be written, and what it would do.
// It stands in a shadow root, where its style sheets are objects and not inline styles.
import { announce, post, token } from "./send.js";

const CHECK_MS = 250;
const PANE_MS = 900;

const host = document.querySelector("[data-editor]");
const pane = document.querySelector("[data-pane]");

class Desk {
  constructor(section) {
    this.section = section;
    this.file = section.dataset.file;
    this.fingerprint = section.dataset.fingerprint;
    this.saved = "draft" in section.dataset ? null : section.querySelector("[data-source]").value;
  }

  // The text stands there from the start; the editor, which is large, takes its place step by step.
  async open() {
    const { makeEditor } = await import("./setup_editor.js");
    this.editor = await makeEditor(this.section, {
      changed: () => this.changed(),
      suggest: (text, offset, signal) => this.ask("suggest", { text, offset }, signal),
      save: () => this.save(),
    });
    document.querySelector("[data-save]")?.addEventListener("click", () => this.save());
    document.querySelector("[data-delete]")?.addEventListener("click", () => this.remove());
    document.addEventListener("submit", (event) => this.submitted(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.isDirty && !this.isLeaving) event.preventDefault();
    });
    window.addEventListener("hashchange", () => this.goToHash());
    this.show();
    this.goToHash();
    this.check().then(() => location.hash || this.editor.goToFirst());
  }

  get text() {
    return this.editor.text();
  }

  get isDirty() {
    return this.saved !== this.text;
  }

  async ask(what, fields, signal) {
    const body = new URLSearchParams({ file: this.file, fingerprint: this.fingerprint, ...fields });
    return post(`/setup/${what}`, body, signal);
  }

  changed() {
    this.show();
    clearTimeout(this.checking);
    clearTimeout(this.planning);
    this.checking = setTimeout(() => this.check(), CHECK_MS);
    this.planning = setTimeout(() => this.plan(), PANE_MS);
  }

  // Of several answers only that to the last question counts.
  async check() {
    this.question?.abort();
    this.question = new AbortController();
    let response;
    try {
      response = await this.ask("check", { text: this.text }, this.question.signal);
    } catch {
      return; // Asked anew, or no connection: the next key asks again.
    }
    if (!response.ok) return;
    const found = await response.json();
    this.editor.problems(found.problems);
    const errors = found.problems.filter((one) => one.severity === "error").length;
    const words = this.section.dataset;
    const count = this.section.querySelector("[data-count]");
    const mine = errors ? `${errors} ${errors === 1 ? words.wordProblem : words.wordProblems}` : "";
    const others = found.elsewhere ? `${found.elsewhere} ${words.wordElsewhere}` : "";
    count.textContent = [mine, others].filter(Boolean).join(", ");
    count.hidden = !count.textContent;
  }

  async plan() {
    this.planned?.abort();
    this.planned = new AbortController();
    let response;
    try {
      response = await this.ask("pane", { text: this.text }, this.planned.signal);
    } catch {
      return;
    }
    if (!response.ok) return;
    const kept = keptInputs(pane);
    pane.innerHTML = await response.text();
    kept(pane);
  }

  show() {
    const state = this.section.querySelector("[data-state]");
    if (this.saved !== null) {
      state.textContent = this.section.dataset.wordUnsaved;
      state.hidden = !this.isDirty;
    }
    const button = document.querySelector("[data-save]");
    if (button) button.disabled = !this.isDirty;
  }

  async save() {
    if (!this.isDirty) return true;
    const text = this.text;
    const answer = await this.told("save", { text });
    if (!answer) return false;
    const wasNew = !this.fingerprint;
    this.fingerprint = answer.fingerprint;
    this.saved = text;
    this.show();
    announce(answer.said);
    if (wasNew) history.replaceState(null, "", `/setup?file=${encodeURIComponent(this.file)}`);
    this.plan();
    return true;
  }

  async remove() {
    if (await this.told("delete", { text: "" })) {
      this.isLeaving = true;
      location.href = "/setup";
    }
  }

  // Ask for an act; a refusal is shown above the text, in the words of the server.
  async told(what, fields) {
    const note = this.section.querySelector("[data-refused]");
    note.hidden = true;
    let response, body;
    try {
      response = await this.ask(what, fields);
      body = await response.json();
    } catch {
      note.textContent = document.body.dataset.wordOffline;
      note.hidden = false;
      return null;
    }
    if (response.ok) return body;
    const sentences = Object.values(body.error.fields ?? {}).flat();
    note.textContent = [body.error.message, ...sentences].join(" ");
    note.hidden = false;
    document.querySelector("#delete-file")?.close();
    return null;
  }

  // What was typed goes along, and is saved by the very act that applies it.
  submitted(event) {
    if (event.target.id !== "apply") return;
    this.isLeaving = true;
    if (!this.isDirty || event.submitter?.hasAttribute("formaction")) return;
    const hidden = (name, value) => {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      event.target.append(input);
    };
    hidden("text", this.text);
    hidden("seen", this.fingerprint);
  }

  goToHash() {
    const line = /^#L(\d+)$/.exec(location.hash);
    if (line) this.editor.go(Number(line[1]));
  }
}

// What was typed and ticked beside the plan outlives its being drawn anew.
function keptInputs(around) {
  const values = new Map();
  const key = (one) => `${one.name}|${one.type === "checkbox" ? one.value : ""}`;
  for (const one of around.querySelectorAll("input:not([type=hidden]), textarea")) {
    values.set(key(one), one.type === "checkbox" ? one.checked : one.value);
  }
  const focused = document.activeElement?.closest?.("[data-pane]") && document.activeElement.id;
  return (anew) => {
    for (const one of anew.querySelectorAll("input:not([type=hidden]), textarea")) {
      if (!values.has(key(one))) continue;
      if (one.type === "checkbox") one.checked = values.get(key(one));
      else if (values.get(key(one))) one.value = values.get(key(one));
    }
    if (focused) document.getElementById(focused)?.focus();
  };
}

document.querySelector(".ft .on")?.scrollIntoView({ block: "nearest" });
if (host && token()) new Desk(host).open();
