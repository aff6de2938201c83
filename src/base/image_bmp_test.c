/* Pictures of 2 x 2 pixels, written here byte by byte. */
#include "base/testing.h"

#include "base/image.h"

#define PLENTY 1000u

typedef struct bmp_t {
  uint32_t header, bits, compression, colors;
  int32_t width, height;           /* 0: 2 */
  const uint8_t *between, *pixels; /* masks and palette; rows */
  size_t between_bytes, pixel_bytes;
} bmp_t;

typedef struct file_t {
  uint8_t bytes[512];
  size_t length;
} file_t;

static void put(file_t *file, size_t bytes, uint32_t value) {
  for (size_t i = 0; i < bytes; ++i) file->bytes[file->length++] = (uint8_t)(value >> 8 * i);
}

static void put_bytes(file_t *file, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) put(file, 1, bytes[i]);
}

static void write_bmp(const bmp_t *bmp, file_t *out) {
  uint32_t header = bmp->header > 0 ? bmp->header : 40, extent = header == 12 ? 2 : 4;
  size_t in_header = header > 40 ? header - 40 : 0; /* later headers begin with the masks */
  out->length = 0;
  put(out, 2, 'B' | 'M' << 8);
  put(out, 4, 0);
  put(out, 4, 0);
  put(out, 4, (uint32_t)(14 + header + bmp->between_bytes - (in_header > 0 ? bmp->between_bytes : 0)));
  put(out, 4, header);
  put(out, extent, (uint32_t)(bmp->width != 0 ? bmp->width : 2));
  put(out, extent, (uint32_t)(bmp->height != 0 ? bmp->height : 2));
  put(out, 2, 1);
  put(out, 2, bmp->bits);
  if (header >= 40) {
    put(out, 4, bmp->compression);
    for (int i = 0; i < 3; ++i) put(out, 4, 0);
    put(out, 4, bmp->colors);
    put(out, 4, 0);
  }
  put_bytes(out, bmp->between, bmp->between_bytes);
  for (size_t i = bmp->between_bytes; i < in_header; ++i) put(out, 1, 0);
  put_bytes(out, bmp->pixels, bmp->pixel_bytes);
}

static or_status_t decode(const file_t *file, or_image_t *out) {
  return or_image_decode_bmp(or_allocator_system(), file->bytes, file->length, PLENTY, out);
}

static void expect_pixels(const bmp_t *bmp, const uint8_t expected[16]) {
  file_t file;
  or_image_t image;
  write_bmp(bmp, &file);
  assert_int_equal(or_image_format(file.bytes, file.length), OR_IMAGE_BMP);
  expect_ok(decode(&file, &image));
  assert_true(image.width == 2 && image.height == 2);
  assert_memory_equal(image.rgba, expected, 16);
  or_free(or_allocator_system(), image.rgba);
}

static void expect_refused(const bmp_t *bmp, or_status_code_t code, const char *words) {
  file_t file;
  or_image_t image;
  write_bmp(bmp, &file);
  expect_failure(decode(&file, &image), code, words);
  assert_null(image.rgba);
}

/* Blue, green, red; rows end on four bytes, the lowest first. */
static const uint8_t bgr[] = {3, 2, 1, 6, 5, 4, 0, 0, 9, 8, 7, 12, 11, 10, 0, 0};
static const uint8_t upward[] = {7, 8, 9, 255, 10, 11, 12, 255, 1, 2, 3, 255, 4, 5, 6, 255};
static const uint8_t downward[] = {1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255};

static void reads_rows_upward_and_downward(void **state) {
  (void)state;
  expect_pixels(&(bmp_t){.bits = 24, .pixels = bgr, .pixel_bytes = 16}, upward);
  expect_pixels(&(bmp_t){.bits = 24, .pixels = bgr, .pixel_bytes = 16, .height = -2}, downward);
  expect_pixels(&(bmp_t){.bits = 24, .pixels = bgr, .pixel_bytes = 16, .header = 12}, upward);
  expect_pixels(&(bmp_t){.bits = 24, .pixels = bgr, .pixel_bytes = 16, .header = 124}, upward);
}

static void reads_palettes_of_every_depth(void **state) {
  (void)state;
  static const uint8_t palette[] = {3, 2, 1, 0, 6, 5, 4, 0}, small[] = {3, 2, 1, 6, 5, 4};
  static const uint8_t bytes[] = {0, 1, 0, 0, 1, 0, 0, 0}, halves[] = {0x01, 0, 0, 0, 0x10, 0, 0, 0};
  static const uint8_t bits[] = {0x40, 0, 0, 0, 0x80, 0, 0, 0};
  static const uint8_t expected[] = {4, 5, 6, 255, 1, 2, 3, 255, 1, 2, 3, 255, 4, 5, 6, 255};
  expect_pixels(
      &(bmp_t){.bits = 8, .colors = 2, .between = palette, .between_bytes = 8, .pixels = bytes, .pixel_bytes = 8},
      expected);
  expect_pixels(
      &(bmp_t){.bits = 4, .colors = 2, .between = palette, .between_bytes = 8, .pixels = halves, .pixel_bytes = 8},
      expected);
  expect_pixels(&(bmp_t){.bits = 1, .between = palette, .between_bytes = 8, .pixels = bits, .pixel_bytes = 8},
                expected);
  expect_pixels(
      &(bmp_t){.bits = 1, .header = 12, .between = small, .between_bytes = 6, .pixels = bits, .pixel_bytes = 8},
      expected);
}

static void reads_pixels_by_masks(void **state) {
  (void)state;
  static const uint8_t of_555[] = {0x00, 0x7c, 0xe0, 0x03, 0x1f, 0x00, 0x10, 0x42};
  static const uint8_t of_565[] = {0x00, 0xf8, 0xe0, 0x07, 0x1f, 0x00, 0x00, 0x00};
  static const uint8_t masks[] = {0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0}, none[12] = {0};
  static const uint8_t wide[] = {3, 2, 1, 0, 6, 5, 4, 9, 9, 8, 7, 0, 12, 11, 10, 0};
  expect_pixels(&(bmp_t){.bits = 16, .height = -2, .pixels = of_555, .pixel_bytes = 8},
                (uint8_t[]){255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 132, 132, 132, 255});
  const bmp_t of_masks = {.bits = 16,
                          .height = -2,
                          .compression = 3,
                          .between = masks,
                          .between_bytes = 12,
                          .pixels = of_565,
                          .pixel_bytes = 8};
  const uint8_t expected[] = {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 0, 0, 0, 255};
  expect_pixels(&of_masks, expected);
  bmp_t in_header = of_masks;
  in_header.header = 108;
  expect_pixels(&in_header, expected);
  expect_pixels(&(bmp_t){.bits = 32, .height = -2, .pixels = wide, .pixel_bytes = 16}, downward);
  bmp_t black = of_masks;
  black.between = none;
  expect_pixels(&black, (uint8_t[]){0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255});
}

static void refuses_what_it_does_not_read(void **state) {
  (void)state;
  expect_refused(&(bmp_t){.bits = 8, .compression = 1, .pixels = bgr, .pixel_bytes = 16}, OR_UNIMPLEMENTED,
                 "compression 1 is not read");
  expect_refused(&(bmp_t){.bits = 7, .pixels = bgr, .pixel_bytes = 16}, OR_DATA_LOSS, "pixels of 7 bits");
  expect_refused(&(bmp_t){.bits = 24, .compression = 3, .pixels = bgr, .pixel_bytes = 16}, OR_DATA_LOSS,
                 "pixels of 24 bits");
  expect_refused(&(bmp_t){.bits = 24, .header = 13, .pixels = bgr, .pixel_bytes = 16}, OR_DATA_LOSS,
                 "header of 13 bytes");
  expect_refused(&(bmp_t){.bits = 24, .width = -2, .pixels = bgr, .pixel_bytes = 16}, OR_DATA_LOSS, "a width of");
  expect_refused(&(bmp_t){.bits = 24, .width = 65536, .height = INT32_MIN, .pixels = bgr, .pixel_bytes = 16},
                 OR_DATA_LOSS, "ends too early");
  file_t file;
  or_image_t image;
  write_bmp(&(bmp_t){.bits = 24, .pixels = bgr, .pixel_bytes = 16}, &file);
  expect_failure(or_image_decode_bmp(or_allocator_system(), file.bytes, file.length, 3, &image), OR_OUT_OF_RANGE,
                 "2 x 2 pixels; the limit is 3");
  memset(file.bytes + 22, 0, 4); /* no rows */
  expect_failure(decode(&file, &image), OR_DATA_LOSS, "2 x 0 pixels");
}

static void a_file_that_ends_early_is_damaged(void **state) {
  (void)state;
  static const uint8_t palette[] = {3, 2, 1, 0, 6, 5, 4, 0}, bits[] = {0x40, 0, 0, 0, 0x80, 0, 0, 0};
  static const uint8_t masks[] = {0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0};
  const bmp_t pictures[] = {
      {.bits = 1, .between = palette, .between_bytes = 8, .pixels = bits, .pixel_bytes = 8},
      {.bits = 16, .compression = 3, .between = masks, .between_bytes = 12, .pixels = bits, .pixel_bytes = 8}};
  for (size_t i = 0; i < 2; ++i) {
    file_t file;
    write_bmp(&pictures[i], &file);
    for (size_t length = 0; length < file.length; ++length) {
      or_image_t image;
      void *copy = NULL; /* of that length, so that a sanitizer sees what is read behind it */
      expect_ok(or_alloc(or_allocator_system(), length, &copy));
      memcpy(copy, file.bytes, length);
      expect_failure(or_image_decode_bmp(or_allocator_system(), copy, length, PLENTY, &image), OR_DATA_LOSS, "early");
      or_free(or_allocator_system(), copy);
    }
  }
}

static or_status_t decode_with(const or_allocator_t *allocator) {
  file_t file;
  or_image_t image;
  write_bmp(&(bmp_t){.bits = 24, .pixels = bgr, .pixel_bytes = 16}, &file);
  or_status_t status = or_image_decode_bmp(allocator, file.bytes, file.length, PLENTY, &image);
  or_free(allocator, image.rgba);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(decode_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_rows_upward_and_downward),
      cmocka_unit_test(reads_palettes_of_every_depth),
      cmocka_unit_test(reads_pixels_by_masks),
      cmocka_unit_test(refuses_what_it_does_not_read),
      cmocka_unit_test(a_file_that_ends_early_is_damaged),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
