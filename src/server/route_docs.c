/* The description of the interface, and a page to read it. */
#include "server/server.h"

void or_handle_openapi(or_request_t *request) {
  const or_server_t *server = request->server;
  or_reply_bytes(request, "application/json", server->openapi, server->openapi_bytes, (or_owner_t){NULL, NULL});
}

void or_handle_docs(or_request_t *request) {
  or_reply_header(request, "Content-Security-Policy", OR_PAGE_POLICY);
  or_reply_bytes(request, "text/html; charset=utf-8", or_page_docs, or_page_docs_bytes, (or_owner_t){NULL, NULL});
}
