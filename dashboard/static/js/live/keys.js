// Single keys. They can be switched off (WCAG 2.1.4) and never act while something is typed or a dialog is open.

const SWITCH = "engage-keys";

export function setUpKeys(actions, box) {
  let on = true;
  try { on = localStorage.getItem(SWITCH) !== "off"; } catch { /* storage may be closed */ }
  box.checked = on;
  box.addEventListener("change", () => {
    on = box.checked;
    try { localStorage.setItem(SWITCH, on ? "on" : "off"); } catch { /* as above */ }
  });

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") { actions.Escape(event); return; }
    if (!on || event.repeat || event.target.matches?.("input, select, textarea")) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}
