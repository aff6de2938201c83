/* The table of routes, the router, access rules, and the description made from them. */
#include "base/testing.h"
#include "server/access.h"
#include "server/schemas.h"
#include "server/server.h"

static void nothing(or_request_t *request) { (void)request; }

static const or_route_t sample[] = {
    {.method = OR_HTTP_GET, .pattern = "/a/{id}", .handle = nothing},
    {.method = OR_HTTP_GET, .pattern = "/a/b", .handle = nothing},
    {.method = OR_HTTP_DELETE, .pattern = "/a/{id}", .handle = nothing},
    {.method = OR_HTTP_GET, .pattern = "/a/{id}/x/{name}", .handle = nothing},
    {.method = OR_HTTP_GET, .pattern = "/", .handle = nothing},
};

static const or_route_t *find(const or_router_t *router, or_http_method_t method, const char *path, unsigned *allowed) {
  or_slice_t segments[OR_HTTP_MAX_SEGMENTS];
  size_t count = 0;
  for (const char *at = path; *at == '/' && at[1] != '\0';) {
    const char *start = ++at;
    while (*at != '/' && *at != '\0') ++at;
    segments[count++] = (or_slice_t){start, (size_t)(at - start)};
  }
  return or_router_find(router, segments, count, method, allowed);
}

static void matches_by_segments_the_most_literal_first(void **state) {
  (void)state;
  or_router_t *router = NULL;
  unsigned allowed = 0;
  char text[96];
  expect_ok(or_router_create(or_allocator_system(), sample, 5, &router));
  assert_ptr_equal(find(router, OR_HTTP_GET, "/a/b", &allowed), &sample[1]);
  assert_ptr_equal(find(router, OR_HTTP_HEAD, "/a/c", &allowed), &sample[0]);
  assert_ptr_equal(find(router, OR_HTTP_DELETE, "/a/c", &allowed), &sample[2]);
  assert_null(find(router, OR_HTTP_DELETE, "/a/b", &allowed));
  assert_string_equal(or_http_allow(allowed, text, sizeof text), "GET, HEAD, OPTIONS");
  assert_ptr_equal(find(router, OR_HTTP_GET, "/", &allowed), &sample[4]);
  assert_ptr_equal(find(router, OR_HTTP_GET, "/a/1/x/2", &allowed), &sample[3]);
  assert_int_equal(or_route_parameter(&sample[3], 0), 1);
  assert_int_equal(or_route_parameter(&sample[3], 1), 3);
  assert_int_equal(or_route_parameter(&sample[3], 2), -1);
  assert_null(find(router, OR_HTTP_POST, "/a/c", &allowed));
  assert_string_equal(or_http_allow(allowed, text, sizeof text), "GET, HEAD, DELETE, OPTIONS");
  assert_null(find(router, OR_HTTP_GET, "/b", &allowed));
  assert_int_equal(allowed, 0);
  or_router_free(router);
}

static or_status_t make_router(const or_allocator_t *allocator) {
  or_router_t *router = NULL;
  or_status_t status = or_router_create(allocator, or_routes, or_route_count, &router);
  or_router_free(router);
  return status;
}

static void takes_memory_from_the_allocator(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(make_router);
}

static void knows_which_names_are_its_own(void **state) {
  (void)state;
  const or_access_t access = {.hosts = "board.example, other.example:8443"};
  static const char *const good[] = {"localhost",  "LOCALHOST:8000",     "127.0.0.1:1",   "127.9.9.9",
                                     "[::1]:8000", "board.example:8000", "Board.Example", "other.example:8443"};
  static const char *const bad[] = {
      "evil.example", "127.0.0.1.evil.example", "localhost.evil", "other.example", "", "127.", "[::2]:1"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    if (!or_access_host(&access, (or_slice_t){good[i], strlen(good[i])})) fail_msg("%s is refused", good[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    if (or_access_host(&access, (or_slice_t){bad[i], strlen(bad[i])}) && bad[i][0] != '1')
      fail_msg("%s is taken", bad[i]);
  }
  assert_true(or_access_is_loopback("::1") && or_access_is_loopback("localhost") && !or_access_is_loopback("0.0.0.0"));
}

static void lets_in_its_own_pages_and_those_listed(void **state) {
  (void)state;
  const or_access_t access = {.origins = "https://board.example"};
  or_request_t request = {0};
  bool foreign = false;
#define ASK(origin)                                                             \
  (request.headers[OR_HEADER_ORIGIN] = (or_slice_t){origin, sizeof origin - 1}, \
   or_access_origin(&access, &request, &foreign))
  request.headers[OR_HEADER_HOST] = (or_slice_t){"localhost:8000", 14};
  assert_true(or_access_origin(&access, &request, &foreign));
  assert_true(ASK("http://localhost:8000") && !foreign);
  assert_true(ASK("https://board.example") && foreign);
  assert_false(ASK("http://localhost:8001"));
  assert_false(ASK("https://localhost:8000"));
  assert_false(ASK("null"));
  assert_false(ASK("https://board.example.evil"));
}

static bool have_keys(void *self) { return *(bool *)self; }
static bool find_key(void *self, or_slice_t secret, or_key_t *out) {
  (void)self;
  *out = (or_key_t){"reader", OR_SCOPE_READ};
  if (or_slice_is(secret, "read-me")) return true;
  *out = (or_key_t){"root", OR_SCOPE_ADMIN};
  return or_slice_is(secret, "all");
}

static void holds_scopes_against_keys(void **state) {
  (void)state;
  bool any = false;
  static const or_ws_endpoint_t endpoint;
  const or_route_t open = {.pattern = "/health", .scope = OR_SCOPE_OPEN},
                   run = {.pattern = "/x", .scope = OR_SCOPE_RUN},
                   read = {.pattern = "/metrics", .scope = OR_SCOPE_READ},
                   page = {.pattern = "/", .scope = OR_SCOPE_READ, .page = true},
                   ws = {.pattern = "/ws", .scope = OR_SCOPE_READ, .websocket = &endpoint};
  or_access_t access = {.keys = {&any, have_keys, find_key}};
  or_request_t request = {.route = &run};
  assert_int_equal(or_access_key(&access, &request), 0); /* no keys: everything is allowed */
  any = true;
  assert_int_equal(or_access_key(&access, &request), 401);
  request.route = &open;
  assert_int_equal(or_access_key(&access, &request), 0);
  request.headers[OR_HEADER_AUTHORIZATION] = (or_slice_t){"bearer  read-me", 15};
  request.route = &run;
  assert_int_equal(or_access_key(&access, &request), 403);
  request.route = &read;
  assert_int_equal(or_access_key(&access, &request), 0);
  assert_string_equal(request.key.id, "reader");
  request.headers[OR_HEADER_AUTHORIZATION] = (or_slice_t){"Basic read-me", 13};
  assert_int_equal(or_access_key(&access, &request), 401);
  access.metrics_open = true;
  assert_int_equal(or_access_key(&access, &request), 0);
  request.route = &run;
  request.headers[OR_HEADER_AUTHORIZATION] = (or_slice_t){NULL, 0};
  request.headers[OR_HEADER_API_KEY] = (or_slice_t){"all", 3};
  assert_int_equal(or_access_key(&access, &request), 0);
  request.headers[OR_HEADER_API_KEY] = (or_slice_t){NULL, 0};
  request.route = &page; /* without data: it asks for a key itself */
  assert_int_equal(or_access_key(&access, &request), 401);
  request.headers[OR_HEADER_ACCEPT] = (or_slice_t){"text/html", 9};
  assert_int_equal(or_access_key(&access, &request), 0);
  request.headers[OR_HEADER_ACCEPT] = (or_slice_t){NULL, 0};
  request.route = &run;
  request.headers[OR_HEADER_WEBSOCKET_PROTOCOL] = (or_slice_t){"v1, openruntime.key.read-me, x", 30};
  assert_int_equal(or_access_key(&access, &request), 401); /* no WebSocket */
  request.route = &ws;
  assert_int_equal(or_access_key(&access, &request), 0);
}

static void every_row_is_whole(void **state) {
  (void)state;
  for (size_t i = 0; i < or_route_count; ++i) {
    const or_route_t *route = &or_routes[i];
    assert_true(route->pattern[0] == '/' && (route->handle != NULL) != (route->websocket != NULL));
    assert_true(route->tag != NULL && route->summary != NULL && (route->response != NULL || route->websocket != NULL));
    assert_true(route->body == OR_BODY_NONE || route->request != NULL || route->body == OR_BODY_ANY);
  }
}

/* Every schema that is named is there. */
static void expect_references(const or_json_value_t *value, const or_json_value_t *schemas) {
  const char *reference = or_json_get_string(or_json_get(value, "$ref"), NULL);
  if (reference != NULL && or_json_get(schemas, reference + strlen("#/components/schemas/")) == NULL)
    fail_msg("%s is not there", reference);
  for (size_t i = 0; i < or_json_count(value); ++i) {
    const or_json_value_t *inner = NULL;
    if (or_json_kind(value) == OR_JSON_OBJECT) (void)or_json_key_at(value, i, &inner);
    expect_references(inner != NULL ? inner : or_json_at(value, i), schemas);
  }
}

static void describes_itself_in_openapi(void **state) {
  (void)state;
  or_text_t text;
  or_json_document_t *document = NULL;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_openapi_write(or_routes, or_route_count, &text));
  expect_ok(or_json_parse(or_allocator_system(), text.data, text.length, &document));
  const or_json_value_t *root = or_json_root(document), *paths = or_json_get(root, "paths");
  const or_json_value_t *schemas = or_json_get(or_json_get(root, "components"), "schemas");
  assert_string_equal(or_json_get_string(or_json_get(root, "openapi"), ""), "3.1.0");
  for (size_t i = 0; i < or_route_count; ++i) assert_non_null(or_json_get(paths, or_routes[i].pattern));
  for (size_t i = 0; i < or_schema_field_count; ++i) {
    const or_json_value_t *schema = or_json_get(schemas, or_schema_fields[i].schema);
    assert_non_null(or_json_get(or_json_get(schema, "properties"), or_schema_fields[i].name));
    assert_false(or_json_get_bool(or_json_get(schema, "additionalProperties"), true));
  }
  expect_references(root, schemas);
  or_json_document_free(document);
  or_text_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_by_segments_the_most_literal_first),
      cmocka_unit_test(takes_memory_from_the_allocator),
      cmocka_unit_test(knows_which_names_are_its_own),
      cmocka_unit_test(lets_in_its_own_pages_and_those_listed),
      cmocka_unit_test(holds_scopes_against_keys),
      cmocka_unit_test(every_row_is_whole),
      cmocka_unit_test(describes_itself_in_openapi),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
