#include "ops/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* ---- the count ---- */

static void looks_once_in_so_much_work(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  or_stop_t stop = or_stop_make(&cancel, NULL);
  for (uint64_t i = 1; i < OR_STOP_WORK; ++i) assert_false(or_stops(&stop, 1));
  assert_true(or_stops(&stop, 1));
  assert_true(or_stops(&stop, 0)); /* and from then on */
  or_status_t status = or_stop_end(&stop, or_error(OR_INTERNAL, "of what was not done"));
  assert_int_equal(or_status_code(status), OR_CANCELLED);
  or_status_ignore(status);
  assert_int_equal(or_status_live_count(), 0);
}

static void a_stop_holds_when_the_deadline_is_put_off_after_it(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, 1);
  or_stop_t stop = or_stop_make(&cancel, NULL);
  assert_true(or_stops(&stop, OR_STOP_WORK));
  atomic_store(&cancel.deadline_ns, INT64_MAX);
  assert_true(or_stops(&stop, 0));
  or_status_t status = or_stop_end(&stop, or_status_success());
  assert_int_equal(or_status_code(status), OR_DEADLINE_EXCEEDED);
  or_status_ignore(status);
}

static void nobody_stops_a_call_without_a_stop(void **state) {
  (void)state;
  assert_false(or_stops(NULL, UINT64_MAX));
  or_stop_t stop = or_stop_make(NULL, NULL);
  assert_false(or_stops(&stop, UINT64_MAX));
  expect_ok(or_stop_end(&stop, or_status_success()));
}

static void a_budget_is_spent_to_the_last(void **state) {
  (void)state;
  uint64_t budget = 10;
  or_stop_t stop = or_stop_make(NULL, &budget);
  assert_false(or_stops(&stop, 9));
  expect_ok(or_stop_end(&stop, or_status_success()));
  assert_int_equal(budget, 1);
  stop = or_stop_make(NULL, &budget);
  assert_true(or_stops(&stop, 1));
  or_status_t status = or_stop_end(&stop, or_status_success());
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status);
  assert_int_equal(budget, 0);
  budget = 3 * OR_STOP_WORK;
  stop = or_stop_make(NULL, &budget);
  assert_false(or_stops(&stop, 2 * OR_STOP_WORK));
  assert_int_equal(budget, OR_STOP_WORK);
  assert_true(or_stops(&stop, UINT64_MAX));
  assert_int_equal(budget, 0);
  or_status_ignore(or_stop_end(&stop, or_status_success()));
  stop = or_stop_make(NULL, &budget); /* nothing is left */
  assert_true(or_stops(&stop, 1));
  or_status_ignore(or_stop_end(&stop, or_status_success()));
}

/* ---- the operators: each of these calls is more work than goes by between two looks, and was cancelled before ---- */

#define SENTINEL 0xA5
#define LONG 1048576 /* elements: four looks */

typedef struct case_t {
  const char *op;
  int version;
  void (*make)(call_fixture_t *f);
  uint32_t output_count;
  bool in_order; /* the last byte of output 0 is written last */
} case_t;

static uint8_t *room; /* zeros that inputs of any dtype point to */
#define ROOM ((size_t)64 << 20)

static void vector(call_fixture_t *f) { call_input(f, OR_FLOAT32, SHAPE(LONG), room); }
static void two_vectors(call_fixture_t *f) { vector(f), vector(f); }
static void integers(call_fixture_t *f) { call_input(f, OR_INT32, SHAPE(LONG), room); }
static void two_integers(call_fixture_t *f) { integers(f), integers(f); }
static void truths(call_fixture_t *f) { call_input(f, OR_BOOL, SHAPE(8 * LONG), room); }
static void two_truths(call_fixture_t *f) { truths(f), truths(f); }
static void matrix(call_fixture_t *f) { call_input(f, OR_FLOAT32, SHAPE(1024, 1024), room); }
static void two_matrices(call_fixture_t *f) { matrix(f), matrix(f); }
static void image(call_fixture_t *f) { call_input(f, OR_FLOAT32, SHAPE(1, 4, 512, 512), room); }
static void bytes(call_fixture_t *f) { call_input(f, OR_UINT8, SHAPE(1, 4, 512, 512), room); }
static void scalar(call_fixture_t *f, or_dtype_t dtype, const void *data) { call_input(f, dtype, SCALAR, data); }

static void cast(call_fixture_t *f) { vector(f), call_int(f, "to", OR_FLOAT64); }
static void conv(call_fixture_t *f) { image(f), call_input(f, OR_FLOAT32, SHAPE(4, 4, 3, 3), room); }
static void conv_integer(call_fixture_t *f) { bytes(f), call_input(f, OR_UINT8, SHAPE(4, 4, 3, 3), room); }
static void deform_conv(call_fixture_t *f) {
  conv(f);
  call_input(f, OR_FLOAT32, SHAPE(1, 18, 510, 510), room);
}
static void einsum(call_fixture_t *f) { two_matrices(f), call_string(f, "equation", "ij,jk->ik"); }
static void expand(call_fixture_t *f) {
  static const int64_t shape[] = {64, 1024, 1024};
  matrix(f), call_list(f, shape, 3);
}
static void gather(call_fixture_t *f) { vector(f), call_input(f, OR_INT64, SHAPE(LONG), room); }
static void gather_nd(call_fixture_t *f) { vector(f), call_input(f, OR_INT64, SHAPE(LONG, 1), room); }
static void grid_sample(call_fixture_t *f) { image(f), call_input(f, OR_FLOAT32, SHAPE(1, 512, 512, 2), room); }
static void normalization(call_fixture_t *f) { matrix(f), call_input(f, OR_FLOAT32, SHAPE(1024), room); }
static void group_normalization(call_fixture_t *f) {
  image(f), call_input(f, OR_FLOAT32, SHAPE(4), room), call_input(f, OR_FLOAT32, SHAPE(4), room);
}
static void batch_normalization(call_fixture_t *f) {
  image(f);
  for (int i = 0; i < 4; ++i) call_input(f, OR_FLOAT32, SHAPE(4), room);
}
static void local_response(call_fixture_t *f) { image(f), call_int(f, "size", 3); }
static void pool(call_fixture_t *f) {
  static const int64_t kernel[] = {3, 3};
  image(f), call_ints(f, "kernel_shape", kernel, 2);
}
static const float scales[] = {1, 1, 2, 2};
static void quantize(call_fixture_t *f) { vector(f), scalar(f, OR_FLOAT32, scales); }
static void drawn(call_fixture_t *f) {
  static const int64_t shape[] = {LONG};
  call_ints(f, "shape", shape, 1);
}
static void ranged(call_fixture_t *f) {
  static const int64_t operands[] = {0, LONG, 1};
  for (int i = 0; i < 3; ++i) scalar(f, OR_INT64, &operands[i]);
}
static void recurrent(call_fixture_t *f) {
  call_input(f, OR_FLOAT32, SHAPE(1024, 4, 16), room);
  call_input(f, OR_FLOAT32, SHAPE(1, 16, 16), room);
  call_input(f, OR_FLOAT32, SHAPE(1, 16, 16), room);
  call_int(f, "hidden_size", 16);
}
static void resize(call_fixture_t *f) {
  image(f), call_input(f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(f, OR_FLOAT32, SHAPE(4), scales), call_string(f, "mode", "linear");
}
static void resize_nearest(call_fixture_t *f) {
  image(f), call_input(f, OR_DTYPE_NONE, SCALAR, NULL), call_input(f, OR_FLOAT32, SHAPE(4), scales);
}
static void roi_align(call_fixture_t *f) {
  image(f), call_input(f, OR_FLOAT32, SHAPE(512, 4), room), call_input(f, OR_INT64, SHAPE(512), room);
  call_int(f, "output_height", 64), call_int(f, "output_width", 64);
}
static void scatter(call_fixture_t *f) { vector(f), call_input(f, OR_INT64, SHAPE(LONG), room), vector(f); }
static void top_k(call_fixture_t *f) {
  static const int64_t k[] = {8};
  vector(f), call_list(f, k, 1);
}
static void transform(call_fixture_t *f) { call_input(f, OR_FLOAT32, SHAPE(1, 65537, 1), room); } /* a prime */
static void tf_idf(call_fixture_t *f) {
  integers(f), call_string(f, "mode", "TF");
  static const int64_t zero[] = {0}, one[] = {1};
  call_int(f, "min_gram_length", 1), call_int(f, "max_gram_length", 1), call_int(f, "max_skip_count", 0);
  call_ints(f, "ngram_counts", zero, 1), call_ints(f, "ngram_indexes", zero, 1), call_ints(f, "pool_int64s", one, 1);
}
static void tile(call_fixture_t *f) {
  static const int64_t repeats[] = {64};
  vector(f), call_list(f, repeats, 1);
}
static void pad(call_fixture_t *f) {
  static const int64_t pads[] = {0, 1, 0, 1};
  call_input(f, OR_FLOAT32, SHAPE(64, 65536), room), call_list(f, pads, 4), call_string(f, "mode", "constant");
}
static void choice(call_fixture_t *f) { call_input(f, OR_BOOL, SHAPE(LONG), room), two_vectors(f); }
static void cumulative(call_fixture_t *f) { matrix(f), scalar(f, OR_INT64, room); }
static void attention(call_fixture_t *f) {
  for (int i = 0; i < 3; ++i) call_input(f, OR_FLOAT32, SHAPE(1, 1, 512, 8), room);
}
static void determinant(call_fixture_t *f) { call_input(f, OR_FLOAT32, SHAPE(64, 128, 128), room); }
static void one_hot(call_fixture_t *f) {
  static const int64_t depth[] = {64};
  call_input(f, OR_INT64, SHAPE(65536), room), scalar(f, OR_INT64, depth), call_input(f, OR_FLOAT32, SHAPE(2), room);
}
static void window(call_fixture_t *f) {
  static const int64_t size[] = {LONG};
  scalar(f, OR_INT64, size);
}
static void concat(call_fixture_t *f) {
  call_input(f, OR_UINT8, SHAPE(1024, 8192), room), call_input(f, OR_UINT8, SHAPE(1024, 8192), room);
  call_int(f, "axis", 1);
}

static const case_t cases[] = {
    {"Exp", 13, vector, 1, true},
    {"Add", 14, two_vectors, 1, true},
    {"BitwiseAnd", 18, two_integers, 1, true},
    {"Less", 13, two_vectors, 1, true},
    {"Not", 1, truths, 1, true},
    {"And", 7, two_truths, 1, true},
    {"Sum", 13, two_vectors, 1, false},
    {"Where", 16, choice, 1, true},
    {"Clip", 13, vector, 1, true},
    {"IsNaN", 20, vector, 1, true},
    {"IsInf", 20, vector, 1, true},
    {"PRelu", 16, two_vectors, 1, true},
    {"Cast", 13, cast, 1, true},
    {"ArgMax", 13, vector, 1, false},
    {"ArgMax", 13, matrix, 1, true},
    {"ReduceSum", 13, matrix, 1, false},
    {"ReduceLogSumExp", 18, matrix, 1, false},
    {"Softmax", 13, matrix, 1, true},
    {"Hardmax", 13, matrix, 1, true},
    {"LpNormalization", 22, matrix, 1, true},
    {"CumSum", 14, cumulative, 1, true},
    {"MatMul", 13, two_matrices, 1, true},
    {"Gemm", 13, two_matrices, 1, true},
    {"Einsum", 12, einsum, 1, true},
    {"Conv", 22, conv, 1, true},
    {"ConvInteger", 10, conv_integer, 1, true},
    {"ConvTranspose", 22, conv, 1, true},
    {"DeformConv", 22, deform_conv, 1, true},
    {"MaxPool", 22, pool, 1, true},
    {"AveragePool", 22, pool, 1, true},
    {"GlobalAveragePool", 22, image, 1, true},
    {"LRN", 13, local_response, 1, true},
    {"LayerNormalization", 17, normalization, 1, true},
    {"RMSNormalization", 23, normalization, 1, true},
    {"InstanceNormalization", 22, group_normalization, 1, true},
    {"BatchNormalization", 15, batch_normalization, 1, true},
    {"MeanVarianceNormalization", 13, image, 1, true},
    {"Attention", 23, attention, 1, true},
    {"Expand", 13, expand, 1, true},
    {"Tile", 13, tile, 1, true},
    {"Transpose", 13, matrix, 1, true},
    {"Pad", 13, pad, 1, true},
    {"Concat", 13, concat, 1, true},
    {"Gather", 13, gather, 1, true},
    {"GatherElements", 13, gather, 1, true},
    {"GatherND", 13, gather_nd, 1, true},
    {"ScatterElements", 18, scatter, 1, false},
    {"OneHot", 11, one_hot, 1, true},
    {"NonZero", 13, truths, 1, false},
    {"Unique", 11, vector, 1, false},
    {"TopK", 11, top_k, 2, true},
    {"GridSample", 22, grid_sample, 1, true},
    {"Resize", 19, resize, 1, false},
    {"Resize", 19, resize_nearest, 1, true},
    {"RoiAlign", 16, roi_align, 1, true},
    {"QuantizeLinear", 13, quantize, 1, true},
    {"DynamicQuantizeLinear", 11, vector, 3, true},
    {"RandomNormal", 22, drawn, 1, true},
    {"RandomUniform", 22, drawn, 1, true},
    {"Bernoulli", 22, vector, 1, true},
    {"Range", 11, ranged, 1, true},
    {"RNN", 22, recurrent, 2, false},
    {"DFT", 17, transform, 1, false},
    {"HannWindow", 17, window, 1, true},
    {"TfIdfVectorizer", 9, tf_idf, 1, false},
    {"Det", 22, determinant, 1, true},
};

static void each_long_operator_stops_midway(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  room = calloc(1, ROOM);
  assert_non_null(room);
  room[8 * LONG - 1] = 1; /* what NonZero finds: without it there would be nothing to compute */
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    call_fixture_t f;
    size_t bytes = 0;
    call_init(&f, "", cases[c].op, cases[c].version);
    cases[c].make(&f);
    call_infer(&f, cases[c].output_count);
    for (uint32_t i = 0; i < cases[c].output_count; ++i) {
      uint64_t count = 0;
      assert_true(or_shape_count(&f.outputs[i].shape, &count));
      const size_t own = or_dtype_bytes(f.outputs[i].dtype, count);
      expect_ok(or_alloc(&f.allocator.base, own + 1, &f.outputs[i].data));
      memset(f.outputs[i].data, SENTINEL, own);
      if (i == 0) bytes = own;
    }
    f.call.cancel = &cancel;
    or_status_t status = or_op_reference(&f.call);
    const bool stopped = or_status_code(status) == OR_CANCELLED;
    or_status_ignore(status);
    const bool written = bytes > 0 && ((const uint8_t *)f.outputs[0].data)[bytes - 1] != SENTINEL;
    if (!stopped || (cases[c].in_order && written)) {
      print_error("%s went on (case %zu, %s)\n", cases[c].op, c, stopped ? "stopped late" : "did not look");
      fail();
    }
    call_deinit(&f);
  }
  free(room);
}

static void looking_for_a_shape_stops_too(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  room = calloc(1, ROOM);
  assert_non_null(room);
  static const char *const ops[] = {"NonZero", "Unique"};
  for (size_t i = 0; i < 2; ++i) {
    call_fixture_t f;
    call_init(&f, "", ops[i], 11);
    vector(&f);
    f.call.cancel = &cancel;
    f.call.output_count = 1;
    or_status_t status = or_op_infer(&f.call);
    assert_int_equal(or_status_code(status), OR_CANCELLED);
    or_status_ignore(status);
    f.call.output_count = 0;
    call_deinit(&f);
  }
  free(room);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(looks_once_in_so_much_work),
      cmocka_unit_test(a_stop_holds_when_the_deadline_is_put_off_after_it),
      cmocka_unit_test(nobody_stops_a_call_without_a_stop),
      cmocka_unit_test(a_budget_is_spent_to_the_last),
      cmocka_unit_test(each_long_operator_stops_midway),
      cmocka_unit_test(looking_for_a_shape_stops_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
