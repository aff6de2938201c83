#ifndef OR_MODEL_IMAGE_H
#define OR_MODEL_IMAGE_H
/* Pictures: from 8-bit samples (base/image.h) to the values that a model takes. docs/models.md has the steps; functions
   are pure, any thread. */

#include "base/image.h"

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

/* Writes width * height * channels floats of one picture, as `input` states them; width and height of `input` are set.
   RESOURCE_EXHAUSTED. */
or_status_t or_image_to_input(const or_allocator_t *allocator, const or_image_t *image, const or_image_input_t *input,
                              float *out);

#endif
