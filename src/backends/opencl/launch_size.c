/* Sizes of launches that families share. */
#include "backends/opencl/families_internal.h"

static size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

/* A power of two that is no more than `limit` and not much more than `items`. */
static size_t group_of(size_t items, size_t limit) {
  size_t group = 1;
  while (group < items && group * 2 <= limit) group *= 2;
  return group;
}

void or_cl_launch_items(const or_cl_device_t *device, or_cl_launch_t *launch, size_t items) {
  or_cl_launch_rows(device, launch, items, 1);
}

void or_cl_launch_rows(const or_cl_device_t *device, or_cl_launch_t *launch, size_t items, size_t rows) {
  const or_cl_traits_t *traits = or_cl_device_traits(device);
  size_t limit = traits->is_cpu ? OR_CL_CPU_GROUP : OR_CL_GPU_GROUP;
  if (limit > traits->max_group) limit = traits->max_group;
  size_t along = group_of(items, limit < traits->max_items[0] ? limit : traits->max_items[0]);
  size_t across =
      rows == 1 ? 1 : group_of(rows, limit / along < traits->max_items[1] ? limit / along : traits->max_items[1]);
  launch->dimensions = rows == 1 ? 1 : 2;
  launch->global[0] = items == 0 ? 0 : round_up(items, along);
  launch->global[1] = rows == 0 ? 0 : round_up(rows, across);
  launch->local[0] = along;
  launch->local[1] = across;
  launch->any_group = true;
}
