/* EmbeddingSum: a launch for each table; an index outside is found as it is used. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/embedding_sum.h"
#include "ops/shape.h"

/* How the indices of a table are reached from the places of the result. */
static bool read_places(const or_node_view_t *view, uint32_t table, or_cl_strides_t *out) {
  or_shape_t places = or_view_output(view, 0)->shape;
  if (!or_shape_is_static(&places) || places.rank < 1) return false;
  --places.rank;
  if (or_shape_product(&places, 0, places.rank) > INT32_MAX / 2) return false;
  const or_shape_t *indices = &or_view_input(view, 2 * table + 1)->shape;
  return or_cl_broadcast(&places, &indices, 1, out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  if (view->fused || view->call.op != &or_op_embedding_sum) return false;
  if (!or_cl_is_float(device, or_view_input(view, 0)->dtype)) return false;
  for (uint32_t i = 0; i < view->call.input_count / 2; ++i) {
    const or_shape_t *table = &or_view_input(view, 2 * i)->shape;
    or_cl_strides_t strides;
    if (!or_shape_is_static(table) || table->dims[0] > INT32_MAX || table->dims[1] > INT32_MAX / 2) return false;
    if (!read_places(view, i, &strides)) return false;
  }
  return true;
}

static or_status_t add_table(or_cl_build_t *build, const or_node_view_t *view, uint32_t table, or_slot_id_t y) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *rows = or_view_input(view, 2 * table), *out = or_view_output(view, 0);
  or_slot_id_t slots[2];
  or_status_t status = or_cl_build_read(build, view->core->inputs[2 * table], &slots[0]);
  if (or_ok(status)) status = or_cl_build_read(build, view->core->inputs[2 * table + 1], &slots[1]);
  if (!or_ok(status)) return status;
  or_cl_strides_t places;
  (void)read_places(view, table, &places); /* match has looked */
  size_t hidden = (size_t)rows->shape.dims[1];
  size_t place_count = (size_t)or_shape_product(&out->shape, 0, out->shape.rank - 1);
  uint32_t width = hidden < 4 ? 1 : or_cl_vector_width(device, rows->dtype);
  char options[96];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u%s", or_cl_type_name(device, rows->dtype), width,
                  table == 0 ? " -DFIRST" : "");
  const or_cl_argument_t arguments[] = {
      or_cl_slot(slots[0]),
      or_cl_slot(slots[1]),
      or_cl_slot(y),
      or_cl_bytes(&places, sizeof places),
      or_cl_int((int64_t)place_count),
      or_cl_int(rows->shape.dims[0]),
      or_cl_int((int64_t)hidden),
      or_cl_int(or_view_input(view, 2 * table + 1)->dtype == OR_INT64),
      or_cl_fault(),
  };
  or_cl_launch_t launch = {.source = "embedding", .entry = "embedding", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 3 * (double)or_view_bytes(out);
  or_cl_launch_rows(device, &launch, (hidden + width - 1) / width, place_count);
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  or_slot_id_t y;
  or_status_t status = or_cl_build_write(build, view->core->outputs[0], &y);
  or_cl_build_name(build, "embedding");
  for (uint32_t i = 0; or_ok(status) && i < view->call.input_count / 2; ++i) status = add_table(build, view, i, y);
  return status;
}

const or_cl_family_t or_cl_family_embedding = {.name = "embedding", .match = match, .prepare = prepare};
