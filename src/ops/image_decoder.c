#include "ops/image_decoder.h"

#include "base/image.h"
#include "openruntime/model.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t image_decoder_infer(or_op_call_t *call);
static or_cost_t image_decoder_cost(const or_op_call_t *call);
static or_status_t image_decoder_reference(or_op_call_t *call);

const or_op_t or_op_image_decoder = {
    .domain = "",
    .name = "ImageDecoder",
    .summary = "the pixels of a picture's file",
    .since = {20},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_UINT8),
    .value_inputs = 1u << 0,
    .attributes = {{"pixel_format", OR_ATTRIBUTE_STRING, false}},
    .infer = image_decoder_infer,
    .cost = image_decoder_cost,
    .reference = image_decoder_reference,
};

typedef enum pixels_t { PIXELS_RGB, PIXELS_BGR, PIXELS_GRAY } pixels_t;

static or_status_t read_pixels(const or_op_call_t *call, pixels_t *out) {
  static const char *const names[] = {"RGB", "BGR", "Grayscale"};
  for (int i = 0; i < 3; ++i) {
    *out = (pixels_t)i;
    if (or_op_attribute_is(call, "pixel_format", names[i], "RGB")) return or_status_success();
  }
  const or_attribute_t *attribute = or_op_attribute(call, "pixel_format");
  return or_error(OR_INVALID_ARGUMENT, "attribute \"pixel_format\" is \"%.*s\"; it must be RGB, BGR or Grayscale",
                  (int)attribute->string.length, attribute->string.data);
}

/* What is no picture has no pixels. The caller frees `rgba`. */
static or_status_t decode(const or_op_call_t *call, or_image_t *out) {
  const or_op_tensor_t *x = &call->inputs[0];
  size_t length = (size_t)x->shape.dims[0];
  or_image_format_t format = or_image_format(x->data, length);
  or_status_t status = or_status_success();
  *out = (or_image_t){0};
  switch (format) {
  case OR_IMAGE_UNKNOWN: break;
  case OR_IMAGE_PNG:
  case OR_IMAGE_JPEG: status = or_image_decode(call->allocator, x->data, length, OR_IMAGE_MAX_PIXELS, out); break;
  case OR_IMAGE_BMP: status = or_image_decode_bmp(call->allocator, x->data, length, OR_IMAGE_MAX_PIXELS, out); break;
  case OR_IMAGE_PNM: status = or_image_decode_pnm(call->allocator, x->data, length, OR_IMAGE_MAX_PIXELS, out); break;
  case OR_IMAGE_TIFF:
  case OR_IMAGE_WEBP:
  case OR_IMAGE_JPEG2000:
    status = or_error(OR_UNIMPLEMENTED, "the picture is %s; PNG, JPEG, BMP and PNM are decoded",
                      or_image_format_name(format));
    break;
  }
  if (or_status_code(status) != OR_DATA_LOSS) return status;
  or_status_ignore(status); /* a damaged picture is an empty one */
  *out = (or_image_t){0};
  return or_status_success();
}

static or_status_t image_decoder_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  or_shape_t *out = &call->outputs[0].shape;
  pixels_t pixels = PIXELS_RGB;
  or_image_t image;
  call->outputs[0].dtype = OR_UINT8;
  or_status_t status = read_pixels(call, &pixels);
  if (or_ok(status)) status = or_infer_check_rank(call, 0, 1);
  if (or_ok(status)) status = or_shape_unknown(3, out);
  if (!or_ok(status)) return status;
  out->dims[2] = pixels == PIXELS_GRAY ? 1 : 3;
  if (!or_shape_is_static(&x->shape) || (x->data == NULL && x->shape.dims[0] > 0)) return status;
  status = decode(call, &image);
  out->dims[0] = image.height;
  out->dims[1] = image.width;
  or_free(call->allocator, image.rgba);
  return status;
}

static or_cost_t image_decoder_cost(const or_op_call_t *call) { return or_cost_per_output(call, 0); }

static or_status_t image_decoder_reference(or_op_call_t *call) {
  const or_op_tensor_t *y = &call->outputs[0];
  uint8_t *to = y->data;
  pixels_t pixels = PIXELS_RGB;
  or_image_t image;
  or_status_t status = read_pixels(call, &pixels);
  if (or_ok(status)) status = decode(call, &image);
  if (!or_ok(status)) return status;
  if (image.height != y->shape.dims[0] || image.width != y->shape.dims[1])
    status = or_error(OR_INVALID_ARGUMENT, "the picture is %u x %u pixels, not of the shape that was inferred",
                      image.width, image.height);
  const uint8_t *from = image.rgba;
  for (size_t i = 0; or_ok(status) && i < (size_t)image.width * image.height; ++i, from += 4) {
    if (pixels == PIXELS_GRAY) { /* in parts of 65536 */
      *to++ = (uint8_t)((from[0] * 19595u + from[1] * 38470u + from[2] * 7471u + 32768u) >> 16);
      continue;
    }
    *to++ = from[pixels == PIXELS_RGB ? 0 : 2];
    *to++ = from[1];
    *to++ = from[pixels == PIXELS_RGB ? 2 : 0];
  }
  or_free(call->allocator, image.rgba);
  return status;
}
