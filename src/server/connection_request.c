#include <string.h>

#include "base/clock.h"
#include "server/net_internal.h"
#include "server/query.h"

static void begin_request(or_connection_t *connection, const or_http_head_t *head);
static bool check(or_connection_t *connection);
static void begin_body(or_connection_t *connection, const or_http_head_t *head, bool accepted);
static void dispatch(or_connection_t *connection);

static bool reserve_head(or_connection_t *connection, size_t needed) {
  void *grown = NULL;
  if (needed <= connection->head_capacity) return true;
  size_t capacity = needed < 4096 ? 4096 : or_align_up(needed, 4096);
  or_status_t status = or_alloc(connection->request.allocator, capacity, &grown);
  bool good = or_ok(status);
  or_status_ignore(status); /* the caller refuses the request */
  if (!good) return false;
  memcpy(grown, connection->head, connection->head_length);
  if (connection->head != connection->head_inline) or_free(connection->request.allocator, connection->head);
  connection->head = grown;
  connection->head_capacity = capacity;
  return true;
}

/* The head is gathered in the connection's own memory, where it stays until the reply is sent. */
size_t or_connection_take_head(or_connection_t *connection, const char *data, size_t length) {
  const or_limits_t *limits = &connection->loop->net->options.limits;
  const or_http_limits_t bounds = {limits->target_bytes, limits->head_bytes, limits->header_count};
  size_t before = connection->head_length, most = limits->head_bytes + 4 - before;
  size_t piece = length < most ? length : most, consumed = 0;
  const char *why = "";
  or_http_head_t head;
  if (!reserve_head(connection, before + piece + 1)) {
    or_connection_refuse(connection, 507, "the server has no memory for the request");
    return length;
  }
  memcpy(connection->head + before, data, piece);
  size_t end = or_http_head_end(connection->head, before + piece, before);
  connection->head_length = end > 0 ? end : before + piece;
  size_t taken = connection->head_length - before;
  int status = or_http_head_parse(connection->head, connection->head_length, &bounds, &head, &consumed, &why);
  if (status == 0 && end > 0 && consumed != end) status = 400, why = "an empty line is not the end of the head";
  if (status != 0) {
    or_connection_refuse(connection, status, why);
    return length;
  }
  if (consumed > 0) begin_request(connection, &head);
  return taken;
}

/* Cuts the path into segments, decoded where they lie. False: broken escapes, or too many. */
static bool cut_path(or_request_t *request) {
  char *at = (char *)(uintptr_t)request->path.data, *end = at + request->path.length; /* in the connection's head */
  request->segment_count = 0;
  while (at < end && *at == '/') {
    char *start = ++at;
    while (at < end && *at != '/') ++at;
    if (at == start && at == end) break; /* "/" alone, and a slash at the end */
    if (request->segment_count == OR_HTTP_MAX_SEGMENTS) return false;
    request->segments[request->segment_count++] = (or_slice_t){start, (size_t)(at - start)};
  }
  for (size_t i = 0; i < request->segment_count; ++i) {
    or_slice_t *segment = &request->segments[i];
    if (!or_percent_decode((char *)(uintptr_t)segment->data, &segment->length, false)) return false;
  }
  return true;
}

/* The client's id where it is one: [A-Za-z0-9._:-]{1,64}. */
static bool good_id(or_slice_t id) {
  if (id.data == NULL || id.length == 0 || id.length >= OR_REQUEST_ID_BYTES) return false;
  for (size_t i = 0; i < id.length; ++i) {
    char c = id.data[i];
    bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                c == ':' || c == '-';
    if (!good) return false;
  }
  return true;
}

static void begin_request(or_connection_t *connection, const or_http_head_t *head) {
  or_request_t *request = &connection->request;
  or_loop_t *loop = connection->loop;
  request->server = loop->net->options.server;
  request->route = NULL;
  request->method = head->method;
  request->path = head->path;
  request->query = head->query;
  memcpy(request->headers, head->headers, sizeof request->headers);
  request->body = NULL;
  request->body_bytes = 0;
  request->key = (or_key_t){"", 0};
  request->received_ns = or_clock_ns();
  request->secure = connection->transport.ssl != NULL;
  request->gone = NULL;
  or_cancel_init(&request->cancel, INT64_MAX);
  or_slice_t id = head->headers[OR_HEADER_REQUEST_ID];
  if (good_id(id)) {
    memcpy(request->request_id, id.data, id.length);
    request->request_id[id.length] = '\0';
  } else {
    or_loop_make_id(loop, request->request_id);
  }
  connection->keep_alive = head->keep_alive && or_net_phase(loop->net) != OR_NET_DRAINING;
  connection->head_only = head->method == OR_HTTP_HEAD;
  connection->http_1_0 = head->http_1_0;
  connection->expects_continue = head->expects_continue;
  connection->refused = false;
  or_loop_busy(loop, true);
  begin_body(connection, head, check(connection));
}

/* OPTIONS, and a method that the path does not have. */
static bool without_route(or_connection_t *connection, unsigned allowed) {
  or_request_t *request = &connection->request;
  char allow[96];
  bool everything = or_slice_is(request->path, "*");
  if (allowed == 0 && !everything) {
    or_reply_error(request, 404, "not_found", "no such path; GET /docs lists those there are");
    return false;
  }
  (void)or_http_allow(everything ? 0x7f : allowed, allow, sizeof allow);
  if (request->method == OR_HTTP_OPTIONS) {
    request->reply.status = 204;
    if (request->headers[OR_HEADER_CORS_METHOD].data != NULL) {
      or_reply_header(request, "Access-Control-Allow-Methods", "%s", allow);
      or_reply_header(request, "Access-Control-Allow-Headers",
                      "Authorization, Content-Type, Prefer, X-API-Key, X-Request-Id");
      or_reply_header(request, "Access-Control-Max-Age", "600");
    }
  } else {
    or_reply_error(request, 405, "method_not_allowed", "this path takes %s", allow);
  }
  or_reply_header(request, "Allow", "%s", allow);
  return false;
}

static bool check_origin(or_connection_t *connection) {
  const or_access_t *access = &connection->loop->net->options.access;
  or_request_t *request = &connection->request;
  bool foreign = false;
  if (!connection->from_unix && !or_access_host(access, request->headers[OR_HEADER_HOST])) {
    or_reply_error(request, 421, "misdirected_request",
                   "this server is not known by that name; it is listed by the setting \"hosts\"");
    return false;
  }
  if (!or_access_origin(access, request, &foreign)) {
    or_reply_error(request, 403, "permission_denied",
                   "pages of another origin may not ask; it is listed by the setting \"origins\"");
    return false;
  }
  if (foreign) {
    or_slice_t origin = request->headers[OR_HEADER_ORIGIN];
    or_reply_header(request, "Access-Control-Allow-Origin", "%.*s", (int)origin.length, origin.data);
    or_reply_header(request, "Access-Control-Expose-Headers", "Location, Retry-After, Server-Timing, X-Request-Id");
    or_reply_header(request, "Vary", "Origin");
  }
  return true;
}

static bool check_phase(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  or_net_phase_t phase = or_net_phase(connection->loop->net);
  if (request->route->when == OR_WHEN_LISTENING || phase == OR_NET_READY) return true;
  const bool reads = request->method <= OR_HTTP_HEAD && request->route->websocket == NULL;
  if (phase == OR_NET_DRAINING && reads &&
      atomic_load_explicit(&connection->loop->net->was_ready, memory_order_acquire))
    return true;
  or_reply_header(request, "Retry-After", "%d", phase == OR_NET_STARTING ? 1 : 10);
  or_reply_error(request, 503, "unavailable", "the server is %s", phase == OR_NET_STARTING ? "starting" : "draining");
  return false;
}

static bool check_key(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  int status = or_access_key(&connection->loop->net->options.access, request);
  if (status == 0) return true;
  if (status == 401) {
    or_reply_header(request, "WWW-Authenticate", "Bearer realm=\"openruntime\"");
    or_reply_error(request, 401, "unauthenticated",
                   "a key is needed that the server knows: Authorization: Bearer KEY, or X-API-Key: KEY");
  } else {
    or_reply_error(request, 403, "permission_denied", "the key's scopes do not reach this");
  }
  return false;
}

static bool check_type(or_connection_t *connection, bool has_body) {
  or_request_t *request = &connection->request;
  or_body_kind_t kind = request->route->body;
  or_slice_t type = request->headers[OR_HEADER_CONTENT_TYPE];
  or_slice_t encoding = request->headers[OR_HEADER_CONTENT_ENCODING];
  if (!has_body || kind == OR_BODY_NONE || kind == OR_BODY_ANY) return true;
  if (encoding.data != NULL && !or_slice_is_nocase(encoding, "identity")) {
    or_reply_header(request, "Accept-Encoding", "identity");
    or_reply_error(request, 415, "unsupported_media_type", "the body must come without a Content-Encoding");
    return false;
  }
  const char *semicolon = type.data != NULL ? memchr(type.data, ';', type.length) : NULL;
  if (semicolon != NULL) type.length = (size_t)(semicolon - type.data);
  while (type.data != NULL && type.length > 0 &&
         (type.data[type.length - 1] == ' ' || type.data[type.length - 1] == '\t'))
    --type.length;
  if (or_slice_is_nocase(type, "application/json")) return true;
  if (kind == OR_BODY_MULTIPART && or_slice_is_nocase(type, "multipart/form-data")) return true;
  or_reply_error(request, 415, "unsupported_media_type", "the body's Content-Type must be application/json%s",
                 kind == OR_BODY_MULTIPART ? " or multipart/form-data" : "");
  return false;
}

/* Everything that is known before the body: false with the reply that refuses the request, or answers it. */
static bool check(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  unsigned allowed = 0;
  request->reply.status = 200;
  request->reply.content_type = "application/json";
  or_text_clear(&request->reply.text);
  request->reply.data = NULL;
  request->reply.file = NULL;
  request->reply.bytes = 0;
  request->reply.owner = (or_owner_t){NULL, NULL};
  request->reply.headers_length = 0;
  request->reply.close = false;
  request->reply.parse_ns = request->reply.queue_ns = request->reply.run_ns = -1;
  request->reply.done_ns = 0;
  if (!check_origin(connection)) return false;
  if (or_slice_is(request->path, "*")) return without_route(connection, 0);
  if (!cut_path(request)) {
    or_reply_error(request, 404, "not_found", "no such path; GET /docs lists those there are");
    return false;
  }
  request->route = or_router_find(connection->loop->net->router, request->segments, request->segment_count,
                                  request->method, &allowed);
  if (request->route == NULL) return without_route(connection, allowed);
  bool has_body = request->headers[OR_HEADER_TRANSFER_ENCODING].data != NULL ||
                  (request->headers[OR_HEADER_CONTENT_LENGTH].data != NULL &&
                   !or_slice_is(request->headers[OR_HEADER_CONTENT_LENGTH], "0"));
  return check_key(connection) && check_phase(connection) && check_type(connection, has_body);
}

/* A refused request's body is read if it is short, so that the connection may stay; else the connection ends. */
static void begin_body(or_connection_t *connection, const or_http_head_t *head, bool accepted) {
  or_request_t *request = &connection->request;
  const or_limits_t *limits = &connection->loop->net->options.limits;
  bool keeps = accepted && request->route->body != OR_BODY_NONE;
  size_t limit = keeps ? limits->body_bytes : OR_REFUSED_BODY_BYTES;
  connection->refused = !accepted;
  or_http_body_deinit(&connection->body);
  int status = or_http_body_begin(&connection->body, request->allocator, head, limit);
  if (!accepted && (status != 0 || connection->expects_continue)) {
    request->reply.close = head->chunked || head->content_length > 0;
    dispatch(connection);
    return;
  }
  if (status != 0) {
    or_reply_error(request, status, "content_too_large", "the body has %llu bytes; the limit is %zu",
                   (unsigned long long)head->content_length, limit);
    connection->refused = true;
    request->reply.close = true;
    dispatch(connection);
    return;
  }
  if (!head->chunked && head->content_length == 0) {
    dispatch(connection);
    return;
  }
  connection->state = OR_CONNECTION_BODY;
  connection->body_progress = 0;
  if (connection->expects_continue) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!or_connection_write(connection, go_on, sizeof go_on - 1)) or_connection_close(connection);
  }
}

size_t or_connection_take_body(or_connection_t *connection, const char *data, size_t length) {
  or_request_t *request = &connection->request;
  size_t consumed = 0;
  bool done = false;
  int status = or_http_body_feed(&connection->body, data, length, &consumed, &done);
  connection->body_progress += consumed;
  if (status == 0) {
    or_connection_body_came(connection, done);
    return consumed;
  }
  request->reply.close = true;
  if (!connection->refused) {
    static const char *const words[] = {"the body is not in chunks as they are written", "the body exceeds the limit",
                                        "the server has no memory for the body"};
    static const char *const codes[] = {"bad_request", "content_too_large", "resource_exhausted"};
    int row = status == 400 ? 0 : status == 413 ? 1 : 2;
    connection->refused = true;
    or_reply_error(request, status, codes[row], "%s", words[row]);
  }
  dispatch(connection);
  return length;
}

void or_connection_body_came(or_connection_t *connection, bool done) {
  if (!done) return;
  if (!connection->refused && connection->request.route->body != OR_BODY_NONE) {
    connection->request.body = connection->body.data;
    connection->request.body_bytes = connection->body.length;
  }
  dispatch(connection);
}

void *or_request_take_body(or_request_t *request) {
  or_connection_t *connection = (or_connection_t *)((char *)request - offsetof(or_connection_t, request));
  void *memory = connection->body.data;
  connection->body.data = NULL;
  connection->body.length = connection->body.capacity = 0;
  return memory;
}

/* The request is whole: its handler, or the reply that is there already. */
static void dispatch(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  connection->state = OR_CONNECTION_HANDLING;
  request->whole_ns = request->handled_ns = or_clock_ns();
  if (!connection->refused && request->route->websocket != NULL) {
    if (or_ws_upgrade(connection)) return;
  } else if (!connection->refused) {
    or_connection_handle(connection);
  }
  if (!connection->kept) or_connection_send_reply(connection);
}

void or_connection_next_request(or_connection_t *connection) {
  connection->state = OR_CONNECTION_HEAD;
  connection->head_length = 0;
  if (connection->head_capacity > OR_HEAD_KEEP_BYTES) {
    or_free(connection->request.allocator, connection->head);
    connection->head = connection->head_inline;
    connection->head_capacity = sizeof connection->head_inline;
  }
  if (connection->wait != OR_WAIT_IDLE) or_loop_forget(connection); /* the next request has a time-out of its own */
  or_net_free(connection->loop->net, connection->body.data, connection->body.capacity);
  connection->body.data = NULL;
  or_http_body_deinit(&connection->body);
}

void or_connection_refuse(or_connection_t *connection, int http, const char *words) {
  or_request_t *request = &connection->request;
  const char *code = http == 408   ? "request_timeout"
                     : http == 503 ? "unavailable"
                     : http == 507 ? "resource_exhausted"
                                   : "bad_request";
  if (connection->state != OR_CONNECTION_BODY) {
    or_loop_busy(connection->loop, true);
    request->route = NULL;
    request->method = OR_HTTP_OTHER;
    request->path = request->query = (or_slice_t){"", 0};
    request->received_ns = or_clock_ns();
    request->gone = NULL;
    connection->head_only = false;
    or_loop_make_id(connection->loop, request->request_id);
  }
  memset(request->headers, 0, sizeof request->headers);
  request->reply.headers_length = 0;
  request->reply.data = NULL;
  request->reply.file = NULL;
  request->reply.owner = (or_owner_t){NULL, NULL};
  request->reply.parse_ns = request->reply.queue_ns = request->reply.run_ns = -1;
  request->reply.done_ns = 0;
  or_reply_error(request, http, code, "%s", words);
  request->reply.close = true;
  connection->state = OR_CONNECTION_HANDLING;
  or_connection_send_reply(connection);
}

const char *or_request_parameter(const or_request_t *request, size_t index) {
  int segment = request->route != NULL ? or_route_parameter(request->route, index) : -1;
  return segment >= 0 && (size_t)segment < request->segment_count ? request->segments[segment].data : "";
}
