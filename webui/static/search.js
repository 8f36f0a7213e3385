/* The tab Search: buttons, forms and selections inside the server's HTML ask the server. */
(function () {
  "use strict";

  /* Let an element's data-act things ask; keep the keyboard's place when the answer is drawn. */
  window.oodFace.mountActs = (element, trigger, watch) => {
    let last = null;

    function ask(node, more) {
      last = { act: node.dataset.act, id: node.dataset.id };
      trigger("submit", { ...node.dataset, ...more });
    }

    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-act]");
      if (button) ask(button, {});
    });
    element.addEventListener("change", (event) => {
      const select = event.target.closest("select[data-act]");
      if (select) ask(select, { value: select.value });
    });
    element.addEventListener("submit", (event) => {
      const form = event.target.closest("form[data-act]");
      if (!form) return;
      event.preventDefault();
      event.stopPropagation();
      ask(form, Object.fromEntries(new FormData(form)));
    });
    watch("value", () => {
      if (!last) return;
      const { act, id } = last;
      last = null;
      const same = [...element.querySelectorAll("[data-act]")].find(
        (node) => node.dataset.act === act && node.dataset.id === id
      );
      const target = element.querySelector("[data-focus]") || same;
      if (!target) return;
      const field = target.tagName === "FORM" ? target.querySelector("input, select") : target;
      if (field) field.focus({ preventScroll: true });
    });
  };

  window.oodFace.emptyPicker = (slot) => {
    const remove = document.querySelector(`#picker-${slot} .picker-remove`);
    if (remove) remove.click();
  };

  window.oodFace.showFound = () => {
    const card = document.querySelector("#found .card");
    if (card && card.getBoundingClientRect().top > window.innerHeight * 0.7) {
      card.scrollIntoView({ behavior: "smooth", block: "center" });
    }
  };
})();
