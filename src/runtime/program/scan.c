/* Scan: a body for each slice of its tensors. Version 8 does so for each element of a batch. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/program/flow_internal.h"

typedef struct scan_t {
  or_flow_t flow;
  or_tensor_t **scanned; /* on the host, a reference each; in version 8 of one element of the batch */
  int64_t *axes;         /* per scanned tensor */
  int64_t length;        /* slices */
} scan_t;

static int64_t listed(const or_node_t *node, const char *name, uint32_t index) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    const or_attribute_t *attribute = &node->attributes[i];
    if (strcmp(attribute->name, name) == 0) return index < attribute->count ? attribute->integers[index] : 0;
  }
  return 0;
}

static bool batched(const or_node_t *node) { return node->version < 9; }

static bool is_reversed(const or_node_t *node, uint32_t index) {
  return listed(node, batched(node) ? "directions" : "scan_input_directions", index) != 0;
}

/* Without the dimension `axis`, whose extent is 1. */
static or_status_t drop_axis(or_tensor_t *tensor, int32_t axis, or_tensor_t **out) {
  or_shape_t shape = *or_tensor_shape(tensor);
  for (int32_t d = axis; d + 1 < shape.rank; ++d) shape.dims[d] = shape.dims[d + 1];
  --shape.rank;
  return or_host_reshaped(tensor, shape, out);
}

static or_status_t element(const or_program_t *program, or_tensor_t *tensor, int32_t axis, int64_t index,
                           or_tensor_t **out) {
  or_tensor_t *piece = NULL;
  or_status_t status = or_host_slice(program, tensor, axis, index, 1, &piece);
  if (or_ok(status)) status = drop_axis(piece, axis, out);
  or_tensor_release(piece);
  return status;
}

/* The axes, and that all have as many slices. */
static or_status_t measure(scan_t *scan) {
  const or_node_t *node = scan->flow.node;
  for (uint32_t i = 0; i < scan->flow.carried.scanned; ++i) {
    const or_shape_t *shape = or_tensor_shape(scan->scanned[i]);
    int64_t axis = batched(node) ? 0 : listed(node, "scan_input_axes", i);
    if (axis < -shape->rank || axis >= shape->rank)
      return or_error(OR_INVALID_ARGUMENT, "scan input %u has %d dimensions, and none of number %lld", i, shape->rank,
                      (long long)axis);
    if (axis < 0) axis += shape->rank;
    scan->axes[i] = axis;
    if (i == 0) scan->length = shape->dims[axis];
    if (shape->dims[axis] != scan->length)
      return or_error(OR_INVALID_ARGUMENT, "scan input %u has %lld slices, and the first has %lld", i,
                      (long long)shape->dims[axis], (long long)scan->length);
  }
  return or_status_success();
}

/* The iterations; what is carried lies in the body's first inputs before and after. */
static or_status_t iterate(scan_t *scan, int64_t length) {
  or_flow_t *flow = &scan->flow;
  const or_program_t *program = flow->frame->program;
  or_status_t status = or_status_success();
  for (int64_t t = 0; or_ok(status) && t < length; ++t) {
    status = or_flow_check(flow, (uint64_t)t);
    for (uint32_t i = 0; or_ok(status) && i < flow->carried.scanned; ++i) {
      or_tensor_t *slice = NULL;
      const int64_t index = is_reversed(flow->node, i) ? length - 1 - t : t;
      status = element(program, scan->scanned[i], (int32_t)scan->axes[i], index, &slice);
      if (or_ok(status)) status = or_flow_set_tensor(flow, (size_t)flow->carried.count + i, slice);
      or_tensor_release(slice);
    }
    if (or_ok(status)) status = or_flow_run(flow, (uint64_t)t);
    for (uint32_t i = 0; or_ok(status) && i < flow->carried.count; ++i) or_flow_set(flow, i, or_flow_take(flow, i));
    for (size_t i = flow->carried.count; or_ok(status) && i < flow->body->graph->output_count; ++i)
      status = or_flow_keep(flow, i);
  }
  return status;
}

static or_status_t begin(scan_t *scan, or_program_frame_t *frame, const or_step_t *step) {
  or_status_t status = or_flow_begin(&scan->flow, frame, step, 0);
  const size_t count = (size_t)scan->flow.carried.scanned + 1;
  if (or_ok(status))
    status = or_alloc_array(frame->program->allocator, count, sizeof(or_tensor_t *), (void **)&scan->scanned);
  if (or_ok(status)) status = or_alloc_array(frame->program->allocator, count, sizeof(int64_t), (void **)&scan->axes);
  return status;
}

static void let_go(scan_t *scan) {
  for (uint32_t i = 0; scan->scanned != NULL && i < scan->flow.carried.scanned; ++i) {
    or_tensor_release(scan->scanned[i]);
    scan->scanned[i] = NULL;
  }
}

static void end(scan_t *scan) {
  let_go(scan);
  or_free(scan->flow.frame->program->allocator, scan->scanned);
  or_free(scan->flow.frame->program->allocator, scan->axes);
  or_flow_end(&scan->flow);
}

static or_status_t input_tensor(const scan_t *scan, uint32_t index, or_tensor_t **out) {
  or_value_t *value = or_frame_value(scan->flow.frame, scan->flow.node->inputs[index]);
  or_tensor_t *tensor = value != NULL ? or_value_tensor(value) : NULL;
  if (tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "input %u is no tensor", index);
  return or_host_tensor(scan->flow.frame->program, tensor, out);
}

static or_status_t whole(scan_t *scan) {
  or_flow_t *flow = &scan->flow;
  const or_node_t *node = flow->node;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < flow->carried.count; ++i) {
    or_value_t *value = or_frame_value(flow->frame, node->inputs[flow->carried.first + i]);
    if (value == NULL) return or_error(OR_INVALID_ARGUMENT, "input %u is not there", flow->carried.first + i);
    or_value_retain(value);
    or_flow_set(flow, i, value);
  }
  for (uint32_t i = 0; or_ok(status) && i < flow->carried.scanned; ++i)
    status = input_tensor(scan, flow->carried.first + flow->carried.count + i, &scan->scanned[i]);
  if (or_ok(status)) status = measure(scan);
  if (or_ok(status)) status = iterate(scan, scan->length);
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) {
    or_tensor_t *stacked = NULL;
    if (i < flow->carried.count) {
      status = or_frame_put(flow->frame, node->outputs[i], flow->inputs[i]);
      flow->inputs[i] = NULL;
      continue;
    }
    const uint32_t k = i - flow->carried.count;
    const bool reverse = listed(node, "scan_output_directions", k) != 0;
    const int64_t axis = listed(node, "scan_output_axes", k);
    if (axis < -OR_MAX_RANK || axis >= OR_MAX_RANK)
      return or_error(OR_INVALID_ARGUMENT, "scan_output_axes has %lld", (long long)axis);
    status = or_flow_stack(flow, i, (int32_t)axis, reverse, &stacked);
    if (or_ok(status)) status = or_frame_put_tensor(flow->frame, node->outputs[i], stacked);
    or_tensor_release(stacked);
  }
  return status;
}

/* How many slices element `b` of the batch has; all of them where no lengths are given. */
static or_status_t batch_length(const scan_t *scan, int64_t b, int64_t *out) {
  or_tensor_t *lengths = NULL;
  *out = scan->length;
  if (scan->flow.node->inputs[0] == OR_NO_VALUE) return or_status_success();
  or_status_t status = input_tensor(scan, 0, &lengths);
  if (!or_ok(status)) return status;
  if (or_tensor_dtype(lengths) != OR_INT64 || (uint64_t)b >= or_tensor_count(lengths)) {
    status = or_error(OR_INVALID_ARGUMENT, "the lengths of the sequences are not int64, one for each of the batch");
  } else {
    memcpy(out, (const int64_t *)or_tensor_data(lengths) + b, sizeof *out);
    if (*out < 0 || *out > scan->length)
      status =
          or_error(OR_INVALID_ARGUMENT, "a sequence of %lld slices, of %lld", (long long)*out, (long long)scan->length);
  }
  or_tensor_release(lengths);
  return status;
}

/* Zeros behind a shorter sequence. */
static or_status_t pad(const scan_t *scan, or_tensor_t *tensor, or_tensor_t **out) {
  const or_program_t *program = scan->flow.frame->program;
  or_shape_t shape = *or_tensor_shape(tensor);
  or_tensor_t *zeros = NULL;
  shape.dims[0] = scan->length - shape.dims[0];
  or_status_t status = or_tensor_create(program->host, or_tensor_dtype(tensor), shape, &zeros);
  if (or_ok(status) && or_tensor_bytes(zeros) > 0)
    memset((void *)(uintptr_t)or_tensor_data(zeros), 0, or_tensor_bytes(zeros));
  or_tensor_t *const parts[2] = {tensor, zeros};
  if (or_ok(status)) status = or_host_concat(program, parts, 2, 0, false, out);
  or_tensor_release(zeros);
  return status;
}

/* One element of the batch; what it gives goes to results[output * batch + b]. */
static or_status_t one_of_batch(scan_t *scan, int64_t batch, int64_t b, or_tensor_t **results) {
  or_flow_t *flow = &scan->flow;
  const or_program_t *program = flow->frame->program;
  const or_node_t *node = flow->node;
  int64_t length = 0;
  or_status_t status = or_status_success();
  let_go(scan);
  for (uint32_t i = 0; or_ok(status) && i < flow->carried.count + flow->carried.scanned; ++i) {
    or_tensor_t *tensor = NULL, *own = NULL;
    status = input_tensor(scan, flow->carried.first + i, &tensor);
    if (or_ok(status) && (or_tensor_shape(tensor)->rank < 1 || or_tensor_shape(tensor)->dims[0] != batch))
      status =
          or_error(OR_INVALID_ARGUMENT, "input %u has no batch of %lld", flow->carried.first + i, (long long)batch);
    if (or_ok(status)) status = element(program, tensor, 0, b, &own);
    or_tensor_release(tensor);
    if (!or_ok(status)) break;
    if (i < flow->carried.count) {
      status = or_flow_set_tensor(flow, i, own);
      or_tensor_release(own);
    } else {
      scan->scanned[i - flow->carried.count] = own;
    }
  }
  if (or_ok(status)) status = measure(scan);
  if (or_ok(status)) status = batch_length(scan, b, &length);
  if (or_ok(status)) status = iterate(scan, length);
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) {
    or_tensor_t **result = &results[(size_t)i * (size_t)batch + (size_t)b], *stacked = NULL;
    if (i < flow->carried.count) {
      *result = or_value_tensor(flow->inputs[i]);
      if (*result == NULL) return or_error(OR_INVALID_ARGUMENT, "what is carried as number %u is no tensor", i);
      or_tensor_retain(*result);
      continue;
    }
    status = or_flow_stack(flow, i, 0, false, &stacked);
    if (or_ok(status) && length < scan->length && length > 0) {
      status = pad(scan, stacked, result);
      or_tensor_release(stacked);
    } else {
      *result = stacked;
    }
    or_flow_forget(flow, i);
  }
  return status;
}

static or_status_t whole_batch(scan_t *scan) {
  or_flow_t *flow = &scan->flow;
  const or_program_t *program = flow->frame->program;
  const or_node_t *node = flow->node;
  or_tensor_t *first = NULL, **results = NULL;
  if (flow->carried.count + flow->carried.scanned == 0) return or_error(OR_INVALID_ARGUMENT, "nothing is scanned");
  or_status_t status = input_tensor(scan, flow->carried.first, &first);
  if (!or_ok(status)) return status;
  const int64_t batch = or_tensor_shape(first)->rank > 0 ? or_tensor_shape(first)->dims[0] : 0;
  or_tensor_release(first);
  if (batch < 1) return or_error(OR_INVALID_ARGUMENT, "a batch of %lld", (long long)batch);
  size_t count = 0;
  if (!or_mul_size(node->output_count, (size_t)batch, &count))
    return or_error(OR_RESOURCE_EXHAUSTED, "a batch of %lld exceeds the address space", (long long)batch);
  status = or_alloc_array(program->allocator, count, sizeof *results, (void **)&results);
  for (int64_t b = 0; or_ok(status) && b < batch; ++b) status = one_of_batch(scan, batch, b, results);
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) {
    or_tensor_t *joined = NULL;
    status = or_host_concat(program, &results[(size_t)i * (size_t)batch], (size_t)batch, 0, true, &joined);
    if (or_ok(status)) status = or_frame_put_tensor(flow->frame, node->outputs[i], joined);
    or_tensor_release(joined);
  }
  for (size_t i = 0; results != NULL && i < count; ++i) or_tensor_release(results[i]);
  or_free(program->allocator, results);
  return status;
}

or_status_t or_step_scan(or_program_frame_t *frame, const or_step_t *step) {
  scan_t scan = {.length = 0};
  or_status_t status = begin(&scan, frame, step);
  if (or_ok(status)) status = batched(scan.flow.node) ? whole_batch(&scan) : whole(&scan);
  end(&scan);
  return status;
}
