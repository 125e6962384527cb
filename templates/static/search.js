"use strict";

// On a list that was searched: whoever opens a result finds its words in the find box of the page that opens.
{
    const words = () => document.getElementById("searchbar")?.defaultValue;

    document.addEventListener("click", (event) => {
        if (words() && event.target.closest("#result_list a")) sessionStorage.setItem("listenpost.find", words());
    });
}
