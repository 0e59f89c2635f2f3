// A dedicated worker's timer: it goes on at full pace while the tab is hidden, where a page's own is slowed down.
let timer = null;
onmessage = ({ data: interval_ms }) => {
  clearInterval(timer);
  timer = setInterval(() => postMessage(null), interval_ms);
};
