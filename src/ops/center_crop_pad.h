#ifndef OR_OPS_CENTER_CROP_PAD_H
#define OR_OPS_CENTER_CROP_PAD_H
/* CenterCropPad (ONNX ai.onnx 18): the middle of a tensor where it is larger than asked for, zeros (empty text)
 * around it where it is smaller; of an odd difference the smaller half comes first.
 *
 * input_data: any dtype of fixed width, or text; shape: int32 or int64, the extents along the attribute `axes`, along
 * all of them where it is left out. */

#include "ops/op.h"

extern const or_op_t or_op_center_crop_pad;

#endif
