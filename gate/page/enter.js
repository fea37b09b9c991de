"use strict";
const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", "/");
  const form = document.forms[0];
  form.elements.secret.value = secret;
  form.submit();
}
