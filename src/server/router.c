#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "server/routes.h"

typedef struct row_t {
  const or_route_t *route;
  size_t segment_count;
  or_slice_t segments[OR_HTTP_MAX_SEGMENTS]; /* of the pattern; data is NULL for a parameter */
} row_t;

struct or_router_t {
  const or_allocator_t *allocator;
  size_t count;
  row_t rows[];
};

/* Cuts a pattern, which is ours, into segments. */
static or_status_t cut_pattern(row_t *row) {
  const char *at = row->route->pattern;
  while (*at == '/') {
    const char *start = ++at;
    while (*at != '/' && *at != '\0') ++at;
    if (at == start) break; /* "/" alone, and a slash at the end */
    if (row->segment_count == OR_HTTP_MAX_SEGMENTS)
      return or_error(OR_OUT_OF_RANGE, "%s has more than %d segments", row->route->pattern, OR_HTTP_MAX_SEGMENTS);
    bool parameter = *start == '{';
    row->segments[row->segment_count++] = (or_slice_t){parameter ? NULL : start, (size_t)(at - start)};
  }
  return or_status_success();
}

or_status_t or_router_create(const or_allocator_t *allocator, const or_route_t *routes, size_t count,
                             or_router_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_router_t) + count * sizeof(row_t), &memory);
  *out = memory;
  if (!or_ok(status)) return status;
  (*out)->allocator = allocator;
  (*out)->count = count;
  for (size_t i = 0; i < count && or_ok(status); ++i) {
    (*out)->rows[i].route = &routes[i];
    status = cut_pattern(&(*out)->rows[i]);
  }
  if (or_ok(status)) return status;
  or_router_free(*out);
  *out = NULL;
  return status;
}

void or_router_free(or_router_t *router) {
  if (router != NULL) or_free(router->allocator, router);
}

static bool matches(const row_t *row, const or_slice_t *segments, size_t count) {
  if (row->segment_count != count) return false;
  for (size_t i = 0; i < count; ++i) {
    const or_slice_t *wanted = &row->segments[i];
    if (wanted->data == NULL) continue;
    if (wanted->length != segments[i].length || memcmp(wanted->data, segments[i].data, wanted->length) != 0)
      return false;
  }
  return true;
}

static unsigned parameters_of(const row_t *row) {
  unsigned count = 0;
  for (size_t i = 0; i < row->segment_count; ++i) count += row->segments[i].data == NULL;
  return count;
}

/* Of two patterns that match, the one with fewer parameters is the path, and its methods are all that there are:
   GET /kernels/compile isn't the kernel "compile". */
const or_route_t *or_router_find(const or_router_t *router, const or_slice_t *segments, size_t count,
                                 or_http_method_t method, unsigned *allowed) {
  const or_route_t *found = NULL;
  unsigned fewest = OR_HTTP_MAX_SEGMENTS + 1;
  if (method == OR_HTTP_HEAD) method = OR_HTTP_GET;
  *allowed = 0;
  for (size_t i = 0; i < router->count; ++i) {
    const row_t *row = &router->rows[i];
    unsigned parameters = parameters_of(row);
    if (parameters > fewest || !matches(row, segments, count)) continue;
    if (parameters < fewest) {
      fewest = parameters;
      *allowed = 1u << OR_HTTP_OPTIONS;
      found = NULL;
    }
    *allowed |= 1u << row->route->method;
    if (row->route->method == OR_HTTP_GET) *allowed |= 1u << OR_HTTP_HEAD;
    if (row->route->method == method) found = row->route;
  }
  return found;
}

int or_route_parameter(const or_route_t *route, size_t index) {
  int segment = -1;
  for (const char *at = route->pattern; *at != '\0'; ++at) {
    if (*at != '/') continue;
    ++segment;
    if (at[1] == '{' && index-- == 0) return segment;
  }
  return -1;
}

char *or_http_allow(unsigned allowed, char *text, size_t capacity) {
  size_t used = 0;
  text[0] = '\0';
  for (int method = OR_HTTP_GET; method < OR_HTTP_OTHER; ++method) {
    if ((allowed & 1u << method) == 0) continue;
    (void)or_format(text + used, capacity - used, "%s%s", used > 0 ? ", " : "",
                    or_http_method_name((or_http_method_t)method));
    used += strlen(text + used);
  }
  return text;
}
