/* What may be given for a model's inputs, and what is said of what may not. */
#include "fixtures/graphs.h"
#include "runtime/door.h"
#include "runtime/runtime.h"

enum { TENSOR, SEQUENCE, MAY_BE_TENSOR, MAY_BE_SEQUENCE, VECTOR };

/* x: float32 [N,3]; s: a sequence of int64; o: an optional float32; p: an optional sequence of strings; y: float32
 * [N] */
static or_graph_t *graph_of_forms(void) {
  static const or_value_form_t forms[] = {OR_FORM_TENSOR, OR_FORM_SEQUENCE, OR_FORM_OPTIONAL_TENSOR,
                                          OR_FORM_OPTIONAL_SEQUENCE};
  static const or_dtype_t dtypes[] = {OR_FLOAT32, OR_INT64, OR_FLOAT32, OR_STRING};
  static const char *const names[] = {"x", "s", "o", "p"};
  or_graph_t *graph = new_graph(or_allocator_system());
  size_t symbol = 0;
  or_expect_ok(or_graph_symbol(graph, "N", 1, &symbol));
  const int64_t n = OR_DIM_SYMBOL((int64_t)symbol);
  for (size_t i = 0; i < 4; ++i) {
    or_value_id_t made =
        input(graph, names[i], dtypes[i], i == TENSOR ? SHAPE(n, 3) : (or_shape_t){.rank = OR_RANK_UNKNOWN});
    graph->values[made].form = forms[i];
  }
  (void)input(graph, "y", OR_FLOAT32, SHAPE(n));
  return graph;
}

static int setup(void **state) {
  *state = graph_of_forms();
  return 0;
}
static int teardown(void **state) {
  or_graph_release(*state);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_door_t open_door(void **state) {
  or_door_t door;
  or_door_open(&door, *state);
  return door;
}

#define AT(...) \
  (&(const or_shape_t){.rank = sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .dims = {__VA_ARGS__}})

static void lets_in_what_the_model_declares(void **state) {
  or_door_t door = open_door(state);
  or_expect_ok(or_door_check_tensor(&door, TENSOR, OR_FLOAT32, AT(2, 3)));
  or_expect_ok(or_door_check_tensor(&door, VECTOR, OR_FLOAT32, AT(2)));
  or_expect_ok(or_door_check_tensor(&door, MAY_BE_TENSOR, OR_FLOAT32, AT(7)));
  or_expect_ok(or_door_check_nothing(&door, MAY_BE_TENSOR));
  or_expect_ok(or_door_check_nothing(&door, MAY_BE_SEQUENCE));
  or_expect_ok(or_door_check_sequence(&door, SEQUENCE, 0));
  or_expect_ok(or_door_check_element(&door, SEQUENCE, 0, OR_INT64, AT(4)));
  or_expect_ok(or_door_check_sequence(&door, MAY_BE_SEQUENCE, 2));
  or_expect_ok(or_door_check_element(&door, MAY_BE_SEQUENCE, 1, OR_STRING, AT(1)));
}

static void names_the_input_what_is_wanted_and_what_is_given(void **state) {
  or_door_t door = open_door(state);
#define EXPECT(call, words) or_expect_words(call, OR_INVALID_ARGUMENT, words)
  EXPECT(or_door_check_tensor(&door, TENSOR, OR_FLOAT64, AT(2, 3)),
         "input \"x\": expected float32 [N,3], got float64 [2,3]");
  EXPECT(or_door_check_tensor(&door, TENSOR, OR_FLOAT32, AT(3)), "expected float32 [N,3], got float32 [3]");
  EXPECT(or_door_check_tensor(&door, TENSOR, OR_FLOAT32, AT(2, 4)), "got float32 [2,4]: dimension 1 differs");
  EXPECT(or_door_check_tensor(&door, SEQUENCE, OR_INT64, AT(4)),
         "input \"s\": expected a sequence of int64 tensors, got int64 [4]");
  EXPECT(or_door_check_tensor(&door, MAY_BE_TENSOR, OR_INT64, AT(4)),
         "input \"o\": expected null or a tensor of float32, got int64 [4]");
  EXPECT(or_door_check_tensor(&door, MAY_BE_SEQUENCE, OR_STRING, AT(4)),
         "input \"p\": expected null or a sequence of string tensors, got string [4]");
  EXPECT(or_door_check_nothing(&door, TENSOR), "input \"x\": expected float32 [N,3], got null");
  EXPECT(or_door_check_nothing(&door, SEQUENCE), "expected a sequence of int64 tensors, got null");
  EXPECT(or_door_check_sequence(&door, TENSOR, 5), "expected float32 [N,3], got a sequence of 5");
  EXPECT(or_door_check_sequence(&door, MAY_BE_TENSOR, 1), "got a sequence of 1");
  EXPECT(or_door_check_element(&door, SEQUENCE, 3, OR_FLOAT32, AT(1)),
         "expected a sequence of int64 tensors, got float32 [1] as element 3");
  EXPECT(or_door_missing(&door, MAY_BE_TENSOR), "input \"o\" (null or a tensor of float32) is missing");
  EXPECT(or_door_unknown(*state, "z", true), "the model has no input \"z\"; it has: \"x\", \"s\", \"o\", \"p\", \"y\"");
  EXPECT(or_door_unknown(*state, "z", false), "the model has no output \"z\"; it has: ");
}

static void an_extent_of_one_name_is_one_number(void **state) {
  or_door_t door = open_door(state);
  or_expect_ok(or_door_check_tensor(&door, TENSOR, OR_FLOAT32, AT(2, 3)));
  EXPECT(or_door_check_tensor(&door, VECTOR, OR_FLOAT32, AT(4)),
         "input \"y\": expected float32 [N], got float32 [4]: dimension 0 differs: \"N\" is 2 in an input before it");
  or_expect_ok(or_door_check_tensor(&door, VECTOR, OR_FLOAT32, AT(2)));
}

static or_value_t *value_of_dtype(or_runtime_t *runtime, or_dtype_t dtype) {
  static int64_t bytes[2] = {1, 2};
  or_tensor_t *tensor = NULL;
  or_value_t *value = NULL;
  or_expect_ok(or_tensor_wrap(runtime, dtype, SHAPE(1), bytes, (or_owner_t){NULL, NULL}, &tensor));
  or_expect_ok(or_value_from_tensor(or_allocator_system(), tensor, &value));
  or_tensor_release(tensor);
  return value;
}

static or_value_t *optional_of(or_value_t *held) {
  or_value_t *value = NULL;
  or_expect_ok(or_value_optional(or_allocator_system(), held, &value));
  or_value_release(held);
  return value;
}

static or_value_t *sequence_of(or_value_t *element) {
  or_value_t *value = NULL;
  or_expect_ok(or_value_sequence(or_allocator_system(), &element, 1, &value));
  or_value_release(element);
  return value;
}

/* `good`: it may be given; `strict`: it may be bound as it is. Releases the value. */
static void expect_verdict(or_door_t *door, size_t input, or_value_t *value, bool good, bool strict,
                           const char *words) {
  or_status_t given = or_door_check_given(door, input, value), bound = or_door_check_value(door, input, value);
  assert_int_equal(or_ok(given), good);
  assert_int_equal(or_ok(bound), strict);
  or_status_ignore(given);
  if (!strict) assert_non_null(strstr(or_status_message(bound), words));
  or_status_ignore(bound);
  or_value_release(value);
}

static void looks_into_values(void **state) {
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_door_t door = open_door(state);
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &runtime));
#define WHOLE() value_of_dtype(runtime, OR_INT64)
#define REAL() value_of_dtype(runtime, OR_FLOAT32)
  expect_verdict(&door, SEQUENCE, sequence_of(WHOLE()), true, true, "");
  expect_verdict(&door, SEQUENCE, sequence_of(REAL()), false, false, "got float32 [1] as element 0");
  expect_verdict(&door, SEQUENCE, sequence_of(sequence_of(WHOLE())), false, false, "what is no tensor as element 0");
  expect_verdict(&door, SEQUENCE, optional_of(NULL), false, false, "got null");
  expect_verdict(&door, SEQUENCE, optional_of(WHOLE()), false, false, "got an optional");
  expect_verdict(&door, MAY_BE_TENSOR, optional_of(NULL), true, true, "");
  expect_verdict(&door, MAY_BE_TENSOR, optional_of(REAL()), true, true, "");
  expect_verdict(&door, MAY_BE_TENSOR, REAL(), true, false, "a value that is not in an optional");
  expect_verdict(&door, MAY_BE_TENSOR, optional_of(WHOLE()), false, false, "got int64 [1]");
  expect_verdict(&door, MAY_BE_TENSOR, optional_of(sequence_of(REAL())), false, false, "got a sequence of 1");
  expect_verdict(&door, MAY_BE_TENSOR, optional_of(optional_of(REAL())), false, false, "an optional in an optional");
  or_runtime_release(runtime);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(lets_in_what_the_model_declares),
      TEST(names_the_input_what_is_wanted_and_what_is_given),
      TEST(an_extent_of_one_name_is_one_number),
      TEST(looks_into_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
