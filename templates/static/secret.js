"use strict";

// On the page that shows a secret: it is selected, and a button copies it. Plain http has no clipboard for scripts:
// there the button selects it again.
{
    const secret = document.getElementById("secret");
    const button = document.getElementById("copy");
    const said = document.getElementById("copied");

    const select = () => {
        secret.focus();
        secret.select();
    };

    const copy = async () => {
        select();
        try {
            await navigator.clipboard.writeText(secret.value);
            said.textContent = "Copied.";
        } catch {
            said.textContent = "It is selected: copy it with Ctrl+C or Cmd+C.";
        }
    };

    select();
    button.hidden = false;
    button.addEventListener("click", copy);
}
