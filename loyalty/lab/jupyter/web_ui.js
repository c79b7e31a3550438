// Runs in each page of the Temporal Web UI, before the Web UI's own scripts (see loyalty/lab/jupyter/proxy.py).
// It acts only in a page that is docked in JupyterLab. In a separate browser tab the Web UI stays unchanged.
(() => {
  if (window.parent === window) return;
  const LOOK_EVERY_MILLISECONDS = 500;
  const PATIENCE_MILLISECONDS = 5000;
  const jupyterlab = window.parent.document;
  const dock = window.frameElement;

  // Links in a notebook have this target. JupyterLab gives its frame no name, so the page sets the name itself.
  window.name = "loyalty-web-ui";

  // After each navigation the Web UI's scripts focus its main element, and the notebook would lose the keyboard.
  // So scripts may move the focus only after the learner has entered this page with a click or the Tab key.
  for (const kind of [HTMLElement, SVGElement]) {
    const focus = kind.prototype.focus;
    kind.prototype.focus = function (...options) {
      if (document.hasFocus()) focus.apply(this, options);
    };
  }
  window.focus = () => {};

  // The notebook in front is the visible notebook. If several are visible, the last focused one is in front.
  let focused = null;
  function notebookInFront() {
    focused = jupyterlab.activeElement?.closest(".jp-NotebookPanel") ?? focused;
    const visible = [...jupyterlab.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden)")];
    return visible.includes(focused) ? focused : visible[0];
  }

  // Return the number of workflows by status in a list, or null if the address is no list or the server has ended.
  async function count(list) {
    const [, ui, namespace] = new URL(list).pathname.match(/^(.*)\/namespaces\/([^/]+)\/workflows\/?$/) ?? [];
    if (!namespace) return null;
    const address = `${ui}/api/v1/namespaces/${namespace}/workflow-count?query=GROUP+BY+ExecutionStatus`;
    const counted = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) })
      .then((answer) => (answer.ok ? answer.text() : null))
      .catch(() => null); // the connection may also break in the middle of an answer
    return counted === null ? null : `${namespace} ${counted}`;
  }

  // Each lab shows a link to the workflow list of its namespace. The last link belongs to the notebook's newest lab.
  async function followNotebook() {
    const links = notebookInFront()?.querySelectorAll(`a[target="${window.name}"][href$="/workflows"]`) ?? [];
    const list = links[links.length - 1]?.href;
    if (!list || list === dock.dataset.followed) return;
    // JupyterLab's frame stores the list, because location.assign ends this page. The learner may visit other pages
    // of the Web UI until a notebook with another list is in front.
    dock.dataset.followed = list;
    if (!location.href.startsWith(list) && (await count(list)) !== null) location.assign(list);
  }

  // The Web UI's list shows new workflows only after a click on its Refresh button. Other pages refresh themselves.
  let shown = null;
  async function refreshList() {
    const counted = await count(location.href);
    const button = document.querySelector("h1:has([data-testid=workflow-count]) + button");
    if (counted === null || button === null || counted === shown) return;
    button.click();
    shown = counted;
  }

  async function look() {
    // A hub ends idle sessions. So this page sends requests only while it is visible, as JupyterLab does.
    try {
      if (document.visibilityState === "visible" && dock.checkVisibility()) {
        await followNotebook();
        await refreshList();
      }
    } finally {
      setTimeout(look, LOOK_EVERY_MILLISECONDS); // continue after an error
    }
  }
  setTimeout(look, LOOK_EVERY_MILLISECONDS);
})();
