// Before anything is drawn: as chosen here, or as the system says.
document.documentElement.dataset.theme =
  localStorage.getItem("lockstep-theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
