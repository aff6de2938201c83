#ifndef OR_OPS_ROI_POOL_H
#define OR_OPS_ROI_POOL_H
/* Pools of regions: X [N,C,H,W] -> Y [regions,C,h,w] of the same dtype, float16 bfloat16 float32 float64. A region is
 * cut into h x w bins.
 *
 * MaxRoiPool (ONNX ai.onnx 1, 22): rois [regions,5] of X's dtype are image, x1, y1, x2, y2, both ends inside, times
 * spatial_scale rounded to whole elements (halves away from 0). A bin's maximum, over its elements in X; 0 where there
 * is none. Attributes pooled_shape (h, w), spatial_scale (1).
 *
 * RoiAlign (10, 16, 22): rois [regions,4] of X's dtype are x1, y1, x2, y2, times spatial_scale; batch_indices int64
 * [regions] says of which image. From 16 on half an element is taken off each (coordinate_transformation_mode
 * half_pixel, the default); with output_half_pixel, and before 16, not, and a region is at least 1 x 1. In a bin
 * sampling_ratio points a side, or as many as the bin has elements a side (0), are interpolated from the four elements
 * around them; those more than one element outside X are 0. `mode` avg (the default) is their mean, 0 without any; max
 * takes the largest of their four weighted elements, as ONNX's own case and other runtimes do. Coordinates are computed
 * in float, or double for float64: how many points there are hangs on roundings. */

#include "ops/op.h"

extern const or_op_t or_op_max_roi_pool, or_op_roi_align;

#endif
