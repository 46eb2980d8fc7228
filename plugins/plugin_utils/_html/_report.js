/* Copyright (c) the linux_tcp.tuning authors
   GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later */

/* Makes the table of hosts sortable and adds buttons that copy commands. The page is whole without it. No text is ever
   made markup here: textContent only. */

"use strict";

/* Until the page is whole, and how many rows to show is known, the style sheet hides all but the first ones. */
document.documentElement.className = "loading";

addEventListener("DOMContentLoaded", () => {
  /* Later, and even if something below fails. */
  setTimeout(() => { document.documentElement.className = ""; });

  const table = document.querySelector("table.fleet");
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  /* The sections below follow the rows of the table. */
  const sections = new Map();
  for (const inside of document.querySelectorAll("details > .host")) sections.set("#" + inside.id, inside.parentElement);

  /* So many rows are shown at a time: a browser lays out thousands of them for seconds. */
  const STEP = 500;
  let limit = STEP;
  /* All rows as they are sorted now. */
  let rows = [];

  function button(words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  function sortable() {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    const first = rows;
    const numeric = heads.map((_head, column) => rows.some((row) => row.cells[column].dataset.v !== undefined));

    function keyOf(cell, isNumber) {
      if (isNumber) return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
      return cell.textContent === "\u2013" ? null : cell.textContent;
    }

    /* Unknown values stay at the end, whichever way a column is sorted; equal ones as they were at first. */
    function sort(column, direction) {
      const keys = new Map(first.map((row, place) => [row, [keyOf(row.cells[column], numeric[column]), place]]));
      rows = [...first].sort((one, other) => {
        const [a, atA] = keys.get(one);
        const [b, atB] = keys.get(other);
        if (a === null || b === null) return (a === null) - (b === null) || atA - atB;
        return (numeric[column] ? a - b : words.compare(a, b)) * direction || atA - atB;
      });
      body.append(...rows);
      heads.forEach((head, at) => {
        if (at === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
    }

    heads.forEach((head, column) => {
      head.replaceChildren(button(head.textContent, () => {
        const now = head.getAttribute("aria-sort");
        const direction = now === null ? (numeric[column] ? -1 : 1) : now === "ascending" ? -1 : 1;
        limit = STEP;
        sort(column, direction);
        show();
      }));
    });
    heads[heads.length - 1].setAttribute("aria-sort", "descending");
  }

  const box = document.getElementById("filter");
  const only = document.getElementById("only");
  const shown = document.getElementById("shown");
  const more = button("", () => { limit += STEP; show(); });
  const texts = new Map();

  function textOf(row) {
    if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
    return texts.get(row);
  }

  /* Shows the rows that match, as many as there may be, and the sections of all that match. */
  function show() {
    const wanted = box.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let matching = 0;
    for (const row of rows) {
      const matches = wanted.every((word) => textOf(row).includes(word)) && !(only.checked && row.className === "fine");
      matching += matches;
      row.hidden = !matches || matching > limit;
      sections.get(row.querySelector("a").getAttribute("href")).hidden = !matches;
    }
    const left = matching - limit;
    const all = rows.length === 1 ? "1 host" : `${rows.length} hosts`;
    shown.textContent = matching === rows.length ? all : `${matching} of ${all}`;
    if (left > 0) shown.textContent += `, ${limit} of them shown`;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(left, STEP)} more`;
  }

  function filterable() {
    const tools = document.getElementById("tools");
    let later = 0;
    box.addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(() => { limit = STEP; show(); }, 120);
    });
    only.addEventListener("change", () => { limit = STEP; show(); });
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.hidden = false;
    more.className = "more";
    table.after(more);
  }

  async function copy(text, from) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      /* Pages that came over plain HTTP have no clipboard; some files neither. */
      getSelection().selectAllChildren(from);
      return document.execCommand("copy");
    }
  }

  function copyable(commands) {
    const code = commands.querySelector("code");
    const copier = button("Copy", async () => {
      copier.textContent = (await copy(code.textContent, code)) ? "Copied" : "Selected";
      setTimeout(() => { copier.textContent = "Copy"; }, 2000);
    });
    copier.setAttribute("aria-live", "polite");
    commands.append(copier);
  }

  /* Browsers of today open it on their own, but not where a filter hides it. */
  function openTarget() {
    const section = sections.get(location.hash);
    if (!section || (section.open && !section.hidden)) return;
    section.hidden = false;
    section.open = true;
    section.scrollIntoView();
  }

  if (table) {
    rows = [...table.tBodies[0].rows];
    sortable();
    filterable();
    show();
  }
  document.querySelectorAll(".commands").forEach(copyable);
  addEventListener("hashchange", openTarget);
  openTarget();
  addEventListener("beforeprint", () => {
    limit = Infinity;
    if (table) show();
    for (const section of sections.values()) if (!section.classList.contains("fine")) section.open = true;
  });
});
