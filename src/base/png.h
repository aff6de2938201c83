#ifndef OR_BASE_PNG_H
#define OR_BASE_PNG_H
/* Pictures out: PNG (ISO/IEC 15948) without compression, so that it needs no library. */

#include "openruntime/status.h"

typedef struct or_png_picture_t {
  const uint8_t *data; /* rows from the top, packed */
  uint64_t width, height;
  unsigned channels; /* 1: grey; 3: red, green, blue */
} or_png_picture_t;
#define OR_PNG_MAX_EXTENT 65535u
/* The whole file, or none. OUT_OF_RANGE: an extent is 0 or beyond OR_PNG_MAX_EXTENT; RESOURCE_EXHAUSTED; statuses of
 * or_file_write. */
or_status_t or_png_write(const or_allocator_t *allocator, const char *path, const or_png_picture_t *picture);

#endif
