#ifndef OR_OPS_SHAPE_H
#define OR_OPS_SHAPE_H
/* Shape arithmetic that operators and backends share. All functions are pure: any thread. */

#include "ops/op.h"

/* Multidirectional broadcasting (ONNX, Broadcasting.md), symbols kept where both sides agree or one is 1; an unknown
 * against a known extent > 1 gives the known one. INVALID_ARGUMENT names both shapes and the dimension. */
or_status_t or_shape_broadcast(const or_shape_t *a, const or_shape_t *b, or_shape_t *out);
/* Strides in elements of `shape` broadcast to `out` (0 along broadcast dimensions), aligned to out's rank. */
void or_shape_broadcast_strides(const or_shape_t *shape, const or_shape_t *out, int64_t strides[OR_MAX_RANK]);
/* -rank..rank-1 -> 0..rank-1; INVALID_ARGUMENT names axis and rank. */
or_status_t or_axis_normalize(int64_t axis, int32_t rank, int32_t *out);
/* Product of dims [begin, end) of a static shape. */
uint64_t or_shape_product(const or_shape_t *shape, int32_t begin, int32_t end);

/* Convolution and pooling windows over the spatial dimensions (those from 2 on), attributes kernel_shape, strides,
 * pads, dilations, auto_pad, ceil_mode with their defaults applied and checked. */
#define OR_MAX_SPATIAL (OR_MAX_RANK - 2)
typedef struct or_window_t {
  int32_t rank; /* spatial */
  int64_t kernel[OR_MAX_SPATIAL], stride[OR_MAX_SPATIAL], dilation[OR_MAX_SPATIAL];
  int64_t pad_begin[OR_MAX_SPATIAL], pad_end[OR_MAX_SPATIAL];
  int64_t in[OR_MAX_SPATIAL], out[OR_MAX_SPATIAL]; /* extents; unknown where the input's are */
} or_window_t;
/* A ceil_mode counts with auto_pad VALID too, as ONNX's shape inference has it and other runtimes do; its text knows no
 * difference there. `input`: [N,C,spatial…]; `kernel`: used where the attribute kernel_shape is absent (Conv: of the
 * weights), may be NULL. */
or_status_t or_window_make(const or_op_call_t *call, const or_shape_t *input, const int64_t *kernel, or_window_t *out);

/* Iterates a static shape: index[] counts up row-major; returns false after the last. Start with a zeroed index. */
bool or_index_next(const or_shape_t *shape, int64_t index[OR_MAX_RANK]);

/* Slice's normalised start, step and count per axis of the input (ONNX Slice 10+; 1 by attributes). Where the values of
 * starts, ends or steps are not known *known is false and the count of each axis that they slice is unknown (of every
 * axis, if the axes are not known). A count is a symbol where the whole of a symbolic extent is taken, else unknown for
 * one. Of a static input with *known every number is final. */
typedef struct or_slice_t {
  int64_t start[OR_MAX_RANK], step[OR_MAX_RANK], count[OR_MAX_RANK];
} or_slice_t;
or_status_t or_slice_make(const or_op_call_t *call, or_slice_t *out, bool *known);

/* Reductions: the axes reduced, from attribute or input (by version), keepdims and noop_with_empty_axes applied. */
typedef struct or_reduction_t {
  bool reduced[OR_MAX_RANK];
  bool keep;
  bool known; /* false: the axes are an input whose value is not known yet */
} or_reduction_t;
or_status_t or_reduction_make(const or_op_call_t *call, or_reduction_t *out);

#endif
