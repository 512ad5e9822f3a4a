const box = document.querySelector(".filter");
box.hidden = false;
box.querySelector("input").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const row of document.querySelectorAll(".changes tr.object")) {
    row.hidden = !row.textContent.toLowerCase().includes(words);
    const more = row.nextElementSibling;
    if (more && more.className === "more") more.hidden = row.hidden;
  }
  for (const fold of document.querySelectorAll("#changes > .fold")) fold.open = words !== "";
});
