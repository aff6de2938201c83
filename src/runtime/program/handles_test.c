/* Sequences, optionals and strings that go through a program. */
#include "fixtures/graphs.h"
#include "openruntime/compute.h"
#include "runtime/program/program.h"
#include "runtime/runtime.h"

typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
} fixture_t;

static int setup(void **state) {
  static fixture_t fixture;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_counting_allocator_init(&fixture.allocator, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &fixture.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &fixture.runtime));
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  fixture_t *fixture = *state;
  or_runtime_release(fixture->runtime);
  assert_int_equal(atomic_load(&fixture->allocator.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_tensor_t *tensor(fixture_t *fixture, or_dtype_t dtype, or_shape_t shape, const void *data) {
  or_tensor_t *made = NULL;
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count));
  or_expect_ok(or_tensor_create_from(or_runtime_host_device(fixture->runtime), dtype, shape, data,
                                     or_dtype_bytes(dtype, count), &made));
  return made;
}

static or_value_t *value_of_floats(fixture_t *fixture, int64_t count, const float *data) {
  or_value_t *made = NULL;
  or_tensor_t *floats = tensor(fixture, OR_FLOAT32, SHAPE(count), data);
  or_expect_ok(or_value_from_tensor(&fixture->allocator.base, floats, &made));
  or_tensor_release(floats);
  return made;
}

/* (1 2), (3) */
static or_value_t *two_pieces(fixture_t *fixture) {
  const float numbers[3] = {1, 2, 3};
  or_value_t *parts[2] = {value_of_floats(fixture, 2, numbers), value_of_floats(fixture, 1, &numbers[2])};
  or_value_t *sequence = NULL;
  or_expect_ok(or_value_sequence(&fixture->allocator.base, parts, 2, &sequence));
  for (size_t i = 0; i < 2; ++i) or_value_release(parts[i]);
  return sequence;
}

static or_session_t *session_of(fixture_t *fixture, or_graph_t *graph) {
  or_session_t *session = NULL;
  finish_graph(graph);
  or_expect_ok(or_session_create_for_graph(fixture->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session));
  or_graph_release(graph);
  return session;
}

/* A graph whose only input is a sequence of float32. */
static or_graph_t *of_sequence(fixture_t *fixture, or_value_form_t form, or_value_id_t *sequence) {
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  graph->opset = 18;
  *sequence = input(graph, "s", OR_FLOAT32, (or_shape_t){.rank = OR_RANK_UNKNOWN});
  graph->values[*sequence].form = form;
  return graph;
}

static or_value_id_t scalar(or_graph_t *graph, const char *name, int64_t number) {
  return constant(graph, name, OR_INT64, or_shape_make(0, NULL), &number);
}

static or_status_t run_one(or_session_t *session, or_value_t *given, or_binding_t *output) {
  const or_binding_t bound = {.name = NULL, .value = given};
  *output = (or_binding_t){.name = NULL};
  return or_session_run(session, &bound, 1, output, 1);
}

static void expect_floats(or_tensor_t *got, or_shape_t shape, const float *numbers) {
  assert_non_null(got);
  assert_true(or_shape_equal(or_tensor_shape(got), &shape));
  assert_memory_equal(or_tensor_data(got), numbers, or_tensor_bytes(got));
}

static void expect_sequence(fixture_t *fixture, or_graph_t *graph, or_value_id_t result, const size_t *counts,
                            const float *first, size_t count) {
  or_binding_t output;
  or_value_t *given = two_pieces(fixture);
  or_expect_ok(or_graph_add_output(graph, result));
  or_session_t *session = session_of(fixture, graph);
  or_expect_ok(run_one(session, given, &output));
  assert_null(output.tensor);
  assert_int_equal(or_value_kind(output.value), OR_VALUE_SEQUENCE);
  assert_int_equal(or_value_count(output.value), count);
  for (size_t i = 0; i < count; ++i) {
    or_tensor_t *part = or_value_tensor(or_value_element(output.value, i));
    assert_int_equal(or_tensor_count(part), counts[i]);
    assert_true(*(const float *)or_tensor_data(part) == first[i]);
  }
  or_value_release(output.value);
  or_value_release(given);
  or_session_release(session);
}

static void tensors_go_into_and_out_of_sequences(void **state) {
  fixture_t *fixture = *state;
  or_value_id_t s = 0;
  const float nine = 9;
  or_graph_t *graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_value_id_t added = constant(graph, "nine", OR_FLOAT32, SHAPE(1), &nine);
  expect_sequence(fixture, graph, apply(graph, "SequenceInsert", "y", IDS(s, added)), (const size_t[]){2, 1, 1},
                  (const float[]){1, 3, 9}, 3);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  added = constant(graph, "nine", OR_FLOAT32, SHAPE(1), &nine);
  expect_sequence(fixture, graph, apply(graph, "SequenceInsert", "y", IDS(s, added, scalar(graph, "at", -1))),
                  (const size_t[]){2, 1, 1}, (const float[]){1, 9, 3}, 3);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  expect_sequence(fixture, graph, apply(graph, "SequenceErase", "y", IDS(s, scalar(graph, "at", 0))),
                  (const size_t[]){1}, (const float[]){3}, 1);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  expect_sequence(fixture, graph, apply(graph, "SequenceErase", "y", IDS(s)), (const size_t[]){2}, (const float[]){1},
                  1);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_value_id_t last = apply(graph, "SequenceAt", "last", IDS(s, scalar(graph, "at", 1)));
  or_value_id_t doubled = apply(graph, "Add", "doubled", IDS(last, last));
  expect_sequence(fixture, graph, apply(graph, "SequenceConstruct", "y", IDS(doubled, last, doubled)),
                  (const size_t[]){1, 1, 1}, (const float[]){6, 3, 6}, 3);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  expect_sequence(fixture, graph, apply(graph, "Identity", "y", IDS(s)), (const size_t[]){2, 1}, (const float[]){1, 3},
                  2);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  expect_sequence(fixture, graph, apply(graph, "SequenceEmpty", "y", NULL, 0), NULL, NULL, 0);
}

static void sequences_are_joined_measured_and_cut(void **state) {
  fixture_t *fixture = *state;
  or_value_id_t s = 0;
  or_binding_t output;
  or_value_t *given = two_pieces(fixture);
  or_graph_t *graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_node_t *join = node(graph, "ConcatFromSequence", "y", IDS(s));
  attribute(join, "axis", OR_ATTRIBUTE_INT)->integer = -1;
  or_expect_ok(or_graph_add_output(graph, join->outputs[0]));
  or_session_t *session = session_of(fixture, graph);
  or_expect_ok(run_one(session, given, &output));
  expect_floats(output.tensor, SHAPE(3), (const float[]){1, 2, 3});
  or_tensor_release(output.tensor);
  or_session_release(session);

  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_expect_ok(or_graph_add_output(graph, apply(graph, "SequenceLength", "n", IDS(s))));
  session = session_of(fixture, graph);
  or_expect_ok(run_one(session, given, &output));
  assert_int_equal(*(const int64_t *)or_tensor_data(output.tensor), 2);
  or_tensor_release(output.tensor);
  or_session_release(session);

  const float x[6] = {1, 2, 3, 4, 5, 6};
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_value_id_t whole = constant(graph, "x", OR_FLOAT32, SHAPE(2, 3), x);
  or_node_t *cut = node(graph, "SplitToSequence", "y", IDS(whole, scalar(graph, "two", 2)));
  attribute(cut, "axis", OR_ATTRIBUTE_INT)->integer = 1;
  expect_sequence(fixture, graph, cut->outputs[0], (const size_t[]){4, 2}, (const float[]){1, 3}, 2);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  whole = constant(graph, "x", OR_FLOAT32, SHAPE(2, 3), x);
  cut = node(graph, "SplitToSequence", "y", IDS(whole));
  attribute(cut, "keepdims", OR_ATTRIBUTE_INT)->integer = 0;
  expect_sequence(fixture, graph, cut->outputs[0], (const size_t[]){3, 3}, (const float[]){1, 4}, 2);
  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  whole = constant(graph, "x", OR_FLOAT32, SHAPE(2, 3), x);
  cut = node(graph, "SplitToSequence", "y", IDS(whole, integers(graph, "sizes", 3, (const int64_t[]){1, 0, 1})));
  graph->values[cut->outputs[0]].dtype = OR_DTYPE_NONE;
  or_expect_ok(or_graph_add_output(graph, cut->outputs[0]));
  session = session_of(fixture, graph);
  or_expect_ok(run_one(session, given, &output));
  assert_int_equal(or_value_count(output.value), 3);
  assert_int_equal(or_tensor_count(or_value_tensor(or_value_element(output.value, 1))), 0);
  or_value_release(output.value);
  or_session_release(session);
  or_value_release(given);
}

static void a_size_beyond_the_extent_cuts_nothing(void **state) {
  fixture_t *fixture = *state;
  static const int64_t sizes[] = {3, INT64_MAX - 1, INT64_MAX};
  const float x[6] = {1, 2, 3, 4, 5, 6};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    or_value_id_t s = 0;
    or_graph_t *graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
    or_value_id_t whole = constant(graph, "x", OR_FLOAT32, SHAPE(2, 3), x);
    or_node_t *cut = node(graph, "SplitToSequence", "y", IDS(whole, scalar(graph, "size", sizes[i])));
    expect_sequence(fixture, graph, cut->outputs[0], (const size_t[]){6}, (const float[]){1}, 1);
  }
}

static void optionals_hold_something_or_nothing(void **state) {
  fixture_t *fixture = *state;
  or_value_id_t o = 0;
  or_binding_t output;
  or_value_t *sequence = two_pieces(fixture), *full = NULL, *empty = NULL;
  or_expect_ok(or_value_optional(&fixture->allocator.base, sequence, &full));
  or_expect_ok(or_value_optional(&fixture->allocator.base, NULL, &empty));
  or_graph_t *graph = of_sequence(fixture, OR_FORM_OPTIONAL_SEQUENCE, &o);
  or_expect_ok(or_graph_add_output(graph, apply(graph, "OptionalHasElement", "has", IDS(o))));
  or_session_t *session = session_of(fixture, graph);
  for (size_t i = 0; i < 2; ++i) {
    or_expect_ok(run_one(session, i == 0 ? full : empty, &output));
    assert_int_equal(*(const uint8_t *)or_tensor_data(output.tensor), i == 0);
    or_tensor_release(output.tensor);
  }
  or_expect_words(run_one(session, sequence, &output), OR_INVALID_ARGUMENT, "a value that is not in an optional");
  or_expect_words(run_one(session, NULL, &output), OR_INVALID_ARGUMENT, "no value is given");
  or_session_release(session);

  graph = of_sequence(fixture, OR_FORM_OPTIONAL_SEQUENCE, &o);
  or_value_id_t inside = apply(graph, "OptionalGetElement", "inside", IDS(o));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Optional", "again", IDS(inside))));
  session = session_of(fixture, graph);
  or_expect_ok(run_one(session, full, &output));
  assert_int_equal(or_value_kind(output.value), OR_VALUE_OPTIONAL);
  assert_ptr_equal(or_value_element(output.value, 0), sequence); /* handed about, not copied */
  or_value_release(output.value);
  or_expect_words(run_one(session, empty, &output), OR_INVALID_ARGUMENT, "the optional is empty");
  or_session_release(session);
  or_value_release(full);
  or_value_release(empty);
  or_value_release(sequence);
}

static void wrong_positions_and_sizes_are_refused(void **state) {
  fixture_t *fixture = *state;
  or_value_id_t s = 0;
  or_binding_t output;
  or_value_t *given = two_pieces(fixture), *none = NULL;
  or_expect_ok(or_value_sequence(&fixture->allocator.base, NULL, 0, &none));
  or_graph_t *graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_expect_ok(or_graph_add_output(graph, apply(graph, "SequenceAt", "y", IDS(s, scalar(graph, "at", 2)))));
  or_session_t *session = session_of(fixture, graph);
  or_expect_words(run_one(session, given, &output), OR_INVALID_ARGUMENT, "position 2 in a sequence of 2");
  or_session_release(session);

  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_expect_ok(or_graph_add_output(graph, apply(graph, "SequenceErase", "y", IDS(s))));
  session = session_of(fixture, graph);
  or_expect_words(run_one(session, none, &output), OR_INVALID_ARGUMENT, "an empty sequence");
  or_session_release(session);

  graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  or_node_t *join = node(graph, "ConcatFromSequence", "y", IDS(s));
  attribute(join, "axis", OR_ATTRIBUTE_INT)->integer = 1;
  or_expect_ok(or_graph_add_output(graph, join->outputs[0]));
  session = session_of(fixture, graph);
  or_expect_words(run_one(session, none, &output), OR_INVALID_ARGUMENT, "an empty sequence");
  or_expect_words(run_one(session, given, &output), OR_INVALID_ARGUMENT, "axis 1 of a result of 1 dimensions");
  or_session_release(session);
  or_value_release(given);
  or_value_release(none);
}

/* SequenceMap: each element plus a tensor of outside. */
static void a_body_maps_each_element(void **state) {
  fixture_t *fixture = *state;
  or_value_id_t s = 0;
  const float ten = 10;
  or_graph_t *graph = of_sequence(fixture, OR_FORM_SEQUENCE, &s);
  const or_value_id_t more = constant(graph, "ten", OR_FLOAT32, SHAPE(1), &ten);
  or_node_t *map = node(graph, "SequenceMap", "y", IDS(s, more));
  or_graph_t *body = new_graph(&fixture->allocator.base);
  or_expect_ok(or_graph_keep_body(graph, body));
  const or_value_id_t a = value(body, "a"), b = value(body, "b");
  or_expect_ok(or_graph_add_input(body, a));
  or_expect_ok(or_graph_add_input(body, b));
  or_expect_ok(or_graph_add_output(body, apply(body, "Add", "sum", IDS(a, b))));
  attribute(map, "body", OR_ATTRIBUTE_GRAPH)->graph = body;
  expect_sequence(fixture, graph, map->outputs[0], (const size_t[]){2, 1}, (const float[]){11, 13}, 2);
}

/* Strings live in memory of their own once a node has made them. */
static void strings_go_through_nodes(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  const or_value_id_t x = input(graph, "x", OR_STRING, SHAPE(OR_DIM_UNKNOWN));
  const or_value_id_t order = integers(graph, "order", 3, (const int64_t[]){1, 0, 1});
  const or_value_id_t picked = apply(graph, "Gather", "picked", IDS(x, order));
  or_expect_ok(or_graph_add_output(
      graph, apply(graph, "Reshape", "y", IDS(picked, integers(graph, "shape", 2, (const int64_t[]){3, 1})))));
  or_session_t *session = session_of(fixture, graph);
  char text[] = "onetwo";
  or_string_t strings[2] = {{text, 3}, {text + 3, 3}};
  or_tensor_t *given = NULL;
  or_expect_ok(or_tensor_wrap(fixture->runtime, OR_STRING, SHAPE(2), strings, (or_owner_t){NULL, NULL}, &given));
  or_binding_t bound = {.tensor = given}, output = {.name = NULL};
  or_expect_ok(or_session_run(session, &bound, 1, &output, 1));
  memset(text, '-', sizeof text); /* what came out does not hang on what went in */
  const or_string_t *got = or_tensor_data(output.tensor);
  const or_shape_t column = SHAPE(3, 1);
  assert_true(or_shape_equal(or_tensor_shape(output.tensor), &column));
  assert_memory_equal(got[0].data, "two", 3);
  assert_memory_equal(got[1].data, "one", 3);
  assert_memory_equal(got[2].data, "two", 3);
  or_tensor_release(output.tensor);
  or_session_release(session);
  or_tensor_release(given);
}

static void strings_are_bounded(void **state) {
  fixture_t *fixture = *state;
  or_graph_t *graph = new_graph(&fixture->allocator.base);
  graph->limits.string_bytes = 8;
  const or_value_id_t x = input(graph, "x", OR_STRING, SHAPE(OR_DIM_UNKNOWN));
  or_expect_ok(or_graph_add_output(
      graph, apply(graph, "Gather", "y", IDS(x, integers(graph, "order", 3, (const int64_t[]){0, 0, 0})))));
  or_session_t *session = session_of(fixture, graph);
  or_string_t strings[1] = {{"three", 5}};
  or_tensor_t *given = NULL;
  or_expect_ok(or_tensor_wrap(fixture->runtime, OR_STRING, SHAPE(1), strings, (or_owner_t){NULL, NULL}, &given));
  or_binding_t bound = {.tensor = given}, output = {.name = NULL};
  or_expect_words(or_session_run(session, &bound, 1, &output, 1), OR_RESOURCE_EXHAUSTED, "limits.string_bytes");
  or_session_release(session);
  or_tensor_release(given);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(tensors_go_into_and_out_of_sequences, setup, teardown),
      cmocka_unit_test_setup_teardown(sequences_are_joined_measured_and_cut, setup, teardown),
      cmocka_unit_test_setup_teardown(a_size_beyond_the_extent_cuts_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(optionals_hold_something_or_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_positions_and_sizes_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_body_maps_each_element, setup, teardown),
      cmocka_unit_test_setup_teardown(strings_go_through_nodes, setup, teardown),
      cmocka_unit_test_setup_teardown(strings_are_bounded, setup, teardown),
  };
  return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
