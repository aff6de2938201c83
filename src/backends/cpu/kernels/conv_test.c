#include "backends/cpu/kernels/conv.h"

#include "backends/cpu/kernels/kernels_test_internal.h"

static uint32_t dice_state = 12345;
static size_t dice(size_t low, size_t high) { return low + test_random(&dice_state) % (high - low + 1); }

static size_t out_size(size_t in, size_t kernel, size_t stride, size_t dilation, size_t pads) {
  const size_t span = (kernel - 1) * dilation + 1;
  return in + pads < span ? 0 : (in + pads - span) / stride + 1;
}

/* A window of random form with at least one output; pads_end gets the padding after the image. */
static or_cpu_window_t random_window(size_t pads_end[2]) {
  for (;;) {
    or_cpu_window_t w = {.in_h = dice(1, 20),
                         .in_w = dice(1, 45),
                         .kernel_h = dice(1, 4),
                         .kernel_w = dice(1, 5),
                         .stride_h = dice(1, 3),
                         .stride_w = dice(1, 3),
                         .dilation_h = dice(1, 2),
                         .dilation_w = dice(1, 2)};
    if (dice(0, 3) == 0) w.in_h = w.kernel_h = 1; /* one-dimensional */
    if (dice(0, 5) == 0) w.kernel_h = w.kernel_w = w.stride_h = w.stride_w = 1;
    w.pad_top = dice(0, w.kernel_h - 1);
    w.pad_left = dice(0, w.kernel_w - 1);
    pads_end[0] = dice(0, w.kernel_h - 1);
    pads_end[1] = dice(0, w.kernel_w - 1);
    w.out_h = out_size(w.in_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top + pads_end[0]);
    w.out_w = out_size(w.in_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left + pads_end[1]);
    if (w.out_h > 0 && w.out_w > 0) return w;
  }
}

/* The pixel that tap (i, j) of output (y, x) reads; false where it is padding. */
static bool tap(const or_cpu_window_t *w, const size_t out[2], const size_t at[2], size_t *pixel) {
  const long y = (long)(out[0] * w->stride_h + at[0] * w->dilation_h) - (long)w->pad_top;
  const long x = (long)(out[1] * w->stride_w + at[1] * w->dilation_w) - (long)w->pad_left;
  if (y < 0 || x < 0 || y >= (long)w->in_h || x >= (long)w->in_w) return false;
  *pixel = (size_t)y * w->in_w + (size_t)x;
  return true;
}

typedef struct expected_t {
  double max, sum, weighted;
  size_t inside, padded;
} expected_t;

static expected_t expect(const or_cpu_window_t *w, const size_t pads_end[2], const float *plane, const float *weights,
                         const size_t out[2]) {
  expected_t e = {.max = -INFINITY};
  for (size_t i = 0; i < w->kernel_h; ++i) {
    for (size_t j = 0; j < w->kernel_w; ++j) {
      size_t pixel;
      if (out[0] * w->stride_h + i * w->dilation_h < w->pad_top + w->in_h + pads_end[0] &&
          out[1] * w->stride_w + j * w->dilation_w < w->pad_left + w->in_w + pads_end[1]) {
        ++e.padded;
      }
      if (!tap(w, out, (const size_t[2]){i, j}, &pixel)) continue;
      const double value = (double)plane[pixel];
      ++e.inside;
      e.max = isnan(value) || isnan(e.max) ? NAN : fmax(e.max, value);
      e.sum += value;
      if (weights != NULL) e.weighted += (double)weights[i * w->kernel_w + j] * value;
    }
  }
  return e;
}

static void expect_close(const or_cpu_kernels_t *kernels, const char *what, float got, double want) {
  if (!(isnan(want)   ? isnan(got)
        : isinf(want) ? (double)got == want
                      : fabs((double)got - want) <= 1e-5 * (fabs(want) + 1.0))) {
    fail_msg("%s %s: %.9g, not %.9g", kernels->name, what, (double)got, want);
  }
}

static void pools_windows_of_any_form(void **state) {
  (void)state;
  enum { PLANES = 3 };
  FOR_EACH_LEVEL(kernels) {
    dice_state = 99;
    for (size_t turn = 0; turn < 600; ++turn) {
      size_t pads_end[2];
      or_cpu_window_t w = random_window(pads_end);
      if (turn % 10 == 0) { /* the whole image */
        w = (or_cpu_window_t){.in_h = w.in_h,
                              .in_w = w.in_w,
                              .out_h = 1,
                              .out_w = 1,
                              .kernel_h = w.in_h,
                              .kernel_w = w.in_w,
                              .stride_h = 1,
                              .stride_w = 1,
                              .dilation_h = 1,
                              .dilation_w = 1};
        pads_end[0] = pads_end[1] = 0;
      }
      const size_t in = w.in_h * w.in_w, out = w.out_h * w.out_w;
      float *x = test_buffer(0, PLANES * in * sizeof(float));
      float *high = test_buffer(1, PLANES * out * sizeof(float)),
            *inside = test_buffer(2, PLANES * out * sizeof(float)),
            *padded = test_buffer(3, PLANES * out * sizeof(float));
      test_fill(x, PLANES * in, (uint32_t)turn);
      if (turn % 5 == 0) x[dice(0, PLANES * in - 1)] = NAN;
      const or_cpu_average_pool_t by_inside = {w, OR_CPU_AVERAGE_INSIDE, pads_end[0], pads_end[1]};
      const or_cpu_average_pool_t by_padded = {w, OR_CPU_AVERAGE_PADDED, pads_end[0], pads_end[1]};
      kernels->window.max_pool(&w, PLANES, x, high);
      kernels->window.average_pool(&by_inside, PLANES, x, inside);
      kernels->window.average_pool(&by_padded, PLANES, x, padded);
      for (size_t i = 0; i < PLANES * out; ++i) {
        const size_t at[2] = {i % out / w.out_w, i % w.out_w};
        const expected_t e = expect(&w, pads_end, x + i / out * in, NULL, at);
        expect_close(kernels, "maximum", high[i], e.max);
        expect_close(kernels, "average of the inside", inside[i], e.inside ? e.sum / (double)e.inside : 0.0);
        expect_close(kernels, "average with padding", padded[i], e.padded ? e.sum / (double)e.padded : 0.0);
      }
      assert_true(test_untouched(high) && test_untouched(inside) && test_untouched(padded));
    }
  }
}

static double activated(or_act_kind_t kind, double x) {
  return kind == OR_ACT_RELU   ? fmax(x, 0.0)
         : kind == OR_ACT_CLIP ? fmin(fmax(x, 0.0), 0.5)
         : kind == OR_ACT_SILU ? x / (1.0 + exp(-x))
                               : x;
}

/* One convolution, tile by tile from the last, against the sum's definition. */
static void check_conv(const or_cpu_kernels_t *kernels, const or_conv_shape_t *shape, const or_cpu_caches_t *caches,
                       bool extras, or_act_kind_t act) {
  const or_cpu_window_t *w = &shape->window;
  const size_t in = w->in_h * w->in_w, out = w->out_h * w->out_w, taps = w->kernel_h * w->kernel_w;
  const size_t depth = shape->in_channels / shape->groups, rows = shape->out_channels / shape->groups;
  float *x = test_buffer(0, shape->batch * shape->in_channels * in * sizeof(float));
  float *weights = test_buffer(1, shape->out_channels * depth * taps * sizeof(float));
  float *bias = test_buffer(2, shape->out_channels * sizeof(float));
  float *residual = test_buffer(3, shape->batch * shape->out_channels * out * sizeof(float));
  float *y = test_buffer(4, shape->batch * shape->out_channels * out * sizeof(float));
  test_fill(x, shape->batch * shape->in_channels * in, 1);
  test_fill(weights, shape->out_channels * depth * taps, 2);
  test_fill(bias, shape->out_channels, 3);
  test_fill(residual, shape->batch * shape->out_channels * out, 4);
  or_conv_f32_plan_t plan;
  assert_true(or_conv_f32_plan_init(&plan, kernels, shape, caches, 3));
  void *packed = test_aligned(plan.weights_bytes), *scratch = test_aligned(plan.scratch_bytes);
  memset(scratch, 0xff, plan.scratch_bytes);
  or_conv_f32_pack_weights(&plan, weights, packed);
  const or_conv_f32_args_t args = {.x = x,
                                   .weights = packed,
                                   .bias = extras ? bias : NULL,
                                   .residual = extras ? residual : NULL,
                                   .y = y,
                                   .act = {act, 0.0f, 0.5f}};
  for (size_t tile = plan.tiles; tile > 0; --tile) or_conv_f32_tile(&plan, &args, tile - 1, scratch);
  for (size_t i = 0; i < shape->batch * shape->out_channels * out; ++i) {
    const size_t channel = i / out % shape->out_channels, batch = i / out / shape->out_channels, group = channel / rows;
    const size_t at[2] = {i % out / w->out_w, i % w->out_w}, none[2] = {0, 0};
    double want = 0.0;
    for (size_t d = 0; d < depth; ++d) {
      const float *plane = x + (batch * shape->in_channels + group * depth + d) * in;
      want += expect(w, none, plane, weights + (channel * depth + d) * taps, at).weighted;
    }
    if (extras) want += (double)bias[channel] + (double)residual[i];
    expect_close(kernels, "convolution", y[i], activated(act, want));
  }
  assert_true(test_untouched(y));
  free(packed);
  free(scratch);
}

static void convolves_windows_groups_and_channels_of_any_form(void **state) {
  (void)state;
  const or_cpu_caches_t tiny = {2048, 8192, 32768}, usual = {32768, 524288, 8388608};
  static const or_act_kind_t acts[] = {OR_ACT_NONE, OR_ACT_RELU, OR_ACT_CLIP, OR_ACT_SILU};
  FOR_EACH_LEVEL(kernels) {
    dice_state = 4;
    for (size_t turn = 0; turn < 150; ++turn) {
      size_t pads_end[2];
      const size_t groups = dice(1, 3);
      const or_conv_shape_t shape = {.batch = dice(1, 2),
                                     .groups = groups,
                                     .in_channels = groups * dice(1, 9),
                                     .out_channels = groups * dice(1, 20),
                                     .window = random_window(pads_end)};
      check_conv(kernels, &shape, turn % 2 ? &tiny : &usual, turn % 3 == 0, acts[turn % 4]);
    }
  }
}

static void convolves_depthwise(void **state) {
  (void)state;
  const or_cpu_caches_t usual = {0, 0, 0};
  FOR_EACH_LEVEL(kernels) {
    dice_state = 5;
    for (size_t turn = 0; turn < 200; ++turn) {
      size_t pads_end[2];
      const size_t channels = dice(1, 7);
      const or_conv_shape_t shape = {.batch = dice(1, 2),
                                     .groups = channels,
                                     .in_channels = channels,
                                     .out_channels = channels * dice(1, 2),
                                     .window = random_window(pads_end)};
      check_conv(kernels, &shape, &usual, turn % 3 == 0, turn % 2 ? OR_ACT_CLIP : OR_ACT_NONE);
    }
  }
}

static void refuses_images_that_overflow(void **state) {
  (void)state;
  const or_cpu_caches_t usual = {0, 0, 0};
  const or_conv_shape_t shape = {.batch = 1,
                                 .groups = 1,
                                 .in_channels = SIZE_MAX / 4,
                                 .out_channels = 64,
                                 .window = {1u << 20, 1u << 20, 1u << 20, 1u << 20, 9, 9, 1, 1, 1, 1, 4, 4}};
  or_conv_f32_plan_t plan;
  assert_false(or_conv_f32_plan_init(&plan, or_cpu_kernels_level(0), &shape, &usual, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pools_windows_of_any_form),
      cmocka_unit_test(convolves_windows_groups_and_channels_of_any_form),
      cmocka_unit_test(convolves_depthwise),
      cmocka_unit_test(refuses_images_that_overflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
