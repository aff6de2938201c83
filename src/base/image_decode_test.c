/* Pictures that libpng and libjpeg write here, and what is left of them when they are damaged or lie. */
#include "base/testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/image.h"
#include "openruntime/model.h"
#include "or_config.h"

static const or_allocator_t *allocator(void) { return or_allocator_system(); }

static void refuses_other_formats_with_the_cure(void **state) {
  (void)state;
  static const char *const texts[] = {"", "GIF89a", "\x89PNG", "\xff\xd8", "BM"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    or_image_t image;
    expect_failure(or_image_decode(allocator(), texts[i], strlen(texts[i]), OR_IMAGE_MAX_PIXELS, &image),
                   OR_UNIMPLEMENTED, "convert the picture");
    assert_null(image.rgba);
  }
}

#if OR_HAVE_PNG
#include <png.h>

typedef struct bytes_t {
  uint8_t data[8192];
  size_t length;
} bytes_t;

static void keep(png_structp png, png_bytep data, png_size_t length) {
  bytes_t *bytes = png_get_io_ptr(png);
  assert_true(bytes->length + length <= sizeof bytes->data);
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length += length;
}
static void keep_nothing(png_structp png) { (void)png; }

/* Rows of packed samples as a PNG of 2 x 2 pixels, unless the size is given. */
typedef struct picture_t {
  int bits, color, interlace;
  const png_color *palette; /* of two */
  const uint8_t *rows;
  size_t row_bytes;
  uint32_t width, height; /* 0: 2 */
} picture_t;

static void write_png(const picture_t *picture, bytes_t *out) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  uint32_t width = picture->width > 0 ? picture->width : 2, height = picture->height > 0 ? picture->height : 2;
  out->length = 0;
  png_set_write_fn(png, out, keep, keep_nothing);
  png_set_IHDR(png, info, width, height, picture->bits, picture->color, picture->interlace, PNG_COMPRESSION_TYPE_BASE,
               PNG_FILTER_TYPE_BASE);
  if (picture->palette != NULL) {
    png_byte alpha[2] = {255, 128};
    png_set_PLTE(png, info, picture->palette, 2);
    png_set_tRNS(png, info, alpha, 2, NULL);
  }
  png_write_info(png, info);
  int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; ++pass) {
    for (uint32_t y = 0; y < height; ++y) png_write_row(png, picture->rows + y * picture->row_bytes);
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
}

static void expect_pixels(const picture_t *picture, const uint8_t expected[16]) {
  bytes_t bytes;
  or_image_t image;
  write_png(picture, &bytes);
  expect_ok(or_image_decode(allocator(), bytes.data, bytes.length, OR_IMAGE_MAX_PIXELS, &image));
  assert_int_equal(image.width, 2);
  assert_int_equal(image.height, 2);
  assert_memory_equal(image.rgba, expected, 16);
  or_free(allocator(), image.rgba);
}

static const uint8_t rgb_rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const picture_t rgb_picture = {.bits = 8, .color = PNG_COLOR_TYPE_RGB, .rows = rgb_rows, .row_bytes = 6};
static const uint8_t rgb_pixels[] = {1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255};

static void reads_every_kind_of_png_as_rgba(void **state) {
  (void)state;
  static const uint8_t gray[] = {10, 20, 30, 40}, gray_alpha[] = {10, 1, 20, 2, 30, 3, 40, 4},
                       deep[] = {10, 99, 20, 99, 30, 99, 40, 99}, one_bit[] = {0x40, 0x80}, indices[] = {0, 1, 1, 0};
  static const uint8_t gray_pixels[] = {10, 10, 10, 255, 20, 20, 20, 255, 30, 30, 30, 255, 40, 40, 40, 255};
  static const png_color palette[2] = {{1, 2, 3}, {200, 100, 50}};
  expect_pixels(&rgb_picture, rgb_pixels);
  expect_pixels(&(picture_t){.bits = 8, .color = PNG_COLOR_TYPE_GRAY, .rows = gray, .row_bytes = 2}, gray_pixels);
  expect_pixels(&(picture_t){.bits = 16, .color = PNG_COLOR_TYPE_GRAY, .rows = deep, .row_bytes = 4}, gray_pixels);
  expect_pixels(&(picture_t){.bits = 1, .color = PNG_COLOR_TYPE_GRAY, .rows = one_bit, .row_bytes = 1},
                (uint8_t[]){0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 255});
  expect_pixels(&(picture_t){.bits = 8, .color = PNG_COLOR_TYPE_GRAY_ALPHA, .rows = gray_alpha, .row_bytes = 4},
                (uint8_t[]){10, 10, 10, 1, 20, 20, 20, 2, 30, 30, 30, 3, 40, 40, 40, 4});
  expect_pixels(
      &(picture_t){.bits = 8, .color = PNG_COLOR_TYPE_PALETTE, .palette = palette, .rows = indices, .row_bytes = 2},
      (uint8_t[]){1, 2, 3, 255, 200, 100, 50, 128, 200, 100, 50, 128, 1, 2, 3, 255});
}

static void puts_interlaced_pictures_together(void **state) {
  (void)state;
  enum { SIDE = 11 }; /* every one of Adam7's passes has pixels */
  static uint8_t rows[SIDE * SIDE];
  bytes_t bytes;
  or_image_t image;
  for (size_t i = 0; i < sizeof rows; ++i) rows[i] = (uint8_t)(2 * i);
  picture_t picture = {.bits = 8,
                       .color = PNG_COLOR_TYPE_GRAY,
                       .interlace = PNG_INTERLACE_ADAM7,
                       .rows = rows,
                       .row_bytes = SIDE,
                       .width = SIDE,
                       .height = SIDE};
  write_png(&picture, &bytes);
  expect_ok(or_image_decode(allocator(), bytes.data, bytes.length, OR_IMAGE_MAX_PIXELS, &image));
  for (size_t i = 0; i < sizeof rows; ++i) assert_int_equal(image.rgba[4 * i], rows[i]);
  or_free(allocator(), image.rgba);
}

static void refuses_a_png_cut_anywhere_before_its_last_row(void **state) {
  (void)state;
  bytes_t bytes;
  write_png(&rgb_picture, &bytes);
  size_t end = bytes.length - 12;                       /* without IEND the rows are all there */
  for (size_t length = 8; length < end - 4; ++length) { /* 4: the CRC of IDAT is looked at with the chunk behind it */
    or_image_t image;
    void *copy = malloc(length); /* so that a read past the end shows */
    assert_non_null(copy);
    memcpy(copy, bytes.data, length);
    or_status_t status = or_image_decode(allocator(), copy, length, OR_IMAGE_MAX_PIXELS, &image);
    free(copy);
    if (or_ok(status)) { /* the compressed rows may be complete before the checksum of their stream */
      assert_true(length >= end - 8);
      or_free(allocator(), image.rgba);
      continue;
    }
    expect_failure(status, OR_DATA_LOSS, "PNG");
    assert_null(image.rgba);
  }
}

static uint32_t crc_of(const uint8_t *bytes, size_t length) { /* PNG specification, annex D */
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < length; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? 0xedb88320u ^ (crc >> 1) : crc >> 1;
  }
  return ~crc;
}
static void put_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void refuses_what_its_header_claims_before_it_takes_memory(void **state) {
  (void)state;
  static const uint32_t extents[][2] = {{0x7fffffff, 0x7fffffff}, {65536, 65536}, {1, 64u * 1048576 + 1}};
  for (size_t i = 0; i < sizeof extents / sizeof *extents; ++i) {
    bytes_t bytes;
    or_image_t image;
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, allocator(), 0);
    write_png(&rgb_picture, &bytes);
    put_u32(bytes.data + 16, extents[i][0]); /* IHDR: length, name, width, height, five bytes, CRC of name and data */
    put_u32(bytes.data + 20, extents[i][1]);
    put_u32(bytes.data + 29, crc_of(bytes.data + 12, 17));
    or_status_t status = or_image_decode(&counting.base, bytes.data, bytes.length, OR_IMAGE_MAX_PIXELS, &image);
    if (extents[i][0] == 0x7fffffff) { /* libpng has a word to say too */
      assert_true(or_status_code(status) == OR_OUT_OF_RANGE || or_status_code(status) == OR_DATA_LOSS);
      or_status_ignore(status); /* either refusal will do */
    } else {
      expect_failure(status, OR_OUT_OF_RANGE, "the limit is 67108864 pixels");
    }
    assert_int_equal(counting.alloc_count, 0);
  }
}

static void refuses_more_pixels_than_its_caller_allows(void **state) {
  (void)state;
  bytes_t bytes;
  or_image_t image;
  write_png(&rgb_picture, &bytes);
  expect_failure(or_image_decode(allocator(), bytes.data, bytes.length, 3, &image), OR_OUT_OF_RANGE,
                 "2 x 2 pixels; the limit is 3");
  expect_ok(or_image_decode(allocator(), bytes.data, bytes.length, 4, &image));
  or_free(allocator(), image.rgba);
}

static void refuses_a_png_whose_checksum_is_wrong(void **state) {
  (void)state;
  bytes_t bytes;
  or_image_t image;
  write_png(&rgb_picture, &bytes);
  bytes.data[29] ^= 1; /* of IHDR */
  expect_failure(or_image_decode(allocator(), bytes.data, bytes.length, OR_IMAGE_MAX_PIXELS, &image), OR_DATA_LOSS,
                 "PNG");
}

static void refuses_a_png_of_no_extent(void **state) {
  (void)state;
  bytes_t bytes;
  or_image_t image;
  write_png(&rgb_picture, &bytes);
  put_u32(bytes.data + 16, 0);
  put_u32(bytes.data + 29, crc_of(bytes.data + 12, 17));
  expect_failure(or_image_decode(allocator(), bytes.data, bytes.length, OR_IMAGE_MAX_PIXELS, &image), OR_DATA_LOSS, "");
}

static or_status_t decode_png_with(const or_allocator_t *with) {
  bytes_t bytes;
  or_image_t image;
  write_png(&rgb_picture, &bytes);
  or_status_t status = or_image_decode(with, bytes.data, bytes.length, OR_IMAGE_MAX_PIXELS, &image);
  or_free(with, image.rgba);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(decode_png_with);
}
#endif

#if OR_HAVE_JPEG
#include <jpeglib.h>

/* 16 x 16 pixels of one colour, which JPEG keeps to within rounding. */
static void write_jpeg(J_COLOR_SPACE space, int components, const uint8_t *pixel, uint8_t **out,
                       unsigned long *length) {
  struct jpeg_compress_struct jpeg = {0};
  struct jpeg_error_mgr errors;
  uint8_t row[16 * 4];
  for (int i = 0; i < 16 * components; ++i) row[i] = pixel[i % components];
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  *out = NULL;
  *length = 0;
  jpeg_mem_dest(&jpeg, out, length);
  jpeg.image_width = jpeg.image_height = 16;
  jpeg.input_components = components;
  jpeg.in_color_space = space;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < 16) {
    JSAMPROW rows[1] = {row};
    (void)jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
}

static void expect_near(uint8_t got, int expected) { assert_in_range(got, expected - 2, expected + 2); }

static void reads_jpegs_in_colour_and_gray(void **state) {
  (void)state;
  static const uint8_t colour[] = {200, 100, 50}, gray[] = {90};
  for (int i = 0; i < 2; ++i) {
    uint8_t *bytes = NULL;
    unsigned long length = 0;
    or_image_t image;
    write_jpeg(i == 0 ? JCS_RGB : JCS_GRAYSCALE, i == 0 ? 3 : 1, i == 0 ? colour : gray, &bytes, &length);
    expect_ok(or_image_decode(allocator(), bytes, length, 256, &image));
    assert_int_equal(image.width, 16);
    assert_int_equal(image.height, 16);
    for (size_t p = 0; p < 256; ++p) {
      for (size_t c = 0; c < 3; ++c) expect_near(image.rgba[4 * p + c], i == 0 ? colour[c] : gray[0]);
      assert_int_equal(image.rgba[4 * p + 3], 255);
    }
    or_free(allocator(), image.rgba);
    free(bytes);
  }
}

static void refuses_a_jpeg_cut_anywhere_in_its_segments_or_scan(void **state) {
  (void)state;
  static const uint8_t colour[] = {200, 100, 50};
  uint8_t *bytes = NULL;
  unsigned long length = 0;
  write_jpeg(JCS_RGB, 3, colour, &bytes, &length);
  for (size_t kept = 3; kept + 4 < length; ++kept) { /* the last bytes are padding and the end's marker */
    or_image_t image;
    void *copy = malloc(kept);
    assert_non_null(copy);
    memcpy(copy, bytes, kept);
    expect_failure(or_image_decode(allocator(), copy, kept, OR_IMAGE_MAX_PIXELS, &image), OR_DATA_LOSS, "JPEG");
    assert_null(image.rgba);
    free(copy);
  }
  free(bytes);
}

static void refuses_a_jpeg_of_four_inks_with_the_cure(void **state) {
  (void)state;
  static const uint8_t inks[] = {1, 2, 3, 4};
  uint8_t *bytes = NULL;
  unsigned long length = 0;
  or_image_t image;
  write_jpeg(JCS_CMYK, 4, inks, &bytes, &length);
  expect_failure(or_image_decode(allocator(), bytes, length, OR_IMAGE_MAX_PIXELS, &image), OR_UNIMPLEMENTED,
                 "convert the picture to RGB");
  free(bytes);
}

static void refuses_a_jpeg_larger_than_allowed(void **state) {
  (void)state;
  static const uint8_t gray[] = {1};
  uint8_t *bytes = NULL;
  unsigned long length = 0;
  or_image_t image;
  write_jpeg(JCS_GRAYSCALE, 1, gray, &bytes, &length);
  expect_failure(or_image_decode(allocator(), bytes, length, 255, &image), OR_OUT_OF_RANGE, "16 x 16");
  free(bytes);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_other_formats_with_the_cure),
#if OR_HAVE_PNG
    cmocka_unit_test(reads_every_kind_of_png_as_rgba),
    cmocka_unit_test(puts_interlaced_pictures_together),
    cmocka_unit_test(refuses_a_png_cut_anywhere_before_its_last_row),
    cmocka_unit_test(refuses_what_its_header_claims_before_it_takes_memory),
    cmocka_unit_test(refuses_more_pixels_than_its_caller_allows),
    cmocka_unit_test(refuses_a_png_whose_checksum_is_wrong),
    cmocka_unit_test(refuses_a_png_of_no_extent),
    cmocka_unit_test(survives_every_failing_allocation),
#endif
#if OR_HAVE_JPEG
    cmocka_unit_test(reads_jpegs_in_colour_and_gray),
    cmocka_unit_test(refuses_a_jpeg_cut_anywhere_in_its_segments_or_scan),
    cmocka_unit_test(refuses_a_jpeg_of_four_inks_with_the_cure),
    cmocka_unit_test(refuses_a_jpeg_larger_than_allowed),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
