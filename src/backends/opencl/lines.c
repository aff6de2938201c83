/* Lines of numbers that become one: how many work items share one, and how they are launched. */
#include "backends/opencl/families_internal.h"

#define MIN_LANES 32u
#define MAX_LANES 256u
#define GROUPS_A_UNIT 4u /* on CPUs: so many groups at least for each unit, that all have work to the end */

bool or_cl_lines_fit(const or_cl_lines_t *lines) {
  return lines->outer <= OR_CL_MOST_COUNTED && lines->n <= INT32_MAX / 2 && lines->columns <= OR_CL_MOST_COUNTED;
}

or_cl_line_form_t or_cl_line_form(const or_cl_device_t *device, const or_cl_lines_t *lines, or_dtype_t dtype) {
  const or_cl_traits_t *traits = or_cl_device_traits(device);
  or_cl_line_form_t form = {.width = or_cl_vector_width(device, dtype), .lanes = 1};
  if (lines->columns == 1) {
    if (lines->n < form.width) form.width = 1;
    if (!traits->is_cpu && traits->max_group >= MIN_LANES && traits->max_items[0] >= MIN_LANES) {
      form.lanes = MIN_LANES;
      while (form.lanes < MAX_LANES && form.lanes * 4 < lines->n && form.lanes * 2 <= traits->max_group &&
             form.lanes * 2 <= traits->max_items[0])
        form.lanes *= 2;
    }
  } else {
    while (form.width > 1 && lines->columns % form.width != 0) form.width /= 2;
  }
  form.local_bytes = form.lanes * sizeof(double);
  return form;
}

void or_cl_launch_lines(const or_cl_device_t *device, const or_cl_lines_t *lines, const or_cl_line_form_t *form,
                        or_cl_launch_t *launch) {
  if (lines->columns > 1) {
    or_cl_launch_rows(device, launch, (size_t)lines->columns / form->width, (size_t)lines->outer);
    return;
  }
  size_t rows = (size_t)lines->outer, across = 1;
  if (form->lanes == 1) {
    size_t groups = GROUPS_A_UNIT * (size_t)or_cl_device_traits(device)->compute_units;
    while (across < OR_CL_CPU_GROUP && across * 2 * groups <= rows) across *= 2;
  }
  launch->dimensions = 2;
  launch->global[0] = launch->local[0] = form->lanes;
  launch->global[1] = (rows + across - 1) / across * across;
  launch->local[1] = across;
  launch->any_group = form->lanes == 1;
}
