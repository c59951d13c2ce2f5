"use strict";
// One sound at a time; a line runs over the pictures while it plays, and a click there jumps to it.
for (const article of document.querySelectorAll(".case")) {
  const sounds = [...article.querySelectorAll("audio")];
  const picture = article.querySelector(".picture");
  const head = article.querySelector(".playhead");
  const last = sounds[sounds.length - 1];
  let current = last;

  const place = () => {
    if (!picture) return;
    const { left, right, seconds } = picture.dataset;
    const share = Math.min(current.currentTime / seconds, 1);
    head.style.left = `${100 * (+left + share * (right - left))}%`;
    head.classList.add("on");
    head.classList.toggle("of-reference", current !== last);
    if (!current.paused) requestAnimationFrame(place);
  };
  for (const sound of sounds) {
    sound.addEventListener("play", () => {
      for (const other of document.querySelectorAll("audio")) if (other !== sound) other.pause();
      current = sound;
      place();
    });
    sound.addEventListener("seeked", () => { if (sound === current) place(); });
  }
  picture?.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const { left, right, seconds } = picture.dataset;
    const share = ((event.clientX - box.left) / box.width - left) / (right - left);
    current.currentTime = Math.min(Math.max(share, 0), 1) * seconds;
    current.play();
  });
  article.querySelector(".switch")?.addEventListener("click", () => {
    const next = sounds[current === last ? 0 : sounds.length - 1];
    const share = current.currentTime / (current.duration || 1);
    next.currentTime = share < 1 ? share * (next.duration || 0) : 0;
    next.play();
  });
}

// The table of recordings is sorted by the column that is clicked, the other way round at a second click.
for (const table of document.querySelectorAll("table.recordings")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => head.addEventListener("click", () => {
    const order = head.ariaSort === "descending" ? 1 : -1;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.ariaSort = order === 1 ? "ascending" : "descending";
    const value = (row) => row.cells[column].dataset.value ?? "";
    const compare = (a, b) => {
      if (value(a) === "" || value(b) === "") return (value(a) === "") - (value(b) === "");
      return order * (column ? value(a) - value(b) : value(a).localeCompare(value(b)));
    };
    body.append(...[...body.rows].sort(compare));
  }));
}
