// The form of a conflict: takes a side at all paths, and says at once where a value is no JSON.
(() => {
  const NO_JSON = 'Write JSON: a text in quotation marks, such as "leaf-01"; a number, true, false or null without.';

  const chosen = (area) => document.getElementById(area.dataset.fgdValue).checked;

  // check says at a text area what is wrong with its value, where that is taken.
  const check = (area) => {
    area.setCustomValidity("");
    if (!chosen(area)) {
      return;
    }
    try {
      JSON.parse(area.value);
    } catch {
      area.setCustomValidity(NO_JSON);
    }
  };

  const checkAll = (form) => form.querySelectorAll("[data-fgd-value]").forEach(check);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fgd-take]");
    const form = button?.closest("[data-fgd-conflict]");
    if (!form) {
      return;
    }
    form.querySelectorAll(`input[type=radio][value=${button.dataset.fgdTake}]`).forEach((radio) => {
      radio.checked = true;
    });
    checkAll(form);
  });

  // Who writes a value takes it.
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-fgd-conflict]");
    if (!form) {
      return;
    }
    if (event.target.matches("[data-fgd-value]")) {
      document.getElementById(event.target.dataset.fgdValue).checked = true;
    }
    checkAll(form);
  });

  // htmx sends nothing that is not valid, and does not say so.
  document.addEventListener("htmx:validation:halted", (event) => {
    event.target.closest("[data-fgd-conflict]")?.reportValidity();
  });
})();
