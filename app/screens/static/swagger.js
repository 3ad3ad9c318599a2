// Starts Swagger's page. Its requests go by the browser's own session, so writes need the token.
const box = document.getElementById("swagger");
window.SwaggerUIBundle({
  dom_id: "#swagger",
  url: box.dataset.url,
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: false,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = box.dataset.csrf;
    request.headers["Accept-Language"] = document.documentElement.lang;
    return request;
  },
});
