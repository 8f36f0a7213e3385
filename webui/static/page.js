/* The page's own controls: picture pickers with outlines drawn over them, language, examples.
   Pictures go from the browser's memory straight into the request; nothing is stored by the page.
   Every visible word comes from the server's catalogues (props.strings). */
(function () {
  "use strict";

  const LANGUAGE_KEY = "ood-face.language";
  const SVG = "http://www.w3.org/2000/svg";
  const pickers = new Map();

  function make(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function makeSvg(name, attributes) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  }

  function base64(file) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result).split(",", 2)[1] || "");
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(file);
    });
  }

  /* One face: outline, five landmarks, and its number where a picture has several. */
  function drawFace(svg, face, unit, number, pick) {
    const [left, top, right, bottom] = face.box;
    const group = makeSvg("g", { class: face.chosen ? "mark mark-chosen" : "mark" });
    if (number && pick) {
      // people without a mouse have the buttons below the picture
      group.classList.add("mark-pick");
      group.addEventListener("click", () => pick(number));
    }
    const box = { x: left, y: top, width: right - left, height: bottom - top, rx: 3 * unit };
    group.append(makeSvg("rect", { ...box, class: "mark-halo" }), makeSvg("rect", box));
    for (const [x, y] of face.landmarks) {
      group.append(makeSvg("circle", { cx: x, cy: y, r: 2.2 * unit }));
    }
    if (number) {
      const text = makeSvg("text", { x: left + 3 * unit, y: top + 15 * unit });
      text.setAttribute("font-size", 14 * unit);
      text.textContent = String(number);
      group.append(text);
    }
    svg.append(group);
  }

  function overlay(marks, pick) {
    const svg = makeSvg("svg", {
      viewBox: `0 0 ${marks.width} ${marks.height}`,
      preserveAspectRatio: "xMidYMid meet",
      class: "picker-marks",
      "aria-hidden": "true",
    });
    const unit = Math.max(marks.width, marks.height) / 300;
    const numbered = marks.faces.length > 1;
    marks.faces.forEach((face, i) => drawFace(svg, face, unit, numbered ? i + 1 : 0, pick));
    return svg;
  }

  class Picker {
    constructor(element, props, trigger) {
      Object.assign(this, { props, trigger, files: [], stream: null, notice: "" });
      this.root = element.querySelector(".picker");
      this.options = JSON.parse(this.root.dataset.options);
      // the buttons open it
      this.input = make("input");
      this.input.hidden = true;
      this.input.type = "file";
      this.input.accept = "image/*,.jpg,.jpeg,.png,.webp,.bmp";
      this.input.multiple = this.options.many;
      this.input.addEventListener("change", () => this.add([...this.input.files]));
      this.stage = make("div", "picker-stage");
      this.actions = make("div", "picker-actions");
      this.title = make("h3", "picker-title");
      this.faces = make("div", "picker-faces");
      this.faces.setAttribute("role", "group");
      this.root.replaceChildren(this.title, this.stage, this.faces, this.actions, this.input);
      this.root.setAttribute("role", "group");
      this.listenToDrops();
      this.render();
    }

    say(key, values = {}) {
      const template = this.props.strings[key];
      return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
    }

    listenToDrops() {
      const over = (on) => (event) => {
        event.preventDefault();
        this.root.classList.toggle("picker-over", on);
      };
      this.root.addEventListener("dragover", over(true));
      this.root.addEventListener("dragleave", over(false));
      this.root.addEventListener("drop", (event) => {
        over(false)(event);
        this.add([...event.dataTransfer.files]);
      });
    }

    /* Take files in: all of them where several are allowed, otherwise the last one. */
    add(files) {
      if (!files.length) return;
      this.stopCamera();
      const wanted = this.options.many ? [...this.files.map((f) => f.file), ...files] : files.slice(-1);
      const { max_bytes, max_files, max_total_bytes } = this.options;
      const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
      const notices = new Set();
      let total = 0;
      const kept = [];
      for (const file of wanted) {
        if (file.size > max_bytes) {
          notices.add(this.say("too_large", { name: file.name, size: mib(file.size), limit: mib(max_bytes) }));
        } else if (kept.length >= max_files || total + file.size > max_total_bytes) {
          notices.add(this.say("too_many", { limit: max_files, mib: Math.floor(max_total_bytes / 2 ** 20) }));
        } else {
          total += file.size;
          kept.push(file);
        }
      }
      this.notice = [...notices].join(" ");
      this.release();
      this.files = kept.map((file) => ({ file, url: URL.createObjectURL(file) }));
      this.input.value = "";
      this.publish();
    }

    publish() {
      this.marks = [];
      this.face = null;
      this.render();
      this.send();
    }

    send() {
      const peers = [...pickers.values()].filter((p) => p.options.group === this.options.group);
      this.trigger(peers.every((p) => p.files.length) ? "submit" : "clear");
    }

    /* The face of several that is meant; the others keep their outlines. */
    pick(number) {
      this.face = number;
      this.send();
    }

    /* What goes into the request when the server asks for the pictures. */
    pictures() {
      return Promise.all(
        this.files.map(async ({ file }) => ({
          name: file.name,
          data: await base64(file),
          ...(this.face ? { face: this.face } : {}),
        }))
      );
    }

    release() {
      this.files.forEach(({ url }) => URL.revokeObjectURL(url));
      this.files = [];
    }

    clear() {
      this.release();
      this.notice = "";
      this.publish();
    }

    draw() {
      this.marks = this.props.marks || [];
      this.render();
    }

    render() {
      this.title.textContent = this.say("title");
      this.root.setAttribute("aria-label", this.say("title"));
      this.root.classList.toggle("picker-filled", this.files.length > 0);
      this.root.classList.toggle("picker-many", this.options.many);
      if (this.stream) return this.renderCamera();
      this.stage.replaceChildren(...(this.files.length ? this.tiles() : [this.emptyState()]));
      this.renderFaces();
      if (this.notice) {
        const notice = make("p", "picker-notice", this.notice);
        notice.setAttribute("role", "alert");
        this.stage.append(notice);
      }
      const buttons = [this.button(this.files.length ? "replace" : "choose", () => this.input.click())];
      if (navigator.mediaDevices) buttons.push(this.button("webcam", () => this.startCamera()));
      if (navigator.clipboard && navigator.clipboard.read) buttons.push(this.button("paste", () => this.paste()));
      if (this.files.length) buttons.push(this.button("remove", () => this.clear()));
      this.actions.replaceChildren(...buttons);
    }

    renderFaces() {
      const marks = this.options.choose_face && this.files.length ? (this.marks || [])[0] : null;
      const faces = marks && marks.faces.length > 1 ? marks.faces : [];
      const one = faces.filter((face) => face.chosen).length === 1;
      this.faces.hidden = !faces.length;
      this.faces.setAttribute("aria-label", this.say("which_face"));
      const buttons = faces.map((face, i) => {
        const node = make("button", "picker-button picker-face", String(i + 1));
        node.type = "button";
        node.setAttribute("aria-label", this.say("face", { number: i + 1 }));
        node.setAttribute("aria-pressed", String(one && face.chosen));
        node.addEventListener("click", () => this.pick(i + 1));
        return node;
      });
      this.faces.replaceChildren(make("span", "", this.say("which_face")), ...buttons);
    }

    button(key, action) {
      const node = make("button", `picker-button picker-${key}`, this.say(key));
      node.type = "button";
      node.setAttribute("aria-label", `${this.say(key)} - ${this.say("title")}`);
      node.addEventListener("click", action);
      return node;
    }

    emptyState() {
      const empty = make("button", "picker-empty");
      empty.type = "button";
      empty.append(make("span", "picker-plus", "+"), make("span", "", this.say("drop")));
      empty.append(make("small", "", this.say("formats", this.options)));
      empty.addEventListener("click", () => this.input.click());
      return empty;
    }

    tiles() {
      return this.files.map(({ file, url }, i) => {
        const tile = make("figure", "picker-tile");
        const image = make("img");
        image.src = url;
        image.alt = this.say("alt", { name: file.name });
        image.addEventListener("error", () => tile.classList.add("picker-broken"));
        const caption = make("figcaption", "", file.name);
        tile.append(image);
        const marks = (this.marks || [])[i];
        const pick = this.options.choose_face ? (number) => this.pick(number) : null;
        if (marks && marks.width) tile.append(overlay(marks, pick));
        tile.append(caption);
        return tile;
      });
    }

    async paste() {
      try {
        for (const item of await navigator.clipboard.read()) {
          const type = item.types.find((t) => t.startsWith("image/"));
          if (type) return this.add([new File([await item.getType(type)], this.say("pasted"), { type })]);
        }
        this.notice = this.say("nothing_to_paste");
      } catch (error) {
        this.notice = this.say("paste_refused");
      }
      this.render();
    }

    async startCamera() {
      try {
        this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
      } catch (error) {
        this.notice = this.say("webcam_refused");
      }
      this.render();
    }

    stopCamera() {
      if (this.stream) this.stream.getTracks().forEach((track) => track.stop());
      this.stream = null;
    }

    renderCamera() {
      const video = make("video");
      Object.assign(video, { srcObject: this.stream, autoplay: true, muted: true, playsInline: true });
      video.setAttribute("aria-label", this.say("webcam"));
      this.stage.replaceChildren(video);
      const shoot = this.button("shoot", () => this.shoot(video));
      const cancel = this.button("cancel", () => {
        this.stopCamera();
        this.render();
      });
      this.actions.replaceChildren(shoot, cancel);
    }

    shoot(video) {
      const canvas = make("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob((blob) => this.add([new File([blob], this.say("shot"), { type: "image/jpeg" })]), "image/jpeg", 0.95);
    }
  }

  /* Ctrl+V goes to the picker in focus, else to the first visible one without a picture. */
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData ? event.clipboardData.files : [])];
    const visible = [...pickers.values()].filter((p) => p.root.offsetParent !== null);
    const target =
      visible.find((p) => p.root.contains(document.activeElement)) ||
      visible.find((p) => !p.files.length) ||
      visible[0];
    if (files.length && target) target.add(files);
  });

  /* Gradio gives each choice of a group a name of its own, so the browser knows of no group. */
  const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const group = step && event.target.matches("input[type=radio]") && event.target.closest("fieldset");
    if (!group) return;
    const choices = [...group.querySelectorAll("input[type=radio]:not(:disabled)")];
    const at = choices.indexOf(event.target) + step;
    const next = choices[(at + choices.length) % choices.length];
    event.preventDefault();
    next.focus();
    next.click();
  });

  /* Example pairs: a button names two pictures that go into the two pickers. */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-example-left]");
    if (!button) return;
    const load = async (slot, path) => {
      const blob = await (await fetch(path)).blob();
      pickers.get(slot).add([new File([blob], path.split("/").pop(), { type: blob.type })]);
    };
    await load("left", button.dataset.exampleLeft);
    await load("right", button.dataset.exampleRight);
  });

  /* Whoever signed in can sign out; an answer that wants a key leads back to signing in. */
  document.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-sign-out]")) return;
    await fetch("sign-out", { method: "POST", redirect: "manual" });
    window.location.reload();
  });

  /* Buttons of the tabs by the role that they need; others are told when they try. */
  const NEEDS = { identify: "#identify", enroll: "#enrol-one, #enrol-many" };

  function closeButton(button, reason) {
    const id = `${button.id}-lacks`;
    let note = document.getElementById(id);
    if (!reason) {
      if (!note) return;
      note.remove();
      button.disabled = false;
      button.removeAttribute("aria-describedby");
      return;
    }
    if (!note) {
      note = make("p", "lacks");
      note.id = id;
      button.after(note);
    }
    if (note.textContent !== reason) note.textContent = reason;
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-describedby", id);
  }

  let lacks = {};
  let closing = false;

  function closeWhatNeeds() {
    closing = false;
    for (const [role, buttons] of Object.entries(NEEDS)) {
      document.querySelectorAll(buttons).forEach((one) => closeButton(one, lacks[role]));
    }
  }

  /* Gradio draws a tab when it is first opened, and again when something changes. */
  new MutationObserver(() => {
    if (closing) return;
    closing = true;
    requestAnimationFrame(closeWhatNeeds);
  }).observe(document.documentElement, { childList: true, subtree: true });

  const plainFetch = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await plainFetch(...asked);
    if (answer.status === 401 && answer.url.startsWith(window.location.origin)) {
      window.location.assign("sign-in");
    }
    return answer;
  };

  window.oodFace = {
    mountPicker(element, props, trigger, watch) {
      const picker = new Picker(element, props, trigger);
      pickers.set(picker.options.slot, picker);
      watch("strings", () => picker.render());
      watch("marks", () => picker.draw());
    },
    /* Empty where the picker is not there yet or has none. */
    pictures(slot) {
      const picker = pickers.get(slot);
      return picker ? picker.pictures() : [];
    },
    preferredLanguage() {
      const stored = localStorage.getItem(LANGUAGE_KEY);
      return stored || (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
    },
    chooseLanguage(language) {
      localStorage.setItem(LANGUAGE_KEY, language);
    },
    closeWhatNeeds(account) {
      const told = account.querySelector("[data-lacks]");
      lacks = told ? JSON.parse(told.dataset.lacks) : {};
      closeWhatNeeds();
    },
    /* The faces of an extraction are parts of pictures that the browser has already. */
    showFaces() {
      const picker = pickers.get("many");
      for (const face of document.querySelectorAll(".face-thumb")) {
        const picture = picker && picker.files[Number(face.dataset.picture)];
        if (picture) face.style.backgroundImage = `url("${picture.url}")`;
      }
    },
    languageShown(language) {
      this.showFaces();
      document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
      document.title = document.querySelector(".page-header").dataset.title;
      document.body.dataset.language = language;
    },
    busy(on) {
      document.body.toggleAttribute("data-busy", on);
      const verdict = document.querySelector("#verdict");
      if (verdict) verdict.setAttribute("aria-busy", String(on));
    },
    showVerdict() {
      const card = document.querySelector("#verdict .card");
      if (card && card.getBoundingClientRect().top > window.innerHeight * 0.7) {
        card.scrollIntoView({ behavior: "smooth", block: "center" });
      }
    },
  };
})();
