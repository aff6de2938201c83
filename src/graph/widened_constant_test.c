#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/numbers.h"
#include "fixtures/counted.h"
#include "fixtures/graphs.h"
#include "graph/graph_internal.h"

enum { COUNT = 65536 }; /* every 16 bits that are a number */
static uint16_t narrow[COUNT];
static float expected[COUNT];

/* IEEE 754-2019, 3.4: sign, exponent, fraction; of bfloat16 they are the upper half of a float32's. */
static void fill(or_dtype_t dtype) {
  for (uint32_t i = 0; i < COUNT; ++i) {
    const uint32_t exponent = dtype == OR_FLOAT16 ? i >> 10 & 31 : i >> 7 & 255;
    const bool is_number = exponent != (dtype == OR_FLOAT16 ? 31 : 255);
    narrow[i] = is_number ? (uint16_t)i : 0;
    const uint32_t bits = (uint32_t)narrow[i] << 16;
    memcpy(&expected[i], &bits, sizeof bits);
    if (dtype == OR_BFLOAT16 || !is_number) continue;
    const double fraction = (double)(i & 1023) / 1024;
    const double size = exponent == 0 ? ldexp(fraction, -14) : ldexp(1 + fraction, (int)exponent - 15);
    expected[i] = (float)(i >> 15 != 0 ? -size : size);
  }
}

static or_status_t read_narrow(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  assert_true(offset + length <= constant->bytes);
  memcpy(destination, (const char *)narrow + offset, length);
  return or_status_success();
}

static or_status_t fail_to_read(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  (void)constant, (void)offset, (void)destination, (void)length;
  return or_error(OR_DATA_LOSS, "the file is gone");
}

/* x + Cast(w): what the Cast gives. `read` NULL: w lies in memory. */
static or_graph_t *with_cast(or_dtype_t from, or_dtype_t to,
                             or_status_t (*read)(const or_constant_t *, size_t, void *, size_t),
                             const or_constant_t **out) {
  static or_constant_t source;
  source = (or_constant_t){.dtype = from,
                           .shape = SHAPE(256, 256),
                           .bytes = sizeof narrow,
                           .hash = 77,
                           .data = read == NULL ? narrow : NULL,
                           .read = read};
  fill(from);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t w = value_of(graph, "w", from, source.shape);
  graph->values[w].constant = &source;
  or_value_id_t x = input(graph, "x", to, SHAPE(1, 256));
  or_node_t *cast = node(graph, "Cast", "wide", IDS(w));
  attribute(cast, "to", OR_ATTRIBUTE_INT)->integer = to;
  or_value_id_t wide = cast->outputs[0];
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Add", "y", IDS(x, wide))));
  finish_graph(graph);
  *out = graph->values[wide].constant;
  assert_non_null(*out);
  return graph;
}

static void expect_widened(or_dtype_t dtype, or_status_t (*read)(const or_constant_t *, size_t, void *, size_t)) {
  static float got[COUNT + 2];
  const or_constant_t *wide = NULL;
  or_graph_t *graph = with_cast(dtype, OR_FLOAT32, read, &wide);
  assert_null(wide->data);
  assert_true(memory.live_bytes < sizeof narrow); /* no copy of it */
  assert_int_equal(wide->bytes, sizeof expected);
  assert_int_not_equal(wide->hash, 77);
  or_expect_ok(wide->read(wide, 0, got, sizeof expected));
  assert_memory_equal(got, expected, sizeof expected);
  or_random_t random = {.state = 3};
  for (int i = 0; i < 200; ++i) { /* cuts through elements too */
    size_t offset = (size_t)(or_random_next(&random) % sizeof expected), most = sizeof expected - offset;
    size_t length = (size_t)(or_random_next(&random) % (most < 5000 ? most + 1 : (size_t)(i < 100 ? 5000 : 7)));
    memset(got, 0xee, sizeof got);
    or_expect_ok(wide->read(wide, offset, got, length));
    assert_memory_equal(got, (const char *)expected + offset, length);
    for (size_t b = length; b < length + 8; ++b) assert_int_equal(((unsigned char *)got)[b], 0xee);
  }
  or_graph_release(graph);
}

static void widens_any_range_as_it_is_read(void **state) {
  (void)state;
  expect_widened(OR_FLOAT16, read_narrow);
  expect_widened(OR_BFLOAT16, read_narrow);
  expect_widened(OR_FLOAT16, NULL);
}

static void tells_what_its_source_could_not_read(void **state) {
  (void)state;
  static float got[COUNT];
  const or_constant_t *wide = NULL;
  or_graph_t *graph = with_cast(OR_FLOAT16, OR_FLOAT32, fail_to_read, &wide);
  or_expect(wide->read(wide, 0, got, sizeof got), OR_DATA_LOSS);
  or_expect(wide->read(wide, 3, got, 2), OR_DATA_LOSS);
  or_graph_release(graph);
}

static void other_casts_are_computed(void **state) {
  (void)state;
  const or_constant_t *wide = NULL;
  or_graph_t *graph = with_cast(OR_FLOAT16, OR_FLOAT64, read_narrow, &wide);
  assert_non_null(wide->data);
  for (size_t i = 0; i < COUNT; ++i) assert_true(((const double *)wide->data)[i] == (double)expected[i]);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(widens_any_range_as_it_is_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_what_its_source_could_not_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(other_casts_are_computed, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
