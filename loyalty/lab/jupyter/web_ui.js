// Runs in each page of the Temporal Web UI, before the Web UI's own scripts (see loyalty/lab/jupyter/proxy.py).
// It acts only where the page is docked in JupyterLab. In a browser tab of its own the Web UI is as Temporal made it.
(() => {
  if (window.parent === window) return;
  const LOOK_EVERY_MILLISECONDS = 500;
  const PATIENCE_MILLISECONDS = 5000;
  const jupyterlab = window.parent.document;
  const dock = window.frameElement;

  // Links in a notebook have this target. JupyterLab's frame has no name, and a name that it gets later is no target.
  window.name = "loyalty-web-ui";

  // After each navigation the Web UI's scripts focus its main element, and the notebook no longer gets what the
  // learner types. Here scripts may move the focus only while the learner is in this page, by a click or the Tab key.
  for (const kind of [HTMLElement, SVGElement]) {
    const focus = kind.prototype.focus;
    kind.prototype.focus = function (...options) {
      if (document.hasFocus()) focus.apply(this, options);
    };
  }
  window.focus = () => {};

  // The notebook in front is the visible one. If several are visible, it is the one that had the focus last.
  let focused = null;
  function notebookInFront() {
    focused = jupyterlab.activeElement?.closest(".jp-NotebookPanel") ?? focused;
    const visible = [...jupyterlab.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden)")];
    return visible.includes(focused) ? focused : visible[0];
  }

  // Return how many workflows of each status a list has, or null if the address is no list or its server has ended.
  async function count(list) {
    const [, ui, namespace] = new URL(list).pathname.match(/^(.*)\/namespaces\/([^/]+)\/workflows\/?$/) ?? [];
    if (!namespace) return null;
    const address = `${ui}/api/v1/namespaces/${namespace}/workflow-count?query=GROUP+BY+ExecutionStatus`;
    const counted = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) })
      .then((answer) => (answer.ok ? answer.text() : null))
      .catch(() => null); // an answer may break off in its middle, too
    return counted === null ? null : `${namespace} ${counted}`;
  }

  // Each lab shows a link to the list of its namespace; the last link belongs to the notebook's newest lab.
  async function followNotebook() {
    const links = notebookInFront()?.querySelectorAll(`a[target="${window.name}"][href$="/workflows"]`) ?? [];
    const list = links[links.length - 1]?.href;
    if (!list || list === dock.dataset.followed) return;
    // JupyterLab's frame remembers the list, because this page ends. Until another list is in front, the learner may
    // go anywhere in the Web UI.
    dock.dataset.followed = list;
    if (!location.href.startsWith(list) && (await count(list)) !== null) location.assign(list);
  }

  // The Web UI looks for new workflows when its Refresh button is clicked. Other pages than lists refresh themselves.
  let shown = null;
  async function refreshList() {
    const counted = await count(location.href);
    const button = document.querySelector("h1:has([data-testid=workflow-count]) + button");
    if (counted === null || button === null || counted === shown) return;
    button.click();
    shown = counted;
  }

  async function look() {
    // A hub ends sessions that are idle. JupyterLab, too, sends requests only while the learner can see it.
    try {
      if (document.visibilityState === "visible" && dock.checkVisibility()) {
        await followNotebook();
        await refreshList();
      }
    } finally {
      setTimeout(look, LOOK_EVERY_MILLISECONDS); // an error must not be the end of all looks
    }
  }
  setTimeout(look, LOOK_EVERY_MILLISECONDS);
})();
