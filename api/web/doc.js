// The page of /api/doc: Swagger UI on this server's own document.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

window.SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#doc",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor: async (request) => {
    // What the session's cookie allows to change needs a token that only a page of ours can read.
    if (!["GET", "HEAD"].includes(request.method) && new URL(request.url, location.href).origin === location.origin) {
      const answer = await fetch("/api/csrf");
      request.headers["X-CSRF-Token"] = (await answer.json()).csrfToken;
    }
    return request;
  },
});
