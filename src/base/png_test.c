/* PNG out: read back by the decoder where there is one. */
#include "base/testing.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/image.h"
#include "base/png.h"
#include "base/string.h"

static char folder[] = "/tmp/openruntime-png-XXXXXX";
static char path[64];

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return 1;
  or_format(path, sizeof path, "%s/picture.png", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  (void)unlink(path);
  return rmdir(folder);
}

static void expect_back(uint64_t width, uint64_t height, unsigned channels) {
  const size_t bytes = (size_t)(width * height * channels);
  uint8_t *data = malloc(bytes);
  char *file = NULL;
  size_t length = 0;
  for (size_t i = 0; i < bytes; ++i) data[i] = (uint8_t)(i * 7 + i / 251);
  const or_png_picture_t picture = {data, width, height, channels};
  expect_ok(or_png_write(or_allocator_system(), path, &picture));
  expect_ok(or_file_read(or_allocator_system(), path, (size_t)1 << 30, &file, &length));
  or_image_t image;
  or_status_t status = or_image_decode(or_allocator_system(), file, length, UINT64_C(1) << 28, &image);
  if (or_status_code(status) == OR_UNIMPLEMENTED) {
    print_message("this build reads no PNG\n");
    or_status_ignore(status); /* told */
  } else {
    expect_ok(status);
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    for (size_t i = 0; i < bytes / channels; ++i) {
      for (unsigned c = 0; c < 3; ++c)
        assert_int_equal(image.rgba[i * 4 + c], data[i * channels + (channels == 3 ? c : 0)]);
    }
    or_free(or_allocator_system(), image.rgba);
  }
  or_free(or_allocator_system(), file);
  free(data);
}

static void colours_and_greys_of_every_width_come_back(void **state) {
  (void)state;
  expect_back(1, 1, 1);
  expect_back(3, 2, 3);
  expect_back(65534, 2, 1); /* a row of one stored block, and of two */
  expect_back(65535, 2, 1);
  expect_back(40000, 1, 3);
}

static void extents_are_bounded(void **state) {
  (void)state;
  const uint8_t data = 0;
  const or_png_picture_t empty = {&data, 0, 1, 1}, wide = {&data, 65536, 1, 1}, large = {&data, 65535, 65535, 3};
  expect_failure(or_png_write(or_allocator_system(), path, &empty), OR_OUT_OF_RANGE, "0 x 1");
  expect_failure(or_png_write(or_allocator_system(), path, &wide), OR_OUT_OF_RANGE, "65536 x 1");
  expect_failure(or_png_write(or_allocator_system(), path, &large), OR_OUT_OF_RANGE, "2 GiB");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(colours_and_greys_of_every_width_come_back),
                                     cmocka_unit_test(extents_are_bounded)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
