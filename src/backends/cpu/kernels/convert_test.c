#include "backends/cpu/kernels/kernels_test_internal.h"

/* fp16 by its definition: sign, 5 bits of exponent, 10 of fraction. */
static double value_of_f16(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return exponent == 0 ? sign * ldexp(fraction, -24) : sign * ldexp(1024 + fraction, exponent - 25);
}

static double value_of_bf16(uint16_t bits) { return (double)test_float((uint32_t)bits << 16); }

static void widens_every_16_bit_value_exactly(void **state) {
  (void)state;
  static uint16_t all[65536];
  static float wide[65536];
  for (size_t i = 0; i < 65536; ++i) all[i] = (uint16_t)i;
  FOR_EACH_LEVEL(kernels) {
    kernels->convert.f16_to_f32(65536, all, wide);
    for (size_t i = 0; i < 65536; ++i) {
      const double want = value_of_f16((uint16_t)i);
      assert_true(isnan(want) ? isnan(wide[i]) : (double)wide[i] == want && (signbit(wide[i]) != 0) == (i >= 0x8000));
    }
    kernels->convert.bf16_to_f32(65536, all, wide);
    for (size_t i = 0; i < 65536; ++i) {
      const double want = value_of_bf16((uint16_t)i);
      assert_true(isnan(want) ? isnan(wide[i]) : (double)wide[i] == want && (signbit(wide[i]) != 0) == (i >= 0x8000));
    }
  }
}

/* The neighbours of the answer are further away, or as far and odd. */
static bool is_nearest(double x, uint16_t got, double (*value_of)(uint16_t)) {
  const double distance = fabs(value_of(got) - x);
  for (int step = -1; step <= 1; step += 2) {
    if ((got & 0x7fff) == 0 && step < 0) continue;
    const double other = value_of((uint16_t)(got + step));
    if (isnan(other)) continue;
    const double there = isinf(other) ? INFINITY : fabs(other - x);
    if (there < distance || (there == distance && (got & 1))) return false;
  }
  return true;
}

static void narrows_to_the_nearest_even(void **state) {
  (void)state;
  static float x[4096];
  static uint16_t half[4096], brain[4096];
  FOR_EACH_LEVEL(kernels) {
    for (uint64_t bits = 0; bits <= UINT32_MAX;) {
      size_t n = 0;
      for (; n < 4096 && bits <= UINT32_MAX; bits += 40503) x[n++] = test_float((uint32_t)bits);
      /* Ties: values whose lower bits are just one half of the last place. */
      for (size_t i = 0; i + 1 < n; i += 2) {
        uint32_t tie;
        memcpy(&tie, &x[i], sizeof tie);
        tie = i % 4 ? (tie & 0xffff0000u) | 0x8000u : (tie & 0xffffe000u) | 0x1000u;
        memcpy(&x[i], &tie, sizeof tie);
      }
      kernels->convert.f32_to_f16(n, x, half);
      kernels->convert.f32_to_bf16(n, x, brain);
      for (size_t i = 0; i < n; ++i) {
        if (isnan(x[i])) {
          assert_true(isnan(value_of_f16(half[i])) && isnan(value_of_bf16(brain[i])));
          continue;
        }
        const double size = fabs((double)x[i]);
        if (size >= 65520.0) {
          assert_int_equal(half[i] & 0x7fff, 0x7c00);
        } else {
          assert_true(is_nearest((double)x[i], half[i], value_of_f16));
        }
        if (size < 3.39e38) assert_true(is_nearest((double)x[i], brain[i], value_of_bf16));
      }
    }
    const float most[2] = {3.4028235e38f, INFINITY};
    kernels->convert.f32_to_bf16(2, most, brain);
    assert_true(brain[0] == 0x7f80 && brain[1] == 0x7f80);
  }
}

static void quantises_with_saturation_and_back(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < TEST_LENGTHS; ++l) {
      const size_t n = test_lengths[l];
      float *x = test_buffer(0, n * sizeof(float)), *back = test_buffer(3, n * sizeof(float));
      uint8_t *u = test_buffer(1, n);
      int8_t *s = test_buffer(2, n);
      test_fill(x, n, (uint32_t)l);
      /* ties */
      for (size_t i = 0; i < n; ++i) x[i] = i % 3 == 0 ? (float)((int)(x[i] * 200.0f)) * 0.5f * 0.25f : x[i] * 50.0f;
      if (n > 4) x[1] = NAN, x[2] = INFINITY, x[3] = -1e30f;
      const float scale = 0.25f;
      for (int32_t zero = -3; zero <= 128; zero += 131) {
        const int32_t zero_s = zero > 127 ? 5 : zero, zero_u = zero < 0 ? 3 : zero;
        kernels->convert.quantize_u8(n, x, scale, zero_u, u);
        kernels->convert.quantize_s8(n, x, scale, zero_s, s);
        for (size_t i = 0; i < n; ++i) {
          const double exact = nearbyint((double)x[i] / (double)scale);
          const double want_u = isnan(exact) ? 0.0 : fmin(fmax(exact + zero_u, 0.0), 255.0);
          const double want_s = isnan(exact) ? -128.0 : fmin(fmax(exact + zero_s, -128.0), 127.0);
          assert_true((double)u[i] == want_u && (double)s[i] == want_s);
        }
        assert_true(test_untouched(u) && test_untouched(s));
        kernels->convert.dequantize_u8(n, u, scale, zero_u, back);
        for (size_t i = 0; i < n; ++i) assert_true(back[i] == (float)(u[i] - zero_u) * scale);
        kernels->convert.dequantize_s8(n, s, scale, zero_s, back);
        for (size_t i = 0; i < n; ++i) assert_true(back[i] == (float)(s[i] - zero_s) * scale);
      }
      int32_t *sums = test_buffer(4, n * sizeof(int32_t));
      for (size_t i = 0; i < n; ++i) sums[i] = (int32_t)(i * 2654435761u);
      kernels->convert.s32_to_f32(n, sums, 0.5f, back);
      for (size_t i = 0; i < n; ++i) assert_true(back[i] == (float)sums[i] * 0.5f);
    }
  }
}

static void sums_become_bytes_again(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < TEST_LENGTHS; ++l) {
      const size_t n = test_lengths[l];
      int32_t *x = test_buffer(0, n * sizeof(int32_t)), *columns = test_buffer(4, n * sizeof(int32_t));
      float *scales = test_buffer(1, n * sizeof(float));
      uint8_t *u = test_buffer(2, n);
      int8_t *s = test_buffer(3, n);
      const float one = 0.5f;
      for (size_t i = 0; i < n; ++i) {
        x[i] = i % 7 == 0 ? (int32_t)(i * 2654435761u) : (int32_t)(i * 37 % 601) - 300;
        scales[i] = 0.25f * (float)(1 + i % 5);
      }
      for (int by_one = 0; by_one < 2; ++by_one) {
        kernels->convert.requantize_u8(n, x, by_one ? &one : scales, by_one, 7, u);
        kernels->convert.requantize_s8(n, x, by_one ? &one : scales, by_one, -7, s);
        for (size_t i = 0; i < n; ++i) {
          const double exact = nearbyint((double)((float)x[i] * (by_one ? one : scales[i])));
          assert_true((double)u[i] == fmin(fmax(exact + 7, 0.0), 255.0));
          assert_true((double)s[i] == fmin(fmax(exact - 7, -128.0), 127.0));
        }
        assert_true(test_untouched(u) && test_untouched(s));
      }
      int32_t sum_u = 0, sum_s = 0;
      for (size_t i = 0; i < n; ++i) {
        sum_u += u[i];
        sum_s += s[i];
        columns[i] = (int32_t)i;
      }
      assert_int_equal(kernels->convert.sum_u8(n, u), sum_u);
      assert_int_equal(kernels->convert.sum_s8(n, s), sum_s);
      kernels->convert.add_s8(n, s, columns);
      for (size_t i = 0; i < n; ++i) assert_int_equal(columns[i], (int32_t)i + s[i]);
    }
  }
}

static void converts_tails_like_whole_vectors(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < TEST_LENGTHS; ++l) {
      const size_t n = test_lengths[l];
      float *x = test_buffer(0, n * sizeof(float)), *wide = test_buffer(1, n * sizeof(float));
      uint16_t *narrow = test_buffer(2, n * sizeof(uint16_t)), one;
      test_fill(x, n, 11);
      for (int brain = 0; brain < 2; ++brain) {
        (brain ? kernels->convert.f32_to_bf16 : kernels->convert.f32_to_f16)(n, x, narrow);
        (brain ? kernels->convert.bf16_to_f32 : kernels->convert.f16_to_f32)(n, narrow, wide);
        for (size_t i = 0; i < n; ++i) {
          (brain ? kernels->convert.f32_to_bf16 : kernels->convert.f32_to_f16)(1, x + i, &one);
          assert_int_equal(one, narrow[i]);
          assert_true((double)wide[i] == (brain ? value_of_bf16 : value_of_f16)(narrow[i]));
        }
        assert_true(test_untouched(narrow) && test_untouched(wide));
      }
    }
  }
}

static void transposes_elements_of_any_size(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 3, 4, 8, 12, 16};
  static const size_t extents[] = {0, 1, 3, 4, 7, 8, 9, 16, 17, 31, 33, 70};
  enum { EXTENTS = sizeof extents / sizeof extents[0] };
  FOR_EACH_LEVEL(kernels) {
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; ++s) {
      for (size_t i = 0; i < EXTENTS * EXTENTS; ++i) {
        const size_t rows = extents[i / EXTENTS], columns = extents[i % EXTENTS], bytes = sizes[s];
        const size_t src_ld = columns + 1, dst_ld = rows + 2;
        const size_t src_count = rows == 0 ? 0 : (rows - 1) * src_ld + columns,
                     dst_count = columns == 0 ? 0 : (columns - 1) * dst_ld + rows;
        unsigned char *src = test_buffer(0, src_count * bytes), *dst = test_buffer(1, dst_count * bytes);
        for (size_t j = 0; j < src_count * bytes; ++j) src[j] = (unsigned char)(j * 31 + j / 256);
        memset(dst, 0xee, dst_count * bytes);
        kernels->transpose(bytes, rows, columns, src, src_ld, dst, dst_ld);
        for (size_t c = 0; c < columns; ++c) {
          for (size_t r = 0; r < rows; ++r) {
            assert_memory_equal(dst + (c * dst_ld + r) * bytes, src + (r * src_ld + c) * bytes, bytes);
          }
          if (c + 1 < columns) assert_int_equal(dst[(c * dst_ld + rows) * bytes], 0xee);
        }
        assert_true(test_untouched(dst));
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(widens_every_16_bit_value_exactly),  cmocka_unit_test(narrows_to_the_nearest_even),
      cmocka_unit_test(quantises_with_saturation_and_back), cmocka_unit_test(sums_become_bytes_again),
      cmocka_unit_test(converts_tails_like_whole_vectors),  cmocka_unit_test(transposes_elements_of_any_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
