#include <math.h>

#include "base/testing.h"
#include "model/builtin/weights.h"

#define ROWS 700
#define COLUMNS 1100

typedef struct made_t {
  or_graph_t *graph;
  const or_constant_t *constant;
} made_t;

static or_weight_request_t request_of(const char *name, int64_t rows, int64_t columns) {
  return (or_weight_request_t){.name = name,
                               .dtype = OR_FLOAT32,
                               .shape = or_shape_make(2, (const int64_t[]){rows, columns}),
                               .mean = 0.25F,
                               .deviation = 0.5F};
}

static made_t make(uint64_t seed, const or_weight_request_t *request) {
  made_t made = {.graph = NULL};
  or_synthetic_weights_t weights;
  or_synthetic_weights_init(&weights, seed);
  expect_ok(or_graph_create(or_allocator_system(), "x", NULL, &made.graph));
  expect_ok(weights.base.find(&weights.base, made.graph, request, &made.constant));
  return made;
}

static float matrix[ROWS * COLUMNS], other[ROWS * COLUMNS];

static void read_all(const or_constant_t *constant, float *out) {
  assert_int_equal(constant->bytes, sizeof matrix);
  expect_ok(constant->read(constant, 0, out, constant->bytes));
}

static void has_the_mean_and_deviation_that_were_asked_for(void **state) {
  (void)state;
  const or_weight_request_t request = request_of("w", ROWS, COLUMNS);
  made_t made = make(1, &request);
  read_all(made.constant, matrix);
  double sum = 0, squares = 0, neighbours = 0;
  const double count = ROWS * COLUMNS;
  for (size_t i = 0; i < ROWS * COLUMNS; ++i) sum += (double)matrix[i];
  for (size_t i = 0; i < ROWS * COLUMNS; ++i) {
    double from_mean = (double)matrix[i] - 0.25;
    squares += from_mean * from_mean;
    if (i > 0) neighbours += from_mean * ((double)matrix[i - 1] - 0.25);
    assert_true(fabs(from_mean) <= 0.5 * sqrt(3.0) * 1.0001);
  }
  /* Within five standard errors of what independent uniform numbers have. */
  assert_true(fabs(sum / count - 0.25) < 5 * 0.5 / sqrt(count));
  assert_true(fabs(squares / count - 0.25) < 5 * 0.25 * sqrt(0.8) / sqrt(count));
  assert_true(fabs(neighbours / count) < 5 * 0.25 / sqrt(count));
  or_graph_release(made.graph);
}

static void any_part_is_that_of_the_whole(void **state) {
  (void)state;
  static const size_t parts[][2] = {{0, 4},       {4, 4400},    {1, 6},        {2047, 9001},
                                    {3079999, 1}, {1000000, 0}, {4399, 100003}};
  static char bytes[200000];
  or_weight_request_t request = request_of("w", ROWS, COLUMNS);
  for (int transposed = 0; transposed < 2; ++transposed) {
    request.transposed = transposed != 0;
    made_t made = make(1, &request);
    read_all(made.constant, matrix);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
      memset(bytes, 0xaa, sizeof bytes);
      expect_ok(made.constant->read(made.constant, parts[i][0], bytes, parts[i][1]));
      assert_memory_equal(bytes, (const char *)matrix + parts[i][0], parts[i][1]);
    }
    expect_failure(made.constant->read(made.constant, sizeof matrix, bytes, 1), OR_OUT_OF_RANGE, "3080000");
    or_graph_release(made.graph);
  }
}

static void a_transposed_parameter_has_the_same_elements(void **state) {
  (void)state;
  or_weight_request_t request = request_of("w", ROWS, COLUMNS);
  made_t plain = make(1, &request);
  request.transposed = true;
  made_t turned = make(1, &request);
  assert_int_equal(turned.constant->shape.dims[0], COLUMNS);
  assert_int_equal(turned.constant->shape.dims[1], ROWS);
  read_all(plain.constant, matrix);
  read_all(turned.constant, other);
  for (size_t r = 0; r < ROWS; ++r) {
    for (size_t c = 0; c < COLUMNS; ++c) assert_true(matrix[r * COLUMNS + c] == other[c * ROWS + r]);
  }
  or_graph_release(plain.graph);
  or_graph_release(turned.graph);
}

static void another_name_seed_or_shape_is_another_constant(void **state) {
  (void)state;
  const or_weight_request_t w = request_of("w", ROWS, COLUMNS), v = request_of("v", ROWS, COLUMNS),
                            turned = request_of("w", COLUMNS, ROWS);
  made_t made[] = {make(1, &w), make(1, &v), make(2, &w), make(1, &turned), make(1, &w)};
  for (size_t i = 0; i < 4; ++i) {
    for (size_t k = 0; k < i; ++k) assert_true(made[i].constant->hash != made[k].constant->hash);
  }
  assert_true(made[4].constant->hash == made[0].constant->hash);
  for (size_t i = 1; i < 3; ++i) { /* no window of one sequence: no element of one is at the other's first places */
    read_all(made[0].constant, matrix);
    read_all(made[i].constant, other);
    size_t equal = 0;
    for (size_t k = 0; k + 2 < ROWS * COLUMNS; ++k) equal += matrix[k] == other[0] && matrix[k + 1] == other[1];
    assert_int_equal(equal, 0);
  }
  for (size_t i = 0; i < sizeof made / sizeof *made; ++i) or_graph_release(made[i].graph);
}

static void small_ones_are_resident_and_others_are_not(void **state) {
  (void)state;
  const or_weight_request_t small = request_of("w", 1, 1024), large = request_of("w", 1, 1025);
  made_t a = make(1, &small), b = make(1, &large);
  assert_non_null(a.constant->data);
  assert_null(b.constant->data);
  float values[1024];
  expect_ok(b.constant->read(b.constant, 0, values, sizeof values));
  assert_memory_equal(values, a.constant->data, sizeof values);
  or_graph_release(a.graph);
  or_graph_release(b.graph);
}

static void refuses_what_it_can_not_generate(void **state) {
  (void)state;
  or_synthetic_weights_t weights;
  or_graph_t *graph = NULL;
  const or_constant_t *constant = NULL;
  or_weight_request_t request = request_of("w", 1 << 20, 1 << 20);
  or_synthetic_weights_init(&weights, 1);
  expect_ok(or_graph_create(or_allocator_system(), "x", NULL, &graph));
  expect_failure(weights.base.find(&weights.base, graph, &request, &constant), OR_INVALID_ARGUMENT, "at most");
  request = request_of("w", 2, 2);
  request.dtype = OR_FLOAT16;
  expect_failure(weights.base.find(&weights.base, graph, &request, &constant), OR_INVALID_ARGUMENT, "only float32");
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_the_mean_and_deviation_that_were_asked_for),
      cmocka_unit_test(any_part_is_that_of_the_whole),
      cmocka_unit_test(a_transposed_parameter_has_the_same_elements),
      cmocka_unit_test(another_name_seed_or_shape_is_another_constant),
      cmocka_unit_test(small_ones_are_resident_and_others_are_not),
      cmocka_unit_test(refuses_what_it_can_not_generate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
