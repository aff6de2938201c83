/* Bytes of a picture through the decoders, and what they make through resizing. */
#include "base/alloc.h"
#include "model/image.h"

#define MAX_PIXELS 4096u /* so that the search is not spent on memory */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const or_allocator_t *allocator = or_allocator_system();
  or_image_t image;
  float out[3 * 5 * 7];
  or_image_input_t input = {.stated = true,
                            .channels = size % 2 == 0 ? OR_IMAGE_RGB : OR_IMAGE_GRAY,
                            .width = 5,
                            .height = 7,
                            .scale = 1.0 / 255.0,
                            .std = {1, 1, 1}};
  or_status_t status;
  switch (or_image_format(data, size)) {
  case OR_IMAGE_BMP: status = or_image_decode_bmp(allocator, data, size, MAX_PIXELS, &image); break;
  case OR_IMAGE_PNM: status = or_image_decode_pnm(allocator, data, size, MAX_PIXELS, &image); break;
  default: status = or_image_decode(allocator, data, size, MAX_PIXELS, &image); break;
  }
  if (or_ok(status)) status = or_image_to_input(allocator, &image, &input, out);
  or_status_ignore(status); /* any answer will do, but a crash */
  or_free(allocator, image.rgba);
  return 0;
}
