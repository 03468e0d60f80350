/* A date that is chosen means "chosen days"; runs before the form is sent or read. */
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || !form.classList.contains("filters")) return;
  if (event.target.name === "first" || event.target.name === "last") {
    form.elements.period.value = "custom";
  }
});
