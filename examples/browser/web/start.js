// Loads the program; shows why if it cannot.
import init from "./places.js";

init().catch((error) => {
  document.getElementById("problem-text").textContent = `The page could not be loaded: ${error}`;
  document.getElementById("problem").hidden = false;
  document.querySelector('[data-action="reload"]').addEventListener("click", () => location.reload());
});
