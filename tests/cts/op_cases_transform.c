/* Fourier transforms: every way a length can go, both directions, real and complex. */
#include "cts/op_case.h"

static bool is_real(or_dtype_t dtype) { return dtype == OR_FLOAT32 || dtype == OR_FLOAT64; }

static cts_op_case_t transform(const cts_generator_t *g, or_dtype_t dtype, or_shape_t shape) {
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, shape);
  return it;
}

/* Forward of either type; of complex ones back too, to complex and to real. */
static void both_ways(cts_generator_t *g, or_dtype_t dtype, or_shape_t shape, int64_t dims) {
  cts_op_case_t it = transform(g, dtype, shape);
  if (dims != 1) cts_attribute_int(&it, "dims", dims);
  cts_emit(g, &it);
  if (is_real(dtype)) return;
  cts_attribute_int(&it, "inverse", 1);
  cts_emit(g, &it);
  int64_t n = shape.dims[shape.rank - 1];
  or_shape_t half = shape;
  half.dims[shape.rank - 1] = n / 2 + 1;
  it = transform(g, dtype, half);
  if (dims != 1) cts_attribute_int(&it, "dims", dims);
  cts_attribute_int(&it, "inverse", 1);
  cts_attribute_int(&it, "real", 1);
  if (n % 2 == 1) cts_attribute_int(&it, "length", n);
  cts_emit(g, &it);
}

void cts_generate_fft(cts_generator_t *g) {
  static const int64_t more[] = {81,   97,   100,   121,   125,   127,   128,   169,   243,    256,   257,  343,
                                 360,  511,  512,   625,   768,   1000,  1009,  1024,  2002,   2048,  4096, 4620,
                                 6561, 8192, 10007, 16384, 32768, 40000, 65536, 65537, 100000, 131072};
  static const char *const norms[] = {"backward", "ortho", "forward"};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t n = 1; n <= 64; ++n) both_ways(g, dtype, SHAPE(n), 1);
    for (size_t i = 0; i < sizeof more / sizeof *more; ++i) both_ways(g, dtype, SHAPE(more[i]), 1);
    both_ways(g, dtype, SHAPE(5, 3, 48), 1);
    both_ways(g, dtype, SHAPE(37, 11), 1);
    both_ways(g, dtype, SHAPE(0, 4), 1);
    const or_shape_t matrices[] = {SHAPE(1, 1),   SHAPE(2, 3),    SHAPE(1, 8),      SHAPE(8, 1),      SHAPE(16, 16),
                                   SHAPE(17, 19), SHAPE(64, 100), SHAPE(3, 15, 35), SHAPE(2, 34, 33), SHAPE(128, 256)};
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; ++i) both_ways(g, dtype, matrices[i], 2);
    for (int k = 0; k < 6; ++k) {
      if (k % 2 == 1 && is_real(dtype)) continue;
      cts_op_case_t it = transform(g, dtype, SHAPE(2, 6, 20));
      cts_attribute_int(&it, "dims", 1 + k / 3);
      cts_attribute_int(&it, "inverse", k % 2);
      cts_attribute_string(&it, "norm", norms[k % 3]);
      cts_emit(g, &it);
    }
  }
  cts_op_case_t it = transform(g, OR_COMPLEX64, SHAPE(524288));
  cts_emit(g, &it);
  it = transform(g, OR_FLOAT32, SHAPE(300007));
  cts_emit(g, &it);
}
