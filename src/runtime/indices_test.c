/* Indices from outside that no table has: through a session, on the kernels that read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixtures/graphs.h"
#include "runtime/session_internal.h"

enum { TOKENS = 5, PLACES = 4, WIDTH = 3, LENGTH = 2 };

static const float tokens[TOKENS * WIDTH] = {0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42};
static const float places[PLACES * WIDTH] = {100, 100, 100, 200, 200, 200, 300, 300, 300, 400, 400, 400};

typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
  or_device_t *cpu;
} fixture_t;

static int setup(void **state) {
  static fixture_t f;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_runtime_options_t options = or_runtime_options_default();
  or_counting_allocator_init(&f.allocator, or_allocator_system(), 0);
  options.allocator = &f.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &f.runtime));
  or_expect_ok(or_runtime_find_device(f.runtime, "cpu", &f.cpu));
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  fixture_t *f = *state;
  or_runtime_release(f->runtime);
  assert_int_equal(atomic_load(&f->allocator.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* Rows of a table by input_ids, in another shape as exporters have it; with `positions` their sum with another's. */
static or_session_t *session_of(fixture_t *f, bool positions) {
  or_graph_t *graph = new_graph(&f->allocator.base);
  or_session_t *session = NULL;
  or_value_id_t ids = input(graph, "input_ids", OR_INT64, SHAPE(LENGTH, 1));
  or_value_id_t flat = apply(graph, "Reshape", "flat", IDS(ids, integers(graph, "two", 1, (const int64_t[]){LENGTH})));
  or_value_id_t table = constant(graph, "tokens", OR_FLOAT32, SHAPE(TOKENS, WIDTH), tokens);
  or_value_id_t y = apply(graph, "Gather", "embedded", IDS(table, flat));
  if (positions) {
    or_value_id_t at = input(graph, "position_ids", OR_INT64, SHAPE(LENGTH));
    or_value_id_t other = constant(graph, "places", OR_FLOAT32, SHAPE(PLACES, WIDTH), places);
    y = apply(graph, "Add", "sum", IDS(y, apply(graph, "Gather", "placed", IDS(other, at))));
  }
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  or_expect_ok(or_session_create_for_graph(f->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  return session;
}

static or_status_t look_up(fixture_t *f, or_session_t *session, size_t inputs, const int64_t *numbers, float *y) {
  or_binding_t bindings[2], output = {.name = NULL};
  for (size_t i = 0; i < inputs; ++i) {
    bindings[i] = (or_binding_t){.name = NULL};
    or_shape_t shape = i == 0 ? SHAPE(LENGTH, 1) : SHAPE(LENGTH);
    or_expect_ok(or_tensor_create_from(f->cpu, OR_INT64, shape, numbers + i * LENGTH, LENGTH * sizeof *numbers,
                                       &bindings[i].tensor));
  }
  or_status_t status = or_session_run(session, bindings, inputs, &output, 1);
  for (size_t i = 0; i < inputs; ++i) or_tensor_release(bindings[i].tensor);
  if (or_ok(status)) or_expect_ok(or_tensor_read(output.tensor, y, LENGTH * WIDTH * sizeof *y));
  or_tensor_release(output.tensor);
  return status;
}

static void expect_refusal(or_status_t status, const char *words) {
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  if (strstr(or_status_message(status), words) == NULL) print_error("the message: %s\n", or_status_message(status));
  assert_non_null(strstr(or_status_message(status), words));
  or_status_ignore(status); /* expected */
}

static void a_token_that_the_table_lacks_is_named_and_the_session_goes_on(void **state) {
  fixture_t *f = *state;
  or_session_t *session = session_of(f, false);
  float y[LENGTH * WIDTH];
  expect_refusal(look_up(f, session, 1, (const int64_t[]){1, TOKENS}, y),
                 "\"input_ids\": index 5 at 1 is outside axis 0 of extent 5");
  expect_refusal(look_up(f, session, 1, (const int64_t[]){-TOKENS - 1, 0}, y),
                 "\"input_ids\": index -6 at 0 is outside axis 0 of extent 5");
  expect_refusal(look_up(f, session, 1, (const int64_t[]){INT64_MIN, 0}, y), "index -9223372036854775808 at 0");
  or_expect_ok(look_up(f, session, 1, (const int64_t[]){TOKENS - 1, -TOKENS}, y));
  assert_float_equal(y[0], 40, 0);
  assert_float_equal(y[WIDTH], 0, 0);
  or_session_release(session);
}

static void so_is_a_position_behind_the_last_where_both_are_read_at_once(void **state) {
  fixture_t *f = *state;
  or_session_t *session = session_of(f, true);
  float y[LENGTH * WIDTH];
  expect_refusal(look_up(f, session, 2, (const int64_t[]){1, 2, 3, PLACES}, y),
                 "\"position_ids\": index 4 at 1 is outside a table of 4 rows");
  expect_refusal(look_up(f, session, 2, (const int64_t[]){INT64_MAX, 2, 3, 0}, y),
                 "\"input_ids\": index 9223372036854775807 at 0 is outside a table of 5 rows");
  or_expect_ok(look_up(f, session, 2, (const int64_t[]){1, 2, 3, 0}, y));
  assert_float_equal(y[0], 410, 0);
  assert_float_equal(y[WIDTH], 120, 0);
  or_session_release(session);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(a_token_that_the_table_lacks_is_named_and_the_session_goes_on),
      CASE(so_is_a_position_behind_the_last_where_both_are_read_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
