#ifndef OR_MODEL_IMAGE_H
#define OR_MODEL_IMAGE_H
/* Pictures: decoding, and from 8-bit samples to the values that a model takes. docs/models.md has the steps; functions
   are pure, any thread. */

#include "openruntime/status.h"

typedef enum or_image_channels_t { OR_IMAGE_RGB, OR_IMAGE_BGR, OR_IMAGE_GRAY } or_image_channels_t;
#define OR_IMAGE_MAX_CHANNELS 3

/* How an input takes pictures: model.json, inputs.NAME.image. */
typedef struct or_image_input_t {
  bool stated; /* false: this input takes no pictures */
  or_image_channels_t channels;
  int64_t width, height; /* pixels; 0: the input's own */
  bool channels_last;    /* NHWC */
  bool nearest, invert;
  double scale, mean[OR_IMAGE_MAX_CHANNELS], std[OR_IMAGE_MAX_CHANNELS];
} or_image_input_t;

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

/* Writes width * height * channels floats of one picture, as `input` states them; width and height of `input` are set.
   RESOURCE_EXHAUSTED. */
or_status_t or_image_to_input(const or_allocator_t *allocator, const or_image_t *image, const or_image_input_t *input,
                              float *out);

#endif
