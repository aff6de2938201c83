#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "or_config.h"

#define FILE_OF(text) text, sizeof(text) - 1

static void begin(call_fixture_t *f, const char *bytes, size_t length, const char *pixel_format) {
  call_init(f, "", "ImageDecoder", 20);
  call_input(f, OR_UINT8, SHAPE((int64_t)length), bytes);
  if (pixel_format != NULL) call_string(f, "pixel_format", pixel_format);
}

static void gives_pixels_in_the_order_that_is_asked_for(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, FILE_OF("P6 1 2 255\n\x01\x02\x03\xff\x80\x00"), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(2, 1, 3));
  expect_ints(&f, 0, INTS(1, 2, 3, 255, 128, 0));
  call_deinit(&f);

  begin(&f, FILE_OF("P6 2 1 255\n\x01\x02\x03\xff\x80\x00"), "BGR");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(1, 2, 3));
  expect_ints(&f, 0, INTS(3, 2, 1, 0, 128, 255));
  call_deinit(&f);

  begin(&f, FILE_OF("P6 2 1 255\n\x0a\x14\x1e\xff\x80\x00"), "Grayscale");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(1, 2, 1));
  expect_ints(&f, 0, INTS(18, 151)); /* 18.15, 151.38 */
  call_deinit(&f);
}

/* 1 x 1 pixels as a BMP, and 2 x 1 as Pillow writes them as a PNG. */
static void decodes_files_with_libraries_and_without(void **state) {
  (void)state;
  static const char bmp[] = "BM\0\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0\x03\x02\x01";
  call_fixture_t f;
  begin(&f, bmp, sizeof bmp, NULL); /* the text's end fills the row */
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3));
  call_deinit(&f);

  static const uint8_t png[] = {
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
      0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x7b, 0x40, 0xe8, 0xdd, 0x00, 0x00, 0x00,
      0x0f, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x64, 0x64, 0x62, 0x3e, 0x9e, 0xa4, 0x0f, 0x00, 0x03, 0x72,
      0x01, 0x60, 0x1a, 0x5f, 0x0a, 0xd2, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  begin(&f, (const char *)png, sizeof png, NULL);
#if OR_HAVE_PNG
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(1, 2, 3));
  expect_ints(&f, 0, INTS(1, 2, 3, 200, 100, 50));
#else
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "libpng");
#endif
  call_deinit(&f);
}

static void a_file_that_is_damaged_or_no_picture_is_empty(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t length;
  } files[] = {{FILE_OF("P6 1 2 255\n\x01\x02\x03")}, {FILE_OF("BM3456789012345")}, {FILE_OF("a text")}, {"", 0}};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    call_fixture_t f;
    begin(&f, files[i].bytes, files[i].length, NULL);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_UINT8, SHAPE(0, 0, 3));
    call_deinit(&f);
  }
}

static void does_not_know_the_extent_without_the_file(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, NULL, 7, "Grayscale");
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(UNKNOWN, UNKNOWN, 1));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(UNKNOWN, UNKNOWN, 1));
  call_deinit(&f);
}

static void refuses_other_formats_by_name(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, FILE_OF("RIFF....WEBP"), NULL);
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "the picture is WebP");
  call_deinit(&f);
  begin(&f, FILE_OF("P1 1 1 0"), "YUV");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"pixel_format\" is \"YUV\"");
  f.node.attribute_count = 0;
  f.inputs[0].shape = SHAPE(8, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank");
  f.inputs[0].shape = SHAPE(8);
  or_counting_allocator_init(&f.allocator, or_allocator_system(), 1);
  expect_refused(&f, 1, OR_RESOURCE_EXHAUSTED, "");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_pixels_in_the_order_that_is_asked_for),
      cmocka_unit_test(decodes_files_with_libraries_and_without),
      cmocka_unit_test(a_file_that_is_damaged_or_no_picture_is_empty),
      cmocka_unit_test(does_not_know_the_extent_without_the_file),
      cmocka_unit_test(refuses_other_formats_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
