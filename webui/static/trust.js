/* The tab Trust: its parts ask the server one thing after the other, and keep the focus where the
   visitor left it. */
(function () {
  "use strict";

  const parts = new Map();
  const LABEL_OF_KEY = { 1: "same", 2: "different", 3: "unusable" };
  const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);

  class Part {
    constructor(element, trigger) {
      Object.assign(this, { element, trigger, waiting: [], current: null, focus: null });
      element.addEventListener("click", (event) => this.clicked(event));
      element.addEventListener("change", (event) => this.changed(event));
      // drawn again whenever it comes into view: others may have been at work meanwhile
      new IntersectionObserver((entries) => {
        if (entries.some((entry) => entry.isIntersecting)) this.ask({ do: "show" });
      }).observe(element);
    }

    get visible() {
      return this.element.offsetParent !== null;
    }

    filters() {
      const chosen = {};
      for (const field of this.element.querySelectorAll("[data-filter]")) {
        chosen[field.dataset.filter] = field.type === "checkbox" ? field.checked : field.value;
      }
      return chosen;
    }

    ask(wish) {
      this.waiting.push({ ...this.filters(), ...wish });
      if (!this.current) this.next();
    }

    next() {
      this.current = this.waiting.shift() || null;
      if (this.current) {
        this.element.setAttribute("aria-busy", "true");
        this.trigger("submit");
      } else {
        this.element.removeAttribute("aria-busy");
      }
    }

    clicked(event) {
      const button = event.target.closest("[data-do]");
      if (!button || button.disabled) return;
      if (button.dataset.ask && !window.confirm(button.dataset.ask)) return;
      this.act(button);
    }

    /* What a button asks for; a card that is answered makes room at once. */
    act(button) {
      const { do: wish, item, label } = button.dataset;
      const card = button.closest("[data-item][tabindex]");
      if (card) this.leave(card, wish);
      else this.focus = button.dataset.do;
      this.ask({ do: wish, item, label });
    }

    leave(card, wish) {
      const stays = wish === "label" && this.filters().state !== "open";
      const cards = this.cards();
      const next = stays ? card : cards[cards.indexOf(card) + 1] || cards[cards.indexOf(card) - 1];
      this.focus = next ? `#${next.getAttribute("aria-labelledby")}` : "";
      if (stays) return;
      card.classList.add("leaving");
      if (next) next.focus({ preventScroll: true });
    }

    cards() {
      return [...this.element.querySelectorAll(".review-card:not(.leaving)")];
    }

    changed(event) {
      const field = event.target.closest("[data-filter]");
      if (!field) return;
      this.focus = `[data-filter="${field.dataset.filter}"]`;
      this.ask({ do: "show" });
    }

    /* After the answer is drawn: the focus goes to where it was. */
    drawn() {
      const download = document.querySelector("[data-now]");
      if (download) {
        download.removeAttribute("data-now");
        download.click();
      }
      if (this.keys !== undefined) {
        const box = this.element.querySelector("[data-keys]");
        if (box) box.checked = this.keys;
      }
      if (!this.focus) return;
      const found = this.element.querySelector(this.focus);
      const target = found && (found.closest(".review-card") || found);
      if (target) target.focus({ preventScroll: this.focus.startsWith("#") === false });
      this.focus = null;
    }

    pressed(event) {
      const label = LABEL_OF_KEY[event.key];
      const box = this.element.querySelector("[data-keys]");
      if (!label || !box || !box.checked) return;
      const focused = document.activeElement;
      // a tab has the focus where the visitor has just come here
      const elsewhere = focused !== document.body && focused.role !== "tab";
      const outside = elsewhere && !this.element.contains(focused);
      const field = FIELDS.has(focused.tagName) && focused !== box;
      if (outside || field || event.repeat) return;
      const card = focused.closest(".review-card:not(.leaving)") || this.cards()[0];
      const button = card && card.querySelector(`[data-label="${label}"]`);
      if (button) this.act(button);
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    for (const part of parts.values()) if (part.visible) part.pressed(event);
  });

  document.addEventListener("change", (event) => {
    const part = parts.get("review");
    if (part && event.target.matches("[data-keys]")) part.keys = event.target.checked;
  });

  /* What stands beside a part's list, such as the way back, asks as its own buttons do. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#review-said [data-do]");
    if (button) parts.get("review").act(button);
  });

  window.oodFace.trust = {
    mount(name, element, trigger, watch) {
      parts.set(name, new Part(element, trigger));
      watch("value", () => parts.get(name).drawn());
    },
    asked(name) {
      return parts.get(name).current;
    },
    done(name) {
      parts.get(name).next();
    },
  };
})();
