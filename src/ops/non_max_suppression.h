#ifndef OR_OPS_NON_MAX_SUPPRESSION_H
#define OR_OPS_NON_MAX_SUPPRESSION_H
/* NonMaxSuppression (ONNX ai.onnx 10, 11): of boxes that overlap, those with the best scores, class by class.
 *
 * boxes: float32 [batches,n,4], two opposite corners y1 x1 y2 x2 in any order, or with center_point_box 1 the centre
 * and extents x y width height; scores: float32 [batches,classes,n]; max_output_boxes_per_class: int64, iou_threshold
 * and score_threshold: float32, one element each. Output: int64 [count,3], rows of batch, class and box; within a class
 * the better score comes first, of equal ones the lower index.
 *
 * A box is taken unless its intersection with one taken before is a greater part of their union than iou_threshold (the
 * quotient rounded to float32); at most max_output_boxes_per_class of a class (left out: none). Scores that are not
 * above score_threshold, where it is given, and NaN are never taken. Boxes without an area overlap nothing. */

#include "ops/op.h"

extern const or_op_t or_op_non_max_suppression;

#endif
