#ifndef OR_BACKENDS_OPENCL_FAMILIES_INTERNAL_H
#define OR_BACKENDS_OPENCL_FAMILIES_INTERNAL_H
/* What only the families share. All functions are pure: any thread. */

#include "backends/opencl/program_internal.h"

/* --- Types as macro values --- */

/* The unsigned integer of a dtype's width, for arithmetic that wraps; NULL for all but integers. */
const char *or_cl_unsigned_name(or_dtype_t dtype);
/* A type of the same width for what only moves elements; NULL for strings and elements that are no whole bytes. */
const char *or_cl_bytes_name(or_dtype_t dtype);
/* A floating-point type that kernels compute with here. */
bool or_cl_is_float(const or_cl_device_t *device, or_dtype_t dtype);
/* Neighbours that one work item of an elementwise kernel does: -DW=…. */
uint32_t or_cl_vector_width(const or_cl_device_t *device, or_dtype_t dtype);

/* The most that a kernel's int counts: work items go up to a group of vectors beyond it before they look whether they
 * have anything to do. */
#define OR_CL_MOST_COUNTED (INT32_MAX - 4096)

/* --- Strides --- */

/* How up to three operands are reached along the dimensions of a result, in elements; 0 where one is broadcast. */
typedef struct or_cl_layout_t {
  int32_t rank;
  uint32_t operands;
  int64_t dims[2 * OR_MAX_RANK];
  int64_t strides[3][2 * OR_MAX_RANK];
} or_cl_layout_t;
/* With dimensions joined that can be. False: more than OR_CL_MAX_RANK are left, or an extent, a stride or the number of
 * rows is more than kernels count by an int. */
bool or_cl_layout_join(const or_cl_layout_t *layout, or_cl_strides_t *out);
/* The same of `count` (1..3) operands that are broadcast to `out`. False also for symbolic shapes. */
bool or_cl_broadcast(const or_shape_t *out, const or_shape_t *const *operands, uint32_t count, or_cl_strides_t *joined);
/* Takes the last dimension off: its extent, and in steps[] how far each operand moves along it. What is left are the
 * rows. */
int32_t or_cl_split_rows(or_cl_strides_t *strides, int32_t steps[3]);

/* Strides of a dense tensor. */
void or_cl_dense_strides(const or_shape_t *shape, int64_t *strides);

/* --- Elements that move --- */

/* Elements from one place to another, along any dimensions. */
typedef struct or_cl_move_t {
  or_slot_id_t x, y;
  int64_t x_first, y_first; /* elements before the first one that moves */
  or_dtype_t dtype;         /* one that or_cl_bytes_name knows */
  or_cl_layout_t layout;    /* operand 0 is y, operand 1 is x; strides of x may be negative or 0 */
} or_cl_move_t;
/* Whether kernels can do it. */
bool or_cl_move_fits(const or_cl_move_t *copy);
or_status_t or_cl_move(or_cl_build_t *build, const or_cl_move_t *copy);
/* The first output is the first input as it lies: shared, or copied where that can't be. Names the kernel. */
or_status_t or_cl_same(or_cl_build_t *build, const or_node_view_t *view);

/* --- Launch sizes --- */

#define OR_CL_CPU_GROUP 64u
#define OR_CL_GPU_GROUP 256u
/* Fills dimensions, global and local: so many work items and some more, which the kernel turns away; in rows: along
 * dimension 0, rows along dimension 1. For kernels that know no group. */
void or_cl_launch_items(const or_cl_device_t *device, or_cl_launch_t *launch, size_t items);
void or_cl_launch_rows(const or_cl_device_t *device, or_cl_launch_t *launch, size_t items, size_t rows);

/* --- Lines of numbers that become one --- */

/* A tensor seen as [outer, n, columns], with lines along n: rows where columns == 1. */
typedef struct or_cl_lines_t {
  uint64_t outer, n, columns;
} or_cl_lines_t;

/* How a device does them: the macros of kernels/common.cl, and local memory for one number a lane. */
typedef struct or_cl_line_form_t {
  uint32_t width, lanes;
  size_t local_bytes;
} or_cl_line_form_t;
/* Whether kernels can count them. */
bool or_cl_lines_fit(const or_cl_lines_t *lines);
or_cl_line_form_t or_cl_line_form(const or_cl_device_t *device, const or_cl_lines_t *lines, or_dtype_t dtype);
/* Fills dimensions, global and local of a launch over rows, or over columns. */
void or_cl_launch_lines(const or_cl_device_t *device, const or_cl_lines_t *lines, const or_cl_line_form_t *form,
                        or_cl_launch_t *launch);

#endif
