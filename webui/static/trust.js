/* The tab Trust: its parts ask the server one thing after the other, and keep the focus where the
   visitor left it. */
(function () {
  "use strict";

  const parts = new Map();
  const LABEL_OF_KEY = { 1: "same", 2: "different", 3: "unusable" };
  const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);

  /* Plots: data come with the page, Plotly with Gradio; colours are the page's own. */
  let loading = null;

  function library(address) {
    if (!loading) {
      loading = import(new URL(address, document.baseURI)).then(() => window.Plotly);
    }
    return loading;
  }

  function coloured(value, style) {
    if (typeof value === "string" && value.startsWith("@")) {
      return style.getPropertyValue(`--${value.slice(1)}`).trim();
    }
    if (Array.isArray(value)) return value.map((one) => coloured(one, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, coloured(one, style)])
      );
    }
    return value;
  }

  function painted(stage) {
    const style = getComputedStyle(stage);
    const { data, layout } = coloured(JSON.parse(stage.dataset.figure), style);
    const line = style.getPropertyValue("--line").trim();
    const ink = style.getPropertyValue("--ink").trim();
    for (const axis of [layout.xaxis, layout.yaxis]) {
      Object.assign(axis, { gridcolor: line, linecolor: line, automargin: true, fixedrange: true });
    }
    layout.font = { family: style.fontFamily, size: 13, color: ink };
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.dragmode = false;
    return { data, layout };
  }

  async function draw(stage) {
    try {
      const plotly = await library(stage.dataset.library);
      const { data, layout } = painted(stage);
      if (!stage.isConnected || stage.offsetParent === null) return;
      await plotly.newPlot(stage, data, layout, { displayModeBar: false, responsive: true });
      stage.dataset.drawn = "yes";
    } catch (error) {
      stage.textContent = stage.dataset.missing;
    }
  }

  /* Drawn a little before they come into view. */
  const inView = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        inView.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "300px" }
  );

  async function savePng(button) {
    const stage = button.closest("figure").querySelector(".plot");
    const plotly = await library(stage.dataset.library);
    const { data, layout } = painted(stage);
    const title = button.closest("figure").querySelector("h4").textContent;
    const surface = getComputedStyle(stage).getPropertyValue("--surface").trim();
    Object.assign(layout, { paper_bgcolor: surface, title: { text: title, font: { size: 18 } } });
    layout.margin = { ...layout.margin, t: 70 };
    const size = { format: "png", width: 960, height: 560, scale: 2 };
    const link = document.createElement("a");
    link.href = await plotly.toImage({ data, layout }, size);
    link.download = `${button.dataset.png}.png`;
    link.click();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-png]");
    if (button) savePng(button);
  });

  class Part {
    constructor(element, fresh, trigger) {
      Object.assign(this, { element, trigger, waiting: [], current: null, focus: null });
      element.addEventListener("click", (event) => this.clicked(event));
      element.addEventListener("change", (event) => this.changed(event));
      element.addEventListener("focusin", (event) => this.focused(event.target));
      element.addEventListener("focusout", (event) => {
        if (event.relatedTarget && !element.contains(event.relatedTarget)) this.focus = null;
      });
      // drawn again whenever it comes into view: others may have been at work meanwhile
      if (!fresh) return;
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

    /* Where the focus is, in words that find its place again after everything was drawn anew. */
    focused(target) {
      const card = target.closest(".review-card");
      const { do: wish, filter } = target.dataset;
      if (card) this.focus = `#${card.getAttribute("aria-labelledby")}`;
      else if (filter) this.focus = `[data-filter="${filter}"]`;
      else if (wish) this.focus = `[data-do="${wish}"]`;
    }

    /* What a button asks for; a card that is answered makes room at once. */
    act(button) {
      const { do: wish, item, label } = button.dataset;
      const card = button.closest("[data-item][tabindex]");
      if (card) this.leave(card, wish);
      else this.focus = `[data-do="${wish}"]`;
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

    /* A field of a list asks at once; one of a form waits for its button. */
    changed(event) {
      const field = event.target.closest(".review-filters")
        ? event.target.closest("[data-filter]")
        : null;
      if (!field) return;
      this.focus = `[data-filter="${field.dataset.filter}"]`;
      this.ask({ do: "show" });
    }

    /* After an answer is drawn: what waits for its own answer stays away, the focus goes back. */
    drawn() {
      for (const stage of this.element.querySelectorAll(".plot")) inView.observe(stage);
      const asked = [this.current, ...this.waiting].filter((wish) => wish && wish.item);
      for (const { item } of asked) {
        const card = this.element.querySelector(`.review-card[data-item="${item}"]`);
        if (card && this.filters().state === "open") card.classList.add("leaving");
      }
      const box = this.element.querySelector("[data-keys]");
      if (box && this.keys !== undefined) box.checked = this.keys;
      if (!this.focus || document.activeElement !== document.body) return;
      const found = this.element.querySelector(this.focus)
        || this.element.querySelector("[data-do]");
      const target = found && (found.closest(".review-card") || found);
      if (target) target.focus({ preventScroll: true });
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
    mount(name, fresh, element, trigger, watch) {
      parts.set(name, new Part(element, fresh, trigger));
      watch("value", () => parts.get(name).drawn());
    },
    /* A file that was made on request is saved at once; the link stays for whoever missed it. */
    save(element) {
      const link = element.querySelector("[data-now]");
      if (link) link.click();
    },
    asked(name) {
      return parts.get(name).current;
    },
    done(name) {
      parts.get(name).next();
    },
  };
})();
