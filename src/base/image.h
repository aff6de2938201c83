#ifndef OR_BASE_IMAGE_H
#define OR_BASE_IMAGE_H
/* Pictures in files, as samples. All functions are pure, any thread; nothing of a file is believed. */

#include "openruntime/status.h"

typedef enum or_image_format_t {
  OR_IMAGE_UNKNOWN,
  OR_IMAGE_PNG,
  OR_IMAGE_JPEG,
  OR_IMAGE_BMP,
  OR_IMAGE_PNM, /* portable bitmap, graymap and pixmap, of text or bytes: P1 to P6 */
  OR_IMAGE_TIFF,
  OR_IMAGE_WEBP,
  OR_IMAGE_JPEG2000,
} or_image_format_t;

/* Told by the first bytes alone. */
or_image_format_t or_image_format(const void *bytes, size_t length);
/* "PNG"; "unknown" for OR_IMAGE_UNKNOWN. */
const char *or_image_format_name(or_image_format_t format);

/* Decoded samples: RGBA, 8 bits, row-major, from the caller's allocator (or_free). */
typedef struct or_image_t {
  uint32_t width, height;
  uint8_t *rgba;
} or_image_t;

/* PNG or JPEG, told by their first bytes. DATA_LOSS (corrupt, truncated), OUT_OF_RANGE (more than `max_pixels`:
 * callers give OR_IMAGE_MAX_PIXELS), UNIMPLEMENTED (another format or colour model, or no decoder in this build),
 * RESOURCE_EXHAUSTED. */
or_status_t or_image_decode(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                            or_image_t *out);

/* The formats that need no library. BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, with palettes and masks, not compressed:
 * alpha is 255. PNM of any depth. Statuses as above; UNIMPLEMENTED also for a compressed BMP. */
or_status_t or_image_decode_bmp(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                                or_image_t *out);
or_status_t or_image_decode_pnm(const or_allocator_t *allocator, const void *bytes, size_t length, uint64_t max_pixels,
                                or_image_t *out);

/* For decoders: sets the extent, checked against `max_pixels`, and allocates `rgba`, zeroed. DATA_LOSS (no pixels),
 * OUT_OF_RANGE, RESOURCE_EXHAUSTED. */
or_status_t or_image_begin(const or_allocator_t *allocator, uint64_t width, uint64_t height, uint64_t max_pixels,
                           or_image_t *out);

#endif
