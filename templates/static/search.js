"use strict";

// On a list that was searched: what takes longer than a page should is looked for while the page can be read already;
// whoever opens a result finds its words in the find box of the page that opens.
{
    const further = document.querySelector("a[data-further]");
    if (further) location.replace(further.href);

    const words = () => document.getElementById("searchbar")?.defaultValue;

    document.addEventListener("click", (event) => {
        if (words() && event.target.closest("#result_list a")) sessionStorage.setItem("listenpost.find", words());
    });
}
