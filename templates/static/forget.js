"use strict";

// Where nobody is signed in, or no longer: the words of the last search are of no use to whoever comes next.
sessionStorage.removeItem("listenpost.find");
