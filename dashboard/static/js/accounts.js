/** The pages of accounts: a button that copies a link, and the student's field only where the role asks for it. */

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied;
  });
  field.addEventListener("focus", () => field.select());
}

const student = document.querySelector("[data-for-student]");
const roles = [...document.querySelectorAll("input[name=role]")];
if (student) {
  const show = () => {
    student.hidden = !roles.some((role) => role.checked && role.value === "student");
  };
  for (const role of roles) role.addEventListener("change", show);
  show();
}
