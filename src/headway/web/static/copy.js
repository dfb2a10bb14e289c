// Beside what is shown to be handed on: a button that copies it. Without it, it is selected and copied by hand.

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select(); // over plain HTTP there is no clipboard to write to
    return document.execCommand("copy");
  }
}

for (const field of document.querySelectorAll("main [readonly]")) {
  const row = document.createElement("p"), button = document.createElement("button"), told = document.createElement("span");
  row.className = "actions";
  button.type = "button";
  button.className = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${field.labels[0]?.textContent ?? ""}`);
  told.className = "dim";
  told.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    told.textContent = (await copy(field)) ? "Copied." : "The browser does not let it be copied: select it, and copy it by hand.";
  });
  row.append(button, told);
  field.after(row);
}
