// Dialogs: [data-opens=id] opens, [data-closes] closes, Esc closes by itself.

export function setUpDialogs() {
  addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-opens]");
    if (opener) open(opener.dataset.opens);
    event.target.closest?.("[data-closes]")?.closest("dialog")?.close();
  });
}

export function open(id) {
  const dialog = document.getElementById(id);
  if (dialog && !document.querySelector("dialog[open]")) dialog.showModal();
}
