#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

typedef struct mel_inputs_t {
  int64_t triangles, points, rate;
  float lower, upper;
} mel_inputs_t;

static void mel_call(call_fixture_t *f, const mel_inputs_t *in) {
  call_init(f, "", "MelWeightMatrix", 17);
  call_input(f, OR_INT64, SCALAR, &in->triangles);
  call_input(f, OR_INT64, SCALAR, &in->points);
  call_input(f, OR_INT64, SCALAR, &in->rate);
  call_input(f, OR_FLOAT32, SCALAR, &in->lower);
  call_input(f, OR_FLOAT32, SCALAR, &in->upper);
}

/* With log10 as the standard writes it, 65 hertz(k) / 16000 is 0, 2.4957, 7.1817, 15.980: triangles 0 2 7 and 2 7 15.
 * */
static void columns_are_triangles_between_bins(void **state) {
  (void)state;
  call_fixture_t f;
  mel_call(&f, &(mel_inputs_t){2, 64, 16000, 0, 8000});
  call_int(&f, "output_datatype", OR_FLOAT64);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(33, 2));
  double expected[66] = {0};
  for (size_t j = 0; j < 33; ++j) {
    if (j < 2) expected[2 * j] = (double)j / 2;
    if (j >= 2 && j < 7) expected[2 * j] = (double)(7 - j) / 5;
    if (j >= 2 && j < 7) expected[2 * j + 1] = (double)(j - 2) / 5;
    if (j >= 7 && j < 15) expected[2 * j + 1] = (double)(15 - j) / 8;
  }
  expect_doubles(&f, 0, 1e-15, expected, 66);
  call_deinit(&f);
}

/* 17 hertz(k) / 8000 is 0.21, 0.82, 1.65, 2.77, 4.30: triangles 0 0 1, 0 1 2 and 1 2 4. */
static void narrow_triangles_keep_their_peak(void **state) {
  (void)state;
  const or_dtype_t dtypes[] = {OR_FLOAT32, OR_FLOAT16, OR_BFLOAT16, OR_INT32, OR_UINT8};
  for (size_t d = 0; d < 5; ++d) {
    call_fixture_t f;
    mel_call(&f, &(mel_inputs_t){3, 16, 8000, 100, 3000});
    if (d > 0) call_int(&f, "output_datatype", dtypes[d]);
    call_run(&f, 1);
    expect_shape(&f, 0, dtypes[d], SHAPE(9, 3));
    double expected[27] = {[0] = 1, [4] = 1, [8] = 1, [11] = d < 3 ? 0.5 : 0};
    expect_doubles(&f, 0, 0, expected, 27);
    call_deinit(&f);
  }
}

static void no_triangles_and_unknown_counts_have_shapes(void **state) {
  (void)state;
  call_fixture_t f;
  mel_call(&f, &(mel_inputs_t){0, 5, 100, 0, 50});
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 0));
  expect_ok(or_op_reference(&f.call));
  f.inputs[1].data = NULL;
  f.inputs[2].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, 0));
  f.inputs[0].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN));
  call_deinit(&f);
}

static void numbers_that_make_no_matrix_are_refused(void **state) {
  (void)state;
  const struct {
    mel_inputs_t in;
    const char *part;
  } early[] = {{{-1, 16, 8000, 0, 4000}, "num_mel_bins) is -1"},
               {{3, -16, 8000, 0, 4000}, "dft_length) is -16"},
               {{3, 16, 0, 0, 4000}, "sample_rate) is 0"}},
    late[] = {{{3, 16, 8000, -5, 4000}, "0 <= lower <= upper"},
              {{3, 16, 8000, 3000, 2000}, "0 <= lower <= upper"},
              {{3, 16, 8000, 0, INFINITY}, "0 <= lower <= upper"},
              {{3, 16, 8000, NAN, 1}, "0 <= lower <= upper"},
              {{3, 16, 8000, 0, 40000}, "ends beyond the 9 bins"}};
  call_fixture_t f;
  for (size_t i = 0; i < sizeof early / sizeof *early; ++i) {
    mel_call(&f, &early[i].in);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, early[i].part);
    call_deinit(&f);
  }
  for (size_t i = 0; i < sizeof late / sizeof *late; ++i) {
    mel_call(&f, &late[i].in);
    expect_run_fails(&f, 1, late[i].part);
    call_deinit(&f);
  }
}

static void inputs_of_other_kinds_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  mel_call(&f, &(mel_inputs_t){3, 16, 8000, 0, 4000});
  f.inputs[4].dtype = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "(upper_edge_hertz) is float64");
  f.inputs[3].dtype = f.inputs[4].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "(lower_edge_hertz) is int32");
  f.inputs[3].dtype = f.inputs[4].dtype = OR_FLOAT32;
  f.inputs[4].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "(upper_edge_hertz) has shape [2]");
  f.inputs[2].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "(sample_rate) has 2 elements");
  f.inputs[2].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 is int32, expected int64");
  call_int(&f, "output_datatype", OR_COMPLEX64);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"output_datatype\" is 14");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_are_triangles_between_bins),
      cmocka_unit_test(narrow_triangles_keep_their_peak),
      cmocka_unit_test(no_triangles_and_unknown_counts_have_shapes),
      cmocka_unit_test(numbers_that_make_no_matrix_are_refused),
      cmocka_unit_test(inputs_of_other_kinds_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
