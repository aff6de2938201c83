#include "base/testing.h"

#include <math.h>

#include "model/image.h"

/* Expected values follow docs/models.md, "From picture to tensor", by hand. */

static void near_all(const float *got, const double *expected, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!(fabs((double)got[i] - expected[i]) <= 1e-4))
      fail_msg("value %zu is %.7g, expected %.7g", i, (double)got[i], expected[i]);
  }
}

/* Opaque gray samples as a picture of one row or one column. */
static or_image_t line(uint8_t *rgba, const uint8_t *samples, uint32_t count, bool column) {
  for (uint32_t i = 0; i < count; ++i) {
    memset(rgba + 4 * i, samples[i], 3);
    rgba[4 * i + 3] = 255;
  }
  return (or_image_t){column ? 1 : count, column ? count : 1, rgba};
}

static or_image_input_t gray_input(int64_t width, int64_t height) {
  return (or_image_input_t){
      .stated = true, .channels = OR_IMAGE_GRAY, .width = width, .height = height, .scale = 1, .std = {1, 1, 1}};
}

static void puts_channels_where_the_layout_says(void **state) {
  (void)state;
  uint8_t rgba[] = {10, 20, 30, 255, 40, 50, 60, 255};
  static const struct {
    or_image_channels_t channels;
    bool last;
    double expected[6];
  } cases[] = {{OR_IMAGE_RGB, false, {10, 40, 20, 50, 30, 60}},
               {OR_IMAGE_RGB, true, {10, 20, 30, 40, 50, 60}},
               {OR_IMAGE_BGR, false, {30, 60, 20, 50, 10, 40}},
               {OR_IMAGE_BGR, true, {30, 20, 10, 60, 50, 40}}};
  or_image_t image = {2, 1, rgba};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    float out[6];
    or_image_input_t input = gray_input(2, 1);
    input.channels = cases[i].channels;
    input.channels_last = cases[i].last;
    expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
    near_all(out, cases[i].expected, 6);
  }
}

static void weighs_colours_to_gray(void **state) {
  (void)state;
  uint8_t rgba[] = {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255};
  float out[3];
  or_image_t image = {3, 1, rgba};
  or_image_input_t input = gray_input(3, 1);
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){0.299 * 255, 0.587 * 255, 0.114 * 255}, 3);
}

static void scales_then_takes_the_mean_and_divides_each_channel(void **state) {
  (void)state;
  uint8_t rgba[] = {51, 102, 204, 255}; /* 0.2, 0.4, 0.8 of 255 */
  float out[3];
  or_image_t image = {1, 1, rgba};
  or_image_input_t input = {
      .stated = true, .width = 1, .height = 1, .scale = 1.0 / 255, .mean = {0.1, 0.2, 0.3}, .std = {0.5, 0.25, 2}};
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){0.2, 0.8, 0.25}, 3);
}

static void lays_alpha_over_black_and_with_invert_over_white(void **state) {
  (void)state;
  uint8_t rgba[] = {200, 200, 200, 51, 200, 200, 200, 0}; /* alpha 0.2 and 0 */
  float out[2];
  or_image_t image = {2, 1, rgba};
  or_image_input_t input = gray_input(2, 1);
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){40, 0}, 2);
  input.invert = true; /* 255 - (200 * 0.2 + 255 * 0.8), 255 - 255 */
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){11, 0}, 2);
}

static void widens_the_triangle_when_shrinking(void **state) {
  (void)state;
  /* 4 -> 2: centres 1 and 3, reach 2: weights 3/4 3/4 1/4 (of 1.75) from the left. */
  static const uint8_t samples[] = {0, 70, 140, 210};
  uint8_t rgba[16];
  for (int column = 0; column < 2; ++column) {
    float out[2];
    or_image_t image = line(rgba, samples, 4, column == 1);
    or_image_input_t input = column == 1 ? gray_input(1, 2) : gray_input(2, 1);
    expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
    near_all(out, (double[]){(0.75 * 0 + 0.75 * 70 + 0.25 * 140) / 1.75, (0.25 * 70 + 0.75 * 140 + 0.75 * 210) / 1.75},
             2);
  }
}

static void interpolates_between_centres_when_growing(void **state) {
  (void)state;
  static const uint8_t samples[] = {0, 100}; /* 2 -> 4: centres 0.25 0.75 1.25 1.75 */
  uint8_t rgba[8];
  float out[4];
  or_image_t image = line(rgba, samples, 2, false);
  or_image_input_t input = gray_input(4, 1);
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){0, 25, 75, 100}, 4);
  input.nearest = true;
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){0, 0, 100, 100}, 4);
}

static void takes_the_pixel_at_the_centre_for_nearest(void **state) {
  (void)state;
  static const uint8_t samples[] = {0, 1, 2, 3, 4, 5, 6}; /* 7 -> 3: centres 7/6, 3.5, 35/6 */
  uint8_t rgba[28];
  float out[3];
  or_image_t image = line(rgba, samples, 7, false);
  or_image_input_t input = gray_input(3, 1);
  input.nearest = true;
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){1, 3, 5}, 3);
}

/* A column that becomes a wide, low picture: one axis shrinks, the other grows. */
static void gives_the_same_whichever_axis_goes_first(void **state) {
  (void)state;
  static const uint8_t samples[] = {0, 70, 140, 210};
  uint8_t rgba[16];
  float out[6];
  or_image_t image = line(rgba, samples, 4, true);
  or_image_input_t input = gray_input(3, 2);
  double upper = (0.75 * 70 + 0.25 * 140) / 1.75, lower = (0.25 * 70 + 0.75 * 140 + 0.75 * 210) / 1.75;
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){upper, upper, upper, lower, lower, lower}, 6);
  image = line(rgba, samples, 4, false);
  input = gray_input(2, 3);
  expect_ok(or_image_to_input(or_allocator_system(), &image, &input, out));
  near_all(out, (double[]){upper, lower, upper, lower, upper, lower}, 6);
}

static void takes_no_more_memory_than_picture_and_input_have(void **state) {
  (void)state;
  enum { ROWS = 10000, WIDTH = 1000 };
  or_counting_allocator_t counting;
  void *rgba = NULL, *out = NULL;
  expect_ok(or_alloc_zeroed(or_allocator_system(), ROWS * 4, &rgba));
  expect_ok(or_alloc(or_allocator_system(), WIDTH * sizeof(float), &out));
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_image_t image = {1, ROWS, rgba};
  or_image_input_t input = gray_input(WIDTH, 1);
  expect_ok(or_image_to_input(&counting.base, &image, &input, out));
  assert_true(counting.peak_bytes <= (ROWS + WIDTH) * 2 * sizeof(float));
  assert_int_equal(counting.live_bytes, 0);
  or_free(or_allocator_system(), rgba);
  or_free(or_allocator_system(), out);
}

static or_status_t resize_with(const or_allocator_t *allocator) {
  uint8_t rgba[16] = {0};
  float out[2];
  or_image_t image = {4, 1, rgba};
  or_image_input_t input = gray_input(2, 1);
  return or_image_to_input(allocator, &image, &input, out);
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(resize_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(puts_channels_where_the_layout_says),
      cmocka_unit_test(weighs_colours_to_gray),
      cmocka_unit_test(scales_then_takes_the_mean_and_divides_each_channel),
      cmocka_unit_test(lays_alpha_over_black_and_with_invert_over_white),
      cmocka_unit_test(widens_the_triangle_when_shrinking),
      cmocka_unit_test(interpolates_between_centres_when_growing),
      cmocka_unit_test(takes_the_pixel_at_the_centre_for_nearest),
      cmocka_unit_test(gives_the_same_whichever_axis_goes_first),
      cmocka_unit_test(takes_no_more_memory_than_picture_and_input_have),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
