// Light, dark, or as the system has it; remembered for all reports of this browser where it may be.
"use strict";
const Theme = {
  stored() { try { return localStorage.getItem("trialsmith-theme"); } catch { return null; } },
  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },
  toggle() {
    const next = Theme.dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("trialsmith-theme", next); } catch { /* a private window */ }
    document.dispatchEvent(new Event("theme"));
  },
};
if (Theme.stored()) document.documentElement.dataset.theme = Theme.stored();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
  () => document.dispatchEvent(new Event("theme")));
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme").addEventListener("click", Theme.toggle);
  const follow = document.getElementById("follow");
  if (!follow) return;
  follow.checked = location.hash === "#follow";
  let timer = null;
  const set = () => {
    clearTimeout(timer);
    history.replaceState(null, "", follow.checked ? "#follow" : "#");
    if (follow.checked) timer = setTimeout(() => location.reload(), 20000);
  };
  follow.addEventListener("change", set);
  if (follow.checked) set();
});
