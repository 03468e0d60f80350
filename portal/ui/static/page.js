// Small comforts of every page. Everything here also works without it, by an ordinary page load.
(() => {
  const root = document.documentElement;

  // Theme: at once, and kept by the same POST that the form would make. A device that follows the
  // system may show dark although the server sent the form for "dark".
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-theme-switch]")) return;
    event.preventDefault();
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = next;
    root.dataset.theme = next;
    fetch(form.dataset[next], { method: "POST", redirect: "manual", credentials: "same-origin" });
  });

  // Menus close on Escape and on a click elsewhere, and give the focus back.
  const menus = () => document.querySelectorAll("details.menu[open], details.nav-phone[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // Copy what stands in the element named by data-copy; the button says so in its own words.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    button.dataset.before ??= button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = button.dataset.before), 2000);
  });

  // A page that is a document offers its printing.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });

  // A form is sent once: the second click on a slow line does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 5000);
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // A select or date that stands alone in the tools sends its form itself; the button stays.
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form && form.hasAttribute("data-auto")) form.requestSubmit();
  });

  // What came back with errors, and what htmx put in, takes the focus where it asks for it.
  const focusOn = (place) => place.querySelector?.("[data-focus]")?.focus();
  focusOn(document);
  document.addEventListener("htmx:after:swap", (event) => focusOn(event.target));
})();
