/* Many pictures at once: a folder, a zip or files, sent in slices that the server puts together.
   Every visible word comes from the server's catalogues (props.strings). */
(function () {
  "use strict";

  /* bytes of one event, before base64 */
  const SLICE = 6 * 2 ** 20;
  const MIB = 2 ** 20;
  const NOT_MEANT = new Set(["__macosx", "desktop.ini", "thumbs.db"]);

  function make(name, className, text) {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function base64(blob) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result).split(",", 2)[1] || "");
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    });
  }

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function isMeant(name) {
    return !name.split("/").some((part) => part[0] === "." || NOT_MEANT.has(part.toLowerCase()));
  }

  /* Everything below a folder that was dropped, with its name in front. */
  async function below(entry, before) {
    const name = before + entry.name;
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return [{ name, file }];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      // a reader gives a hundred at a time, and nothing at the end
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return found;
      for (const inside of some) found.push(...(await below(inside, `${name}/`)));
    }
  }

  async function dropped(transfer) {
    const items = [...transfer.items].filter((item) => item.kind === "file");
    const entries = items.map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    if (!entries.length || !entries.every(Boolean)) {
      return [...transfer.files].map((file) => ({ name: file.name, file }));
    }
    return (await Promise.all(entries.map((entry) => below(entry, "")))).flat();
  }

  class Collector {
    constructor(element, props, trigger) {
      Object.assign(this, { props, trigger, state: "empty", notice: "", files: [] });
      this.root = element.querySelector(".collector");
      this.options = JSON.parse(this.root.dataset.options);
      this.folder = this.chooser((file) => file.webkitRelativePath || file.name);
      this.folder.webkitdirectory = true;
      this.single = this.chooser((file) => file.name);
      this.single.accept = "image/*,.jpg,.jpeg,.png,.webp,.bmp,.zip";
      this.title = make("h3", "picker-title");
      this.stage = make("div", "collector-stage");
      this.actions = make("div", "picker-actions");
      this.root.replaceChildren(this.title, this.stage, this.actions, this.folder, this.single);
      this.root.setAttribute("role", "group");
      this.listenToDrops();
      this.render();
    }

    say(key, values = {}) {
      return this.props.strings[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
    }

    chooser(nameOf) {
      const input = make("input");
      Object.assign(input, { type: "file", multiple: true, hidden: true });
      input.addEventListener("change", () => {
        const files = [...input.files].map((file) => ({ name: nameOf(file), file }));
        input.value = "";
        this.add(files);
      });
      return input;
    }

    listenToDrops() {
      const over = (on) => (event) => {
        event.preventDefault();
        this.root.classList.toggle("picker-over", on);
      };
      this.root.addEventListener("dragover", over(true));
      this.root.addEventListener("dragleave", over(false));
      this.root.addEventListener("drop", async (event) => {
        over(false)(event);
        if (this.state !== "sending") this.add(await dropped(event.dataTransfer));
      });
    }

    add(chosen) {
      const files = chosen.filter(({ name }) => isMeant(name));
      if (!chosen.length) return;
      this.drop();
      const total = files.reduce((sum, { file }) => sum + file.size, 0);
      const { max_bytes, max_files } = this.options;
      const mib = (bytes) => (bytes / MIB).toFixed(1);
      if (!files.length) return this.fail(this.say("nothing"));
      if (files.length > max_files) {
        return this.fail(this.say("too_many", { count: files.length, limit: max_files }));
      }
      if (total > max_bytes) {
        return this.fail(this.say("too_large", { size: mib(total), limit: mib(max_bytes) }));
      }
      Object.assign(this, { files, total, sent: 0, next: { file: 0, offset: 0 } });
      Object.assign(this, { id: newId(), state: "sending", notice: "" });
      this.render();
      this.send();
    }

    /* The next slice: whole files while there is room, the last one perhaps in part. */
    async send() {
      const id = this.id;
      const parts = [];
      let room = SLICE;
      try {
        while (this.next.file < this.files.length && room > 0) {
          const { name, file } = this.files[this.next.file];
          const { offset } = this.next;
          const end = Math.min(offset + room, file.size);
          const data = await base64(file.slice(offset, end));
          parts.push({ file: this.next.file, name, offset, data });
          // an empty file takes room as well, or many of them would be one slice
          room -= end - offset + 1024;
          this.sent += end - offset;
          this.next = end < file.size ? { file: this.next.file, offset: end } : { file: this.next.file + 1, offset: 0 };
        }
      } catch (error) {
        if (this.id === id) this.fail(this.say("unreadable"));
        return;
      }
      if (this.id !== id) return;
      const last = this.next.file >= this.files.length;
      this.trigger("submit", { bundle: id, last, parts });
    }

    /* What the server says to a slice, or after it has done with the pictures. */
    answered() {
      const answer = this.props.answer || {};
      if (answer.reset) return this.empty();
      if (answer.bundle !== this.id) return;
      if (answer.problem) return this.fail(answer.problem);
      if (answer.complete) this.state = "sent";
      else this.send();
      this.render();
    }

    fail(notice) {
      Object.assign(this, { id: null, state: "empty", notice, files: [] });
      this.render();
    }

    empty() {
      this.fail("");
    }

    /* Forget what was chosen, also on the server. */
    drop() {
      if (this.id) this.trigger("clear", { bundle: this.id });
      this.empty();
    }

    render() {
      if (!this.props.strings) return;
      this.title.textContent = this.say("title");
      this.root.setAttribute("aria-label", this.say("title"));
      const focused = this.root.contains(document.activeElement);
      this.stage.replaceChildren(...this.content());
      this.actions.replaceChildren(...this.buttons());
      if (focused && !this.root.contains(document.activeElement)) {
        this.root.querySelector("button").focus({ preventScroll: true });
      }
    }

    content() {
      if (this.state === "empty") {
        const parts = [make("p", "collector-text", this.say("drop"))];
        parts.push(make("small", "", this.say("limits", this.numbers())));
        if (this.notice) {
          const notice = make("p", "picker-notice", this.notice);
          notice.setAttribute("role", "alert");
          parts.push(notice);
        }
        return parts;
      }
      const text = make("p", "collector-text", this.say(this.state, this.numbers()));
      text.setAttribute("role", "status");
      if (this.state === "sent") return [text];
      const bar = make("div", "collector-bar");
      const share = this.total ? Math.round((100 * this.sent) / this.total) : 100;
      bar.setAttribute("role", "progressbar");
      bar.setAttribute("aria-label", this.say("title"));
      bar.setAttribute("aria-valuenow", String(share));
      bar.append(make("div", "collector-fill"));
      bar.firstChild.style.width = `${share}%`;
      return [text, bar];
    }

    numbers() {
      // what is there is not nothing
      const mib = (bytes) => (bytes ? Math.max(bytes / MIB, 0.1) : 0).toFixed(1);
      const { max_bytes, max_files } = this.options;
      return {
        count: this.files.length,
        sent: mib(this.sent || 0),
        size: mib(this.total || 0),
        files: max_files,
        mib: Math.floor(max_bytes / MIB),
      };
    }

    buttons() {
      if (this.state === "sending") return [this.button("cancel", () => this.drop())];
      const choose = [
        this.button("folder", () => this.folder.click()),
        this.button("files", () => this.single.click()),
      ];
      return this.state === "sent" ? [...choose, this.button("remove", () => this.drop())] : choose;
    }

    button(key, action) {
      const node = make("button", "picker-button", this.say(key));
      node.type = "button";
      node.dataset.does = key;
      node.addEventListener("click", action);
      return node;
    }
  }

  window.oodFace.mountCollector = (element, props, trigger, watch) => {
    const collector = new Collector(element, props, trigger);
    watch("strings", () => collector.render());
    watch("answer", () => collector.answered());
  };
})();
