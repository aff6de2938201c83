#include "model/image.h"

#include <math.h>

#include "base/alloc.h"

/* Each plane is resized on its own, one axis after the other. */
typedef struct plane_t {
  const or_image_t *image;
  const or_image_input_t *input;
  float *samples; /* [image height, image width] of one channel */
  float *strip;   /* [image height, input width], or [input height, image width] where rows go first */
} plane_t;

static bool rows_first(const plane_t *plane);
static void extract_plane(const plane_t *plane, int channel);
static float resample(const float *samples, size_t stride, int64_t in, int64_t out, int64_t index, bool nearest);
static void write_plane(const plane_t *plane, int channel, float *out);

or_status_t or_image_to_input(const or_allocator_t *allocator, const or_image_t *image, const or_image_input_t *input,
                              float *out) {
  void *samples = NULL, *strip = NULL;
  plane_t plane = {.image = image, .input = input};
  size_t strip_width = rows_first(&plane) ? image->width : (size_t)input->width;
  size_t strip_height = rows_first(&plane) ? (size_t)input->height : image->height;
  or_status_t status = or_alloc_array(allocator, (size_t)image->width * image->height, sizeof(float), &samples);
  if (or_ok(status)) status = or_alloc_array(allocator, strip_height, strip_width * sizeof(float), &strip);
  if (or_ok(status)) {
    plane.samples = samples;
    plane.strip = strip;
    int channels = input->channels == OR_IMAGE_GRAY ? 1 : 3;
    for (int channel = 0; channel < channels; ++channel) {
      extract_plane(&plane, channel);
      write_plane(&plane, channel, out);
    }
  }
  or_free(allocator, strip);
  or_free(allocator, samples);
  return status;
}

/* The axis that grows goes last if the other one shrinks, so that the strip is never larger than picture and input: a
   picture of a million rows of one pixel takes no more memory than it has pixels. */
static bool rows_first(const plane_t *plane) {
  return plane->input->width > plane->image->width && plane->input->height < plane->image->height;
}

/* Alpha over the background, then the channel, then inversion. Luma weights: ITU-R BT.601. */
static void extract_plane(const plane_t *plane, int channel) {
  size_t count = (size_t)plane->image->width * plane->image->height;
  const float background = plane->input->invert ? 255.0f : 0.0f;
  const or_image_channels_t channels = plane->input->channels;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t *pixel = plane->image->rgba + 4 * i;
    float alpha = (float)pixel[3] / 255.0f, rgb[3];
    for (int c = 0; c < 3; ++c) rgb[c] = (float)pixel[c] * alpha + background * (1.0f - alpha);
    float value = channels == OR_IMAGE_GRAY  ? 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2]
                  : channels == OR_IMAGE_RGB ? rgb[channel]
                                             : rgb[2 - channel];
    plane->samples[i] = plane->input->invert ? 255.0f - value : value;
  }
}

static void write_plane(const plane_t *plane, int channel, float *out) {
  const or_image_input_t *input = plane->input;
  const int64_t width = plane->image->width, height = plane->image->height;
  const size_t pixels = (size_t)input->width * (size_t)input->height;
  const size_t channels = input->channels == OR_IMAGE_GRAY ? 1 : 3;
  const bool rows = rows_first(plane);
  const int64_t strip_width = rows ? width : input->width, strip_height = rows ? input->height : height;
  for (int64_t y = 0; y < strip_height; ++y) {
    for (int64_t x = 0; x < strip_width; ++x) {
      plane->strip[y * strip_width + x] =
          rows ? resample(plane->samples + x, (size_t)width, height, input->height, y, input->nearest)
               : resample(plane->samples + y * width, 1, width, input->width, x, input->nearest);
    }
  }
  for (int64_t y = 0; y < input->height; ++y) {
    for (int64_t x = 0; x < input->width; ++x) {
      float value = rows ? resample(plane->strip + y * strip_width, 1, width, input->width, x, input->nearest)
                         : resample(plane->strip + x, (size_t)strip_width, height, input->height, y, input->nearest);
      size_t pixel = (size_t)(y * input->width + x);
      size_t index = input->channels_last ? pixel * channels + (size_t)channel : (size_t)channel * pixels + pixel;
      out[index] = (float)(((double)value * input->scale - input->mean[channel]) / input->std[channel]);
    }
  }
}

/* One output of an axis. Bilinear: a triangle around the output's centre that widens when shrinking, so that thin
   strokes survive. */
static float resample(const float *samples, size_t stride, int64_t in, int64_t out, int64_t index, bool nearest) {
  if (in == out) return samples[(size_t)index * stride];
  double ratio = (double)in / (double)out, centre = ((double)index + 0.5) * ratio;
  if (nearest) {
    int64_t j = (int64_t)floor(centre);
    return samples[(size_t)(j < in ? j : in - 1) * stride];
  }
  double reach = ratio > 1.0 ? ratio : 1.0, sum = 0.0, weights = 0.0;
  int64_t first = (int64_t)floor(centre - reach - 0.5), last = (int64_t)ceil(centre + reach - 0.5);
  if (first < 0) first = 0;
  if (last > in - 1) last = in - 1;
  for (int64_t j = first; j <= last; ++j) {
    double weight = 1.0 - fabs((double)j + 0.5 - centre) / reach;
    if (weight <= 0.0) continue;
    sum += weight * (double)samples[(size_t)j * stride];
    weights += weight;
  }
  return (float)(sum / weights);
}
