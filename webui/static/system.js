/* The tab System: snippets to copy. */
(function () {
  "use strict";

  const SHOWN_MS = 2000;

  async function copy(text, pre) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // without TLS a browser gives no clipboard to pages of other machines: select it for the visitor
    const range = document.createRange();
    range.selectNodeContents(pre);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    document.execCommand("copy");
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.dataset.before) return;
    const pre = button.closest(".snippet").querySelector("pre");
    await copy(pre.textContent, pre);
    button.dataset.before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = button.dataset.before;
      delete button.dataset.before;
    }, SHOWN_MS);
  });
})();
