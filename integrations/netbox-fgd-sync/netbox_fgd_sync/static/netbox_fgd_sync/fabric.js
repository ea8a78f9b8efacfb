// Adds a link to the page of a fabric of the Hedgehog NetBox Plugin that has none of NetBox's places for such.
document.addEventListener("DOMContentLoaded", () => {
  const data = document.getElementById("fgd-sync-fabric");
  const page = document.getElementById("page-content");
  if (!data || !page) {
    return;
  }
  const destination = JSON.parse(data.textContent);
  const link = document.createElement("a");
  link.id = "fgd-sync-link";
  link.className = "btn btn-outline-secondary";
  link.href = destination.url;
  link.textContent = destination.text;
  const bar = document.createElement("div");
  bar.className = "container-fluid d-flex justify-content-end mt-2 d-print-none";
  bar.append(link);
  page.prepend(bar);
});
