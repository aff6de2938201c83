#ifndef OR_OPS_RESIZE_TAPS_H
#define OR_OPS_RESIZE_TAPS_H
/* What a Resize is asked for, and where each element of its output comes from. */

#include "ops/resize.h"

typedef enum or_resize_mode_t { OR_RESIZE_NEAREST, OR_RESIZE_LINEAR, OR_RESIZE_CUBIC } or_resize_mode_t;
typedef enum or_resize_coordinates_t {
  OR_RESIZE_HALF_PIXEL,
  OR_RESIZE_HALF_PIXEL_SYMMETRIC,
  OR_RESIZE_PYTORCH_HALF_PIXEL,
  OR_RESIZE_ALIGN_CORNERS,
  OR_RESIZE_ASYMMETRIC,
  OR_RESIZE_TF_HALF_PIXEL,
  OR_RESIZE_TF_CROP,
} or_resize_coordinates_t;
typedef enum or_resize_rounding_t {
  OR_RESIZE_PREFER_FLOOR,
  OR_RESIZE_PREFER_CEIL,
  OR_RESIZE_FLOOR,
  OR_RESIZE_CEIL,
  OR_RESIZE_SIMPLE, /* of Upsample: floor, ceil where the axis shrinks */
} or_resize_rounding_t;

typedef struct or_resize_axis_t {
  int64_t in, out;   /* extents; negative: not known */
  double scale;      /* to / from, */
  double from, to;   /* which the input says: extents, or 1 and a scale; quotients of them are rounded once */
  double start, end; /* of the region of interest, in parts of the extent */
} or_resize_axis_t;

typedef struct or_resize_t {
  or_resize_mode_t mode;
  or_resize_coordinates_t coordinates;
  or_resize_rounding_t rounding;
  bool antialias, exclude_outside;
  double cubic, extrapolation;
  bool known; /* every extent of the output that can be known is */
  int32_t rank;
  or_resize_axis_t axes[OR_MAX_RANK];
} or_resize_t;

/* Reads attributes and inputs. The rank of X is known. INVALID_ARGUMENT, OUT_OF_RANGE (extents). */
or_status_t or_resize_make(const or_op_call_t *call, or_resize_t *out);

/* True if the axis stays as it is. */
bool or_resize_is_identity(const or_resize_t *resize, int32_t axis);

/* Elements of the input that one element of the output is the weighted sum of: `first`, `first` + 1, …, each moved to
 * the nearest end where it lies outside. */
typedef struct or_taps_t {
  int64_t first;
  size_t count;
  const double *weights;
  bool outside; /* the extrapolation value instead */
} or_taps_t;
/* The most taps an axis needs. */
size_t or_resize_tap_count(const or_resize_t *resize, int32_t axis);
/* Of position `at` of the output along an axis; `weights` has room for or_resize_tap_count. */
void or_resize_taps(const or_resize_t *resize, int32_t axis, int64_t at, double *weights, or_taps_t *out);

or_status_t or_resize_reference(or_op_call_t *call);

#endif
