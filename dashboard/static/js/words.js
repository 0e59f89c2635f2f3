// The words of every script in the reader's language. English is written in the scripts; other languages arrive as JSON.

const root = globalThis.document?.documentElement;

/** The language of this page, such as "de". */
export const language = root?.lang || "en";

async function load(address) {
  if (!address) return {};
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : {};
  } catch {
    return {}; // English then
  }
}

const catalogue = await load(root?.dataset.words);
const category = new Intl.PluralRules(language);
const figure = new Intl.NumberFormat(language, { useGrouping: false, maximumFractionDigits: 3 });

const shown = (value) => (typeof value === "number" ? figure.format(value) : String(value));
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (mark, name) => (name in values ? shown(values[name]) : mark));

/** A text in the reader's language: t("Sorted {how}.", { how: "by name" }). */
export function t(text, values = {}) {
  const found = catalogue[text];
  return filled(typeof found === "string" ? found : text, values);
}

/** A text that depends on a number: tn("{n} student", "{n} students", 3). */
export function tn(one, many, n, values = {}) {
  const found = catalogue[one];
  const text = typeof found === "object" ? found[category.select(n)] ?? found.other : n === 1 ? one : many;
  return filled(text, { n, ...values });
}

const place = /%\((\w+)\)s/g;
const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
let patterns = null;

/** The catalogue's texts with something to fill in, those with most words of their own first. */
function findPatterns() {
  const own = (text) => text.replace(place, "").length;
  return Object.keys(catalogue).filter((text) => text.includes("%(")).sort((one, other) => own(other) - own(one)).map((text) => ({
    text,
    pattern: new RegExp(`^${text.split(place).map((part, at) => (at % 2 ? `(?<${part}>.+?)` : literal(part))).join("")}$`, "u"),
  }));
}

const one = (found) => (typeof found === "object" ? found.one ?? found.other : found);

/** What the API says in English, in the reader's language: an alert's reason, what made a score. See dashboard/spoken.py. */
export function said(text) {
  if (!text || language === "en") return text;
  if (text in catalogue) return one(catalogue[text]);
  patterns ??= findPatterns();
  for (const { pattern, text: template } of patterns) {
    const found = pattern.exec(text);
    if (found) return one(catalogue[template]).replace(place, (mark, name) => said(found.groups[name]));
  }
  if (text.includes("; ")) return text.split("; ").map(said).join("; ");
  return /^[+\-−]?\d+\.\d+$/.test(text) ? text.replace(".", ",") : text;
}
