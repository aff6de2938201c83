#ifndef OR_OPS_IMAGE_DECODER_H
#define OR_OPS_IMAGE_DECODER_H
/* ImageDecoder (ONNX ai.onnx 20): the bytes of a picture's file, uint8 [n], as uint8 [height,width,channels];
 * pixel_format RGB (the default), BGR or Grayscale (one channel, 0.299 R + 0.587 G + 0.114 B).
 *
 * PNG, JPEG, BMP and PNM; 16 bits become 8, alpha is left out. A file that is damaged or no picture gives
 * [0,0,channels], as the standard wants it. UNIMPLEMENTED: TIFF, WebP, JPEG 2000, compressed BMP, JPEG in CMYK, a build
 * without the library. OUT_OF_RANGE: more than OR_IMAGE_MAX_PIXELS. */

#include "ops/op.h"

extern const or_op_t or_op_image_decoder;

#endif
