/* Conversions, in the terms of a simd_*.h: h_load/h_store move V_WIDTH values of fp16, b_load/b_store of bf16, q_*
 * 8-bit integers. Tails go through buffers of one vector. */

void OR_LEVEL(or_f16_to_f32)(size_t n, const uint16_t *x, float *y) {
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) v_store(y + i, h_load(x + i));
  if (i < n) {
    uint16_t in[V_WIDTH] = {0};
    memcpy(in, x + i, (n - i) * sizeof *x);
    v_store_n(y + i, h_load(in), n - i);
  }
}

void OR_LEVEL(or_f32_to_f16)(size_t n, const float *x, uint16_t *y) {
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) h_store(y + i, v_load(x + i));
  if (i < n) {
    uint16_t out[V_WIDTH];
    h_store(out, v_load_n(x + i, n - i));
    memcpy(y + i, out, (n - i) * sizeof *y);
  }
}

void OR_LEVEL(or_bf16_to_f32)(size_t n, const uint16_t *x, float *y) {
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) v_store(y + i, b_load(x + i));
  if (i < n) {
    uint16_t in[V_WIDTH] = {0};
    memcpy(in, x + i, (n - i) * sizeof *x);
    v_store_n(y + i, b_load(in), n - i);
  }
}

/* To nearest even on the upper half; NaN keeps its upper half, made quiet. */
OR_INLINE vi_t to_bf16(v_t x) {
  const vi_t bits = v_bits(x);
  const vi_t odd = vi_and(vi_shift_right(bits, 16), vi_set1(1));
  const vi_t rounded = vi_shift_right(vi_add(bits, vi_add(odd, vi_set1(0x7fff))), 16);
  const vi_t nan = vi_or(vi_shift_right(bits, 16), vi_set1(0x40));
  return v_bits(v_select(v_unordered(x, x), v_from_bits(nan), v_from_bits(rounded)));
}

void OR_LEVEL(or_f32_to_bf16)(size_t n, const float *x, uint16_t *y) {
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) vi_store_u16(y + i, to_bf16(v_load(x + i)));
  if (i < n) {
    uint16_t out[V_WIDTH];
    vi_store_u16(out, to_bf16(v_load_n(x + i, n - i)));
    memcpy(y + i, out, (n - i) * sizeof *y);
  }
}

/* Clamped as floats, which also settles NaN: v_max_b gives its second operand then. Sums that fit 24 bits are exact. */
OR_INLINE vi_t quantize(v_t x, v_t scale, v_t zero, float low, float high) {
  const v_t value = v_add(v_round(v_div(x, scale)), zero);
  return v_to_int(v_min_b(v_max_b(value, v_set1(low)), v_set1(high)));
}

#define DEFINE_QUANTIZE(T, suffix, low, high)                                                                        \
  void OR_LEVEL(or_quantize_##suffix)(size_t n, const float *x, float scale, int32_t zero, T *y) {                   \
    const v_t by = v_set1(scale), offset = v_set1((float)zero);                                                      \
    size_t i = 0;                                                                                                    \
    for (; i + V_WIDTH <= n; i += V_WIDTH) vi_store_##suffix(y + i, quantize(v_load(x + i), by, offset, low, high)); \
    if (i < n) {                                                                                                     \
      T out[V_WIDTH];                                                                                                \
      vi_store_##suffix(out, quantize(v_load_n(x + i, n - i), by, offset, low, high));                               \
      memcpy(y + i, out, n - i);                                                                                     \
    }                                                                                                                \
  }                                                                                                                  \
  void OR_LEVEL(or_dequantize_##suffix)(size_t n, const T *x, float scale, int32_t zero, float *y) {                 \
    const v_t by = v_set1(scale);                                                                                    \
    const vi_t offset = vi_set1(zero);                                                                               \
    size_t i = 0;                                                                                                    \
    for (; i + V_WIDTH <= n; i += V_WIDTH) {                                                                         \
      v_store(y + i, v_mul(v_from_int(vi_sub(vi_load_##suffix(x + i), offset)), by));                                \
    }                                                                                                                \
    if (i < n) {                                                                                                     \
      T in[V_WIDTH] = {0};                                                                                           \
      memcpy(in, x + i, n - i);                                                                                      \
      v_store_n(y + i, v_mul(v_from_int(vi_sub(vi_load_##suffix(in), offset)), by), n - i);                          \
    }                                                                                                                \
  }

OR_INLINE vi_t requantize(const int32_t *x, v_t scale, v_t zero, float low, float high) {
  const v_t value = v_add(v_round(v_mul(v_from_int(vi_load(x)), scale)), zero);
  return v_to_int(v_min_b(v_max_b(value, v_set1(low)), v_set1(high)));
}

#define DEFINE_REQUANTIZE(T, suffix, low, high)                                                                 \
  void OR_LEVEL(or_requantize_##suffix)(size_t n, const int32_t *x, const float *scale, bool one, int32_t zero, \
                                        T *y) {                                                                 \
    const v_t offset = v_set1((float)zero);                                                                     \
    size_t i = 0;                                                                                               \
    for (; i + V_WIDTH <= n; i += V_WIDTH) {                                                                    \
      const v_t by = one ? v_set1(*scale) : v_load(scale + i);                                                  \
      vi_store_##suffix(y + i, requantize(x + i, by, offset, low, high));                                       \
    }                                                                                                           \
    if (i < n) {                                                                                                \
      int32_t in[V_WIDTH] = {0};                                                                                \
      T out[V_WIDTH];                                                                                           \
      memcpy(in, x + i, (n - i) * sizeof *x);                                                                   \
      const v_t by = one ? v_set1(*scale) : v_load_n(scale + i, n - i);                                         \
      vi_store_##suffix(out, requantize(in, by, offset, low, high));                                            \
      memcpy(y + i, out, n - i);                                                                                \
    }                                                                                                           \
  }                                                                                                             \
  int32_t OR_LEVEL(or_sum_##suffix)(size_t n, const T *x) {                                                     \
    vi_t sums = vi_set1(0);                                                                                     \
    int32_t lanes[V_WIDTH];                                                                                     \
    uint32_t sum = 0;                                                                                           \
    size_t i = 0;                                                                                               \
    for (; i + V_WIDTH <= n; i += V_WIDTH) sums = vi_add(sums, vi_load_##suffix(x + i));                        \
    memcpy(lanes, &sums, sizeof lanes);                                                                         \
    for (size_t k = 0; k < V_WIDTH; ++k) sum += (uint32_t)lanes[k];                                             \
    for (; i < n; ++i) {                                                                                        \
      const int32_t value = x[i];                                                                               \
      sum += (uint32_t)value;                                                                                   \
    }                                                                                                           \
    return (int32_t)sum;                                                                                        \
  }
DEFINE_REQUANTIZE(uint8_t, u8, 0.0f, 255.0f)
DEFINE_REQUANTIZE(int8_t, s8, -128.0f, 127.0f)
#undef DEFINE_REQUANTIZE

void OR_LEVEL(or_add_s8)(size_t n, const int8_t *x, int32_t *y) {
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    const vi_t sums = vi_add(vi_load(y + i), vi_load_s8(x + i));
    memcpy(y + i, &sums, sizeof sums);
  }
  for (; i < n; ++i) {
    const int32_t value = x[i];
    y[i] = (int32_t)((uint32_t)y[i] + (uint32_t)value);
  }
}

DEFINE_QUANTIZE(uint8_t, u8, 0.0f, 255.0f)
DEFINE_QUANTIZE(int8_t, s8, -128.0f, 127.0f)
#undef DEFINE_QUANTIZE

void OR_LEVEL(or_s32_to_f32)(size_t n, const int32_t *x, float scale, float *y) {
  const v_t by = v_set1(scale);
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) v_store(y + i, v_mul(v_from_int(vi_load(x + i)), by));
  for (; i < n; ++i) y[i] = (float)x[i] * scale;
}
