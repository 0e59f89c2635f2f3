// Dragging by mouse, pen or finger. A finger drags after a short rest, so that a swipe still scrolls.

const FAR_PX = 6;
const REST_MS = 250;

/** Call `drop(student, place)` when a student is dragged to a place: an element with data-seat, or the list. */
export function setUpDragging(page, drop) {
  let drag = null;
  let justDragged = false;

  const placeAt = (x, y) => document.elementFromPoint(x, y)?.closest("[data-seat], .standing") ?? null;

  function begin() {
    if (!drag || drag.ghost) return;
    clearTimeout(drag.timer);
    drag.ghost = document.createElement("div");
    drag.ghost.className = "ghost";
    drag.ghost.setAttribute("aria-hidden", "true");
    drag.ghost.textContent = drag.button.querySelector(".who")?.textContent ?? drag.button.textContent;
    document.body.append(drag.ghost);
    drag.button.classList.add("dragged");
    show();
  }

  function show() {
    drag.ghost.style.transform = `translate(${drag.x}px, ${drag.y}px)`;
    const place = placeAt(drag.x, drag.y);
    if (place === drag.place) return;
    drag.place?.classList.remove("target");
    place?.classList.add("target");
    drag.place = place;
  }

  function end(dropped) {
    if (!drag) return;
    const { button, ghost, place, student, timer } = drag;
    clearTimeout(timer);
    drag = null;
    if (!ghost) return;
    ghost.remove();
    button.classList.remove("dragged");
    place?.classList.remove("target");
    justDragged = true;
    setTimeout(() => { justDragged = false; }); // the click that follows is none
    if (dropped && place) drop(student, place.dataset.seat ?? null);
  }

  page.addEventListener("pointerdown", (event) => {
    const button = event.target.closest("button[data-student]");
    if (!button || button.disabled || event.button !== 0 || !event.isPrimary) return;
    drag = { button, student: Number(button.dataset.student), x: event.clientX, y: event.clientY, ghost: null, place: null };
    drag.from = { x: drag.x, y: drag.y };
    drag.touch = event.pointerType === "touch";
    drag.timer = drag.touch ? setTimeout(begin, REST_MS) : 0;
    button.releasePointerCapture?.(event.pointerId);
  });
  addEventListener("pointermove", (event) => {
    if (!drag || !event.isPrimary) return;
    [drag.x, drag.y] = [event.clientX, event.clientY];
    if (drag.ghost) { show(); return; }
    if (Math.hypot(drag.x - drag.from.x, drag.y - drag.from.y) < FAR_PX) return;
    if (drag.touch) end(false);
    else begin();
  });
  addEventListener("pointerup", () => end(true));
  addEventListener("pointercancel", () => end(false));
  addEventListener("keydown", (event) => { if (event.key === "Escape") end(false); });
  page.addEventListener("touchmove", (event) => { if (drag?.ghost) event.preventDefault(); }, { passive: false });
  page.addEventListener("contextmenu", (event) => { if (drag?.touch) event.preventDefault(); });
  page.addEventListener("click", (event) => {
    if (!justDragged) return;
    event.stopPropagation();
    event.preventDefault();
  }, true);
}
