/* Profiles: started, and fetched once their time is over. */
#include <string.h>

#include "base/alloc.h"
#include "server/profiles.h"
#include "server/query.h"
#include "server/server.h"

#define DEFAULT_S 30

/* As of tasks: NULL, everyone's, for an admin and where there are no keys. */
static const char *owner_of(const or_request_t *request) {
  return (request->key.scopes & OR_SCOPE_ADMIN) != 0 ? NULL : request->key.id;
}

static void reply_busy(or_request_t *request, or_status_t status, double left_s) {
  or_reply_header(request, "Retry-After", "%d", (int)(left_s + 0.999));
  or_reply_error(request, 409, "failed_precondition", "%s", or_status_message(status));
  or_status_ignore(status); /* told */
}

void or_handle_profile_start(or_request_t *request) {
  static const int64_t range[] = {1, OR_PROFILE_MAX_S};
  or_query_t query;
  or_json_writer_t json;
  char id[OR_PROFILE_ID_BYTES];
  int64_t duration_s = DEFAULT_S;
  double left_s = 0;
  or_status_t status = or_query_parse(request->query, &query);
  if (or_ok(status)) status = or_query_integer(&query, "duration", range, DEFAULT_S, &duration_s);
  if (!or_ok(status)) {
    or_reply_problem(request, "query", "duration", "value_error", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return;
  }
  or_profiles_t *profiles = request->server->services.profiles;
  status = or_profiles_start(profiles, request->key.id, (double)duration_s, id, &left_s);
  if (or_status_code(status) == OR_FAILED_PRECONDITION) {
    reply_busy(request, status, left_s);
    return;
  }
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "status", "profiling_started");
  or_json_field_string(&json, "profile_id", id);
  or_json_field_int(&json, "duration", duration_s);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

static void free_text(void *self) {
  or_text_t *text = self;
  const or_allocator_t *allocator = text->allocator;
  or_text_deinit(text);
  or_free(allocator, text);
}

/* The trace is not the reply's own text: that memory is the connection's, which would keep it. */
static void fill(or_request_t *request) {
  void *memory = NULL;
  double left_s = 0;
  or_status_t status = or_alloc(request->allocator, sizeof(or_text_t), &memory);
  or_text_t *text = memory;
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  or_text_init(text, request->allocator);
  status = or_profiles_write(request->server->services.profiles, or_request_parameter(request, 0), owner_of(request),
                             text, &left_s);
  if (or_ok(status)) {
    or_reply_bytes(request, "application/json", text->data, text->length, (or_owner_t){text, free_text});
    return;
  }
  free_text(text);
  if (or_status_code(status) == OR_UNAVAILABLE) {
    reply_busy(request, status, left_s);
  } else {
    or_reply_failure(request, status);
  }
}

static void write(void *self, bool stopped) {
  or_request_t *request = self;
  if (stopped) {
    or_reply_error(request, 503, "unavailable", "the server is draining");
  } else {
    fill(request);
  }
  or_reply_post(request);
}

void or_handle_profile(or_request_t *request) {
  or_request_keep(request);
  or_status_t status = or_workers_submit(request->server->services.readers, write, request);
  if (or_ok(status)) return;
  or_reply_header(request, "Retry-After", "1");
  or_reply_failure(request, status);
  or_reply_post(request);
}
