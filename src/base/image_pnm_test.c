#include "base/testing.h"

#include "base/image.h"

#define PLENTY 1000u
#define FILE_OF(text) text, sizeof(text) - 1

/* The red, green and blue of each pixel are `expected`, alpha is 255. */
static void expect_pixels(const char *bytes, size_t length, uint32_t width, const uint8_t *expected, size_t count) {
  or_image_t image;
  assert_int_equal(or_image_format(bytes, length), OR_IMAGE_PNM);
  expect_ok(or_image_decode_pnm(or_allocator_system(), bytes, length, PLENTY, &image));
  assert_int_equal(image.width, width);
  assert_int_equal((size_t)image.width * image.height * 3, count);
  for (size_t i = 0; i < count; ++i) assert_int_equal(image.rgba[i / 3 * 4 + i % 3], expected[i]);
  for (size_t i = 0; i < count / 3; ++i) assert_int_equal(image.rgba[4 * i + 3], 255);
  or_free(or_allocator_system(), image.rgba);
}
#define PIXELS(...) (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

static void expect_damaged(const char *bytes, size_t length, const char *words) {
  or_image_t image;
  expect_failure(or_image_decode_pnm(or_allocator_system(), bytes, length, PLENTY, &image), OR_DATA_LOSS, words);
  assert_null(image.rgba);
}

static void reads_bitmaps_whose_ones_are_black(void **state) {
  (void)state;
  expect_pixels(FILE_OF("P1\n# a comment\n2 2\n10\n0 1\n"), 2, PIXELS(0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0));
  expect_pixels(FILE_OF("P4 2 2\n\x80\x40"), 2, PIXELS(0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0));
  expect_pixels(FILE_OF("P4 9 1\n\xff\x00"), 9,
                PIXELS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255));
  expect_pixels(FILE_OF("P4 8 1\n\x7f"), 8,
                PIXELS(255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

static void reads_grays_and_colours_of_any_depth(void **state) {
  (void)state;
  expect_pixels(FILE_OF("P2 3 1 4 0 1#half\n4"), 3, PIXELS(0, 0, 0, 64, 64, 64, 255, 255, 255));
  expect_pixels(FILE_OF("P5 2 1 255\n\x01\xfe"), 2, PIXELS(1, 1, 1, 254, 254, 254));
  expect_pixels(FILE_OF("P5 1 2 65535\n\x80\x00\xff\xff"), 1, PIXELS(128, 128, 128, 255, 255, 255));
  expect_pixels(FILE_OF("P3\t1 1 255\n1 2 3"), 1, PIXELS(1, 2, 3));
  expect_pixels(FILE_OF("P6 1 2 255\n\x01\x02\x03\x04\x05\x06"), 1, PIXELS(1, 2, 3, 4, 5, 6));
  expect_pixels(FILE_OF("P6 1 1 300\n\x00\x00\x01\x2c\x00\x96"), 1, PIXELS(0, 255, 128));
}

static void refuses_what_is_damaged(void **state) {
  (void)state;
  expect_damaged(FILE_OF("P5 2 1 255\n\x01"), "ends too early");
  expect_damaged(FILE_OF("P5 2 "), "ends too early");
  expect_damaged(FILE_OF("P2 2 1 255 7"), "ends too early");
  expect_damaged(FILE_OF("P2 2 1 255 7    "), "ends too early");
  expect_damaged(FILE_OF("P2 1 1 255 256"), "a number up to 255");
  expect_damaged(FILE_OF("P2 1 1 255 x"), "a number up to 255");
  expect_damaged(FILE_OF("P1 1 1 2"), "a number up to 1");
  expect_damaged(FILE_OF("P2 1 1 0 0"), "samples of at most 0");
  expect_damaged(FILE_OF("P2 1 1 65536 0"), "a number up to 65535");
  expect_damaged(FILE_OF("P5 1 1 255"), "no space behind the header");
  expect_damaged(FILE_OF("P5 1 1 255#"), "no space behind the header");
  expect_damaged(FILE_OF("P5 1 1 100\n\x65"), "a sample of 101; the most is 100");
  expect_damaged(FILE_OF("P5 0 1 255\n"), "0 x 1 pixels");
  expect_damaged(FILE_OF("P6 200000000 200000000 255\n..."), "ends too early");
  expect_damaged(FILE_OF("P6 99999999999 1 255\n..."), "a number up to");
  expect_damaged(FILE_OF("P7 1 1"), "the file is none");
  or_image_t image;
  expect_failure(or_image_decode_pnm(or_allocator_system(), FILE_OF("P1 2 2 0000"), 3, &image), OR_OUT_OF_RANGE,
                 "2 x 2 pixels; the limit is 3");
}

static or_status_t decode_with(const or_allocator_t *allocator) {
  or_image_t image;
  or_status_t status = or_image_decode_pnm(allocator, FILE_OF("P1 2 2 0000"), PLENTY, &image);
  or_free(allocator, image.rgba);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(decode_with);
}

static void tells_formats_by_their_first_bytes(void **state) {
  (void)state;
  static const struct {
    const char *bytes, *name;
    size_t length;
  } files[] = {{"\x89PNG\r\n\x1a\n", "PNG", 8},
               {"\xff\xd8\xff\xe0", "JPEG", 4},
               {"BM12345678901", "unknown", 13},
               {"BM1234567890123", "BMP", 15},
               {"P6 ", "PNM", 3},
               {"P6x", "unknown", 3},
               {"P6\0", "unknown", 3},
               {"P8 ", "unknown", 3},
               {"II*\0", "TIFF", 4},
               {"MM\0*", "TIFF", 4},
               {"RIFF....WEBP", "WebP", 12},
               {"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", 12},
               {"\xff\x4f\xff\x51", "JPEG 2000", 4},
               {"", "unknown", 0}};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
    assert_string_equal(or_image_format_name(or_image_format(files[i].bytes, files[i].length)), files[i].name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_bitmaps_whose_ones_are_black),
      cmocka_unit_test(reads_grays_and_colours_of_any_depth),
      cmocka_unit_test(refuses_what_is_damaged),
      cmocka_unit_test(survives_every_failing_allocation),
      cmocka_unit_test(tells_formats_by_their_first_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
