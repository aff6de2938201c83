/* GET /tasks: what waits and runs, and pages of all that is recorded. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "server/query.h"
#include "server/task_answer.h"

#define MAX_ACTIVE 1000
#define PAGE_DEFAULT 100

/* A list being written. Owned by the request's loop, then by the store's reader until it is posted. */
typedef struct listing_t {
  or_request_t *request;
  or_query_t query; /* what `list` points into */
  or_store_list_t list;
  or_json_writer_t json;
  int rows;
  int64_t cursor;
} listing_t;

/* The filters; false with the reply that says what is wrong. */
static bool read_query(or_request_t *request, listing_t *listing) {
  const or_query_t *query = &listing->query;
  or_task_state_t state;
  int64_t limit = 0, after = 0;
  or_status_t status = or_query_parse(request->query, &listing->query);
  const char *field = "";
  if (or_ok(status)) {
    field = "limit";
    status = or_query_integer(query, field, (int64_t[]){1, OR_STORE_MAX_PAGE}, PAGE_DEFAULT, &limit);
  }
  if (or_ok(status)) {
    field = "after";
    status = or_query_integer(query, field, (int64_t[]){1, INT64_MAX}, 0, &after);
  }
  const char *name = or_ok(status) ? or_query_get(query, "status") : NULL;
  if (name != NULL && !or_task_state_from_name(name, &state)) {
    field = "status";
    status = or_error(OR_INVALID_ARGUMENT,
                      "\"%.32s\" is none of: pending, running, completed, failed, cancelled, timeout", name);
  }
  if (!or_ok(status)) {
    or_reply_problem(request, "query", field, "value_error", "%s", or_status_message(status));
    or_status_ignore(status); /* told */
    return false;
  }
  listing->list = (or_store_list_t){.owner = or_request_owner(request),
                                    .state = name != NULL ? (int)state : -1,
                                    .operation = or_query_get(query, "operation"),
                                    .device = or_query_get(query, "device"),
                                    .after = after,
                                    .limit = (int)limit};
  return true;
}

static bool is_wanted(const or_store_list_t *list, or_job_t *job, const or_job_facts_t *facts) {
  return !or_task_state_is_final(facts->state) && (list->state < 0 || list->state == (int)facts->state) &&
         (list->operation == NULL || strcmp(list->operation, or_task_operation(or_job_task(job))) == 0) &&
         (list->device == NULL || strcmp(list->device, facts->device_id) == 0);
}

static void write_active(listing_t *listing) {
  or_job_t *jobs[MAX_ACTIVE];
  or_scheduler_t *scheduler = listing->request->server->services.scheduler;
  const size_t all = or_scheduler_active(scheduler, listing->list.owner, jobs, MAX_ACTIVE);
  or_json_key(&listing->json, "active_tasks");
  or_json_array_begin(&listing->json);
  for (size_t i = 0; i < all && i < MAX_ACTIVE; ++i) {
    const or_job_facts_t facts = or_job_facts(jobs[i]); /* once: it may end at any time */
    if (is_wanted(&listing->list, jobs[i], &facts)) or_write_active_task(&listing->json, jobs[i], &facts, true);
    or_job_release(jobs[i]);
  }
  or_json_array_end(&listing->json);
  or_json_field_int(&listing->json, "count", (int64_t)all);
}

static void write_time(or_json_writer_t *json, const char *key, int64_t wall_us) {
  char text[OR_CLOCK_TEXT_BYTES];
  or_json_field_string(json, key, wall_us != 0 ? or_clock_format(wall_us, text, sizeof text) : NULL);
}

static void on_row(void *self, const or_task_record_t *record, int64_t cursor) {
  listing_t *listing = self;
  or_json_writer_t *json = &listing->json;
  ++listing->rows;
  listing->cursor = cursor;
  or_json_object_begin(json);
  or_json_field_string(json, "task_id", record->task_id);
  or_json_field_string(json, "operation", record->operation);
  or_json_field_string(json, "status", or_task_state_name(record->state));
  or_json_field_string(json, "device_id", record->device_used);
  or_json_field_int(json, "priority", record->priority);
  or_json_field_int(json, "attempts", record->attempts);
  or_json_field_string(json, "error_code", record->error_code);
  write_time(json, "created_at", record->created_us);
  write_time(json, "started_at", record->started_us);
  write_time(json, "finished_at", record->finished_us);
  or_json_object_end(json);
}

/* Ends the reply; a failed read replaces it. */
static void finish(listing_t *listing, or_status_t status) {
  or_request_t *request = listing->request;
  char cursor[24];
  or_json_array_end(&listing->json);
  (void)or_format(cursor, sizeof cursor, "%lld", (long long)listing->cursor);
  or_json_field_string(&listing->json, "next", listing->rows == listing->list.limit ? cursor : NULL);
  or_json_object_end(&listing->json);
  or_reply_json_end(request, &listing->json);
  if (!or_ok(status)) or_reply_failure(request, status);
  or_free(request->allocator, listing);
  or_reply_post(request);
}

static void on_end(void *self, or_status_t status) { finish(self, status); }

void or_handle_task_list(or_request_t *request) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(request->allocator, sizeof(listing_t), &memory);
  if (!or_ok(status)) {
    or_reply_failure(request, status);
    return;
  }
  listing_t *listing = memory;
  listing->request = request;
  if (!read_query(request, listing)) {
    or_free(request->allocator, listing);
    return;
  }
  or_reply_json_begin(request, &listing->json);
  or_json_object_begin(&listing->json);
  write_active(listing);
  or_json_key(&listing->json, "tasks");
  or_json_array_begin(&listing->json);
  or_request_keep(request);
  const or_store_listing_t how = {.self = listing, .row = on_row, .end = on_end};
  status = or_store_list(request->server->services.store, &listing->list, &how);
  if (!or_ok(status)) finish(listing, status);
}
