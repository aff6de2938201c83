#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/numbers.h"
#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/graph_internal.h"

enum { ROWS = 300, COLUMNS = 170 };
static float matrix[ROWS * COLUMNS];
static size_t reads;

static or_status_t read_matrix(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  assert_true(offset + length <= constant->bytes);
  memcpy(destination, (const char *)matrix + offset, length);
  ++reads;
  return or_status_success();
}

static or_status_t fail_to_read(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  (void)constant, (void)offset, (void)destination, (void)length;
  return or_error(OR_DATA_LOSS, "the file is gone");
}

/* x @ Transpose(matrix in a file), whose other reader is the graph's output. */
static or_graph_t *with_transpose(or_status_t (*read)(const or_constant_t *, size_t, void *, size_t)) {
  static or_constant_t in_file;
  in_file = (or_constant_t){
      .dtype = OR_FLOAT32, .shape = SHAPE(ROWS, COLUMNS), .bytes = sizeof matrix, .hash = 77, .read = read};
  for (size_t i = 0; i < ROWS * COLUMNS; ++i) matrix[i] = (float)i;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t w = value_of(graph, "w", OR_FLOAT32, in_file.shape);
  graph->values[w].constant = &in_file;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, COLUMNS));
  or_value_id_t turned = apply(graph, "Transpose", "turned", IDS(w));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "MatMul", "y", IDS(x, turned))));
  size_t before = memory.live_bytes;
  finish_graph(graph);
  assert_int_equal(graph->node_count, 1);
  assert_true(memory.live_bytes - before < sizeof matrix / 2); /* no copy of it */
  const or_constant_t *constant = graph->values[turned].constant;
  assert_non_null(constant);
  assert_null(constant->data);
  return graph;
}

static const or_constant_t *turned_of(const or_graph_t *graph) {
  return graph->values[graph->nodes[0].inputs[1]].constant;
}

static void reads_any_range_of_the_transposed_matrix(void **state) {
  (void)state;
  static float expected[ROWS * COLUMNS], got[ROWS * COLUMNS];
  or_graph_t *graph = with_transpose(read_matrix);
  const or_constant_t *turned = turned_of(graph);
  or_shape_t shape = SHAPE(COLUMNS, ROWS);
  assert_true(or_shape_equal(&turned->shape, &shape));
  assert_int_not_equal(turned->hash, 77);
  for (size_t r = 0; r < COLUMNS; ++r) {
    for (size_t c = 0; c < ROWS; ++c) expected[r * ROWS + c] = matrix[c * COLUMNS + r];
  }
  reads = 0;
  or_expect_ok(turned->read(turned, 0, got, sizeof got));
  assert_memory_equal(got, expected, sizeof got);
  assert_true(reads < 10); /* in large pieces */
  or_random_t random = {.state = 3};
  for (int i = 0; i < 200; ++i) { /* cuts through elements too */
    size_t offset = (size_t)(or_random_next(&random) % sizeof got), most = sizeof got - offset;
    size_t length = (size_t)(or_random_next(&random) % (most < 5000 ? most + 1 : 5000));
    memset(got, 0xee, sizeof got);
    or_expect_ok(turned->read(turned, offset, got, length));
    assert_memory_equal(got, (const char *)expected + offset, length);
    for (size_t b = length; b < length + 8 && b < sizeof got; ++b) assert_int_equal(((unsigned char *)got)[b], 0xee);
  }
  or_graph_release(graph);
}

static void tells_what_its_source_could_not_read(void **state) {
  (void)state;
  static float got[ROWS * COLUMNS];
  or_graph_t *graph = with_transpose(fail_to_read);
  const or_constant_t *turned = turned_of(graph);
  or_expect(turned->read(turned, 0, got, sizeof got), OR_DATA_LOSS);
  memory.fail_at = memory.alloc_count + 1;
  or_expect(turned->read(turned, 0, got, sizeof got), OR_RESOURCE_EXHAUSTED);
  memory.fail_at = 0;
  or_graph_release(graph);
}

static void small_ones_are_computed(void **state) {
  (void)state;
  static const float small[6] = {1, 2, 3, 4, 5, 6}, expected[6] = {1, 4, 2, 5, 3, 6};
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t turned = apply(graph, "Transpose", "turned", IDS(constant(graph, "w", OR_FLOAT32, SHAPE(2, 3), small)));
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 2));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Add", "y", IDS(x, turned))));
  finish_graph(graph);
  assert_memory_equal(graph->values[turned].constant->data, expected, sizeof expected);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(reads_any_range_of_the_transposed_matrix, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_what_its_source_could_not_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(small_ones_are_computed, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
