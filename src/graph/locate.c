/* Where values between segments lie: in an arena per device, room shared by lifetimes counted in segments. */
#include "graph/plan_internal.h"
#include "hal/memory_plan.h"

static or_status_t begin(or_plan_t *plan);
static or_status_t locate_outputs(or_plan_t *plan);
static or_status_t walk_segment(or_plan_t *plan, uint32_t s);
static void meet_input(or_plan_t *plan, or_segment_t *segment, uint32_t index);
static void cross(or_plan_t *plan, uint32_t s, or_value_id_t value);
static void live_until(or_plan_t *plan, uint32_t device, or_value_id_t value, uint32_t s);
static or_status_t lay_out_arena(or_plan_t *plan, uint32_t device);
static or_status_t measure(or_plan_t *plan, or_value_id_t value);

or_status_t or_plan_locate_values(or_plan_t *plan) {
  or_status_t status = begin(plan);
  if (or_ok(status)) status = locate_outputs(plan);
  for (uint32_t s = 0; or_ok(status) && s < plan->segment_count; ++s) status = walk_segment(plan, s);
  for (uint32_t d = 0; or_ok(status) && d < plan->device_count; ++d) status = lay_out_arena(plan, d);
  return status;
}

static or_status_t begin(or_plan_t *plan) {
  const or_graph_t *graph = plan->graph;
  void *outputs = NULL, *bytes = NULL;
  or_status_t status = or_arena_array(&plan->arena, graph->output_count, sizeof(or_plan_output_t), &outputs);
  if (or_ok(status)) status = or_arena_array(&plan->arena, graph->value_count, sizeof(size_t), &bytes);
  plan->outputs = outputs;
  plan->value_bytes = bytes;
  for (uint32_t d = 0; or_ok(status) && d < plan->device_count; ++d) {
    void *places = NULL, *used = NULL;
    status = or_arena_array(&plan->arena, graph->value_count, sizeof(or_place_t), &places);
    if (or_ok(status)) status = or_arena_array(&plan->arena, graph->input_count, sizeof(bool), &used);
    plan->places[d] = places;
    plan->input_used[d] = used;
  }
  for (size_t i = 0; or_ok(status) && i < graph->input_count; ++i) {
    if (graph->values[graph->inputs[i]].constant != NULL) continue;
    status = measure(plan, graph->inputs[i]);
    for (uint32_t d = 0; d < plan->device_count; ++d) {
      plan->places[d][graph->inputs[i]] = (or_place_t){.kind = OR_PLACE_INPUT, .index = i};
    }
  }
  return status;
}

/* What each output of the graph is. Those that segments produce get their place when the walk comes to the segment. */
static or_status_t locate_outputs(or_plan_t *plan) {
  const or_graph_t *graph = plan->graph;
  void *memory = NULL;
  or_status_t status = or_alloc_array(plan->allocator, graph->value_count, sizeof(uint32_t), &memory);
  uint32_t *first = memory; /* the output that a value is first given out as, + 1 */
  for (uint32_t i = 0; or_ok(status) && i < graph->output_count; ++i) {
    or_value_id_t v = graph->outputs[i];
    or_plan_output_t *output = &plan->outputs[i];
    *output = (or_plan_output_t){.kind = OR_OUTPUT_PRODUCED, .value = v, .source = i};
    status = measure(plan, v);
    output->bytes = plan->value_bytes[v];
    if (graph->values[v].constant != NULL) {
      output->kind = OR_OUTPUT_CONSTANT;
    } else if (plan->places[0][v].kind == OR_PLACE_INPUT) {
      output->kind = OR_OUTPUT_INPUT;
      output->source = (uint32_t)plan->places[0][v].index;
    } else if (first[v] != 0) {
      output->kind = OR_OUTPUT_SAME;
      output->source = first[v] - 1;
    } else {
      first[v] = i + 1;
    }
  }
  for (uint32_t s = 0; or_ok(status) && s < plan->segment_count; ++s) {
    const or_segment_t *segment = &plan->segments[s];
    for (uint32_t i = 0; i < segment->output_count; ++i) {
      or_value_id_t v = segment->outputs[i];
      if (first[v] == 0) continue;
      plan->places[segment->device][v] =
          (or_place_t){.kind = OR_PLACE_OUTPUT, .index = first[v] - 1, .first = s, .last = s};
      plan->outputs[first[v] - 1].device = segment->device;
    }
  }
  or_free(plan->allocator, memory);
  return status;
}

static or_status_t walk_segment(or_plan_t *plan, uint32_t s) {
  or_segment_t *segment = &plan->segments[s];
  void *crossings = NULL, *arrivals = NULL;
  or_status_t status = or_arena_array(&plan->arena, segment->input_count, sizeof(or_value_id_t), &crossings);
  if (or_ok(status)) status = or_arena_array(&plan->arena, segment->input_count, sizeof(uint32_t), &arrivals);
  segment->crossings = crossings;
  segment->arrivals = arrivals;
  or_place_t *here = plan->places[segment->device];
  for (uint32_t i = 0; or_ok(status) && i < segment->input_count; ++i) {
    or_value_id_t v = segment->inputs[i];
    if (here[v].kind == OR_PLACE_INPUT) {
      meet_input(plan, segment, (uint32_t)here[v].index);
    } else if (here[v].kind == OR_PLACE_NONE) {
      cross(plan, s, v);
    } else {
      live_until(plan, segment->device, v, s);
    }
  }
  for (uint32_t i = 0; or_ok(status) && i < segment->output_count; ++i) {
    or_value_id_t v = segment->outputs[i];
    status = measure(plan, v);
    if (here[v].kind == OR_PLACE_NONE) here[v] = (or_place_t){.kind = OR_PLACE_ARENA, .first = s, .last = s};
  }
  segment->first_row = plan->row_count;
  plan->row_count += segment->crossing_count + segment->node_count;
  return status;
}

static void meet_input(or_plan_t *plan, or_segment_t *segment, uint32_t index) {
  if (plan->input_used[segment->device][index]) return;
  plan->input_used[segment->device][index] = true;
  segment->arrivals[segment->arrival_count++] = index;
}

/* The first segment of this device that reads a value of the other has it copied; it stays for those that follow. In
 * memory that both reach it is in one place from the first on. */
static void cross(or_plan_t *plan, uint32_t s, or_value_id_t value) {
  or_segment_t *segment = &plan->segments[s];
  or_place_t *here = &plan->places[segment->device][value], *there = &plan->places[1 - segment->device][value];
  segment->crossings[segment->crossing_count++] = value;
  *here = (or_place_t){.kind = OR_PLACE_ARENA, .first = s, .last = s};
  if (plan->shared < OR_PLAN_DEVICES && there->kind == OR_PLACE_ARENA) {
    here->first = there->first;
    *(plan->shared == segment->device ? there : here) = (or_place_t){.kind = OR_PLACE_VIEW};
    plan->has_views = true;
  }
  live_until(plan, 1 - segment->device, value, s);
}

static void live_until(or_plan_t *plan, uint32_t device, or_value_id_t value, uint32_t s) {
  const bool view = plan->places[device][value].kind == OR_PLACE_VIEW;
  plan->places[view ? plan->shared : device][value].last = s;
}

bool or_plan_shares(const or_plan_t *plan, or_value_id_t value) {
  return plan->places[0][value].kind == OR_PLACE_VIEW || plan->places[1][value].kind == OR_PLACE_VIEW;
}

static or_status_t lay_out_arena(or_plan_t *plan, uint32_t device) {
  or_place_t *places = plan->places[device];
  size_t count = 0;
  void *memory = NULL;
  for (size_t v = 0; v < plan->graph->value_count; ++v) count += places[v].kind == OR_PLACE_ARENA;
  or_status_t status = or_alloc_array(plan->allocator, count, sizeof(or_lifetime_t), &memory);
  if (!or_ok(status)) return status;
  or_lifetime_t *lives = memory;
  size_t next = 0;
  for (size_t v = 0; v < plan->graph->value_count; ++v) {
    if (places[v].kind != OR_PLACE_ARENA) continue;
    size_t bytes = plan->value_bytes[v] > 0 ? plan->value_bytes[v] : 1; /* so that it has an address */
    lives[next++] = (or_lifetime_t){.bytes = bytes, .first = places[v].first, .last = places[v].last};
    if (!or_add_size(plan->arena_bytes_unplanned, bytes, &plan->arena_bytes_unplanned))
      plan->arena_bytes_unplanned = SIZE_MAX;
  }
  status = or_memory_plan(plan->allocator, lives, count, OR_DEFAULT_ALIGNMENT, &plan->devices[device].arena_bytes);
  next = 0;
  for (size_t v = 0; or_ok(status) && v < plan->graph->value_count; ++v) {
    if (places[v].kind == OR_PLACE_ARENA) places[v].index = lives[next++].offset;
  }
  or_free(plan->allocator, memory);
  return status;
}

static or_status_t measure(or_plan_t *plan, or_value_id_t value) {
  const or_value_info_t *info = &plan->graph->values[value];
  uint64_t count = 0;
  char text[200];
  size_t bytes = or_shape_count(&info->shape, &count) ? or_dtype_bytes(info->dtype, count) : SIZE_MAX;
  if (bytes == SIZE_MAX || info->dtype == OR_STRING) {
    return or_error(OR_UNIMPLEMENTED,
                    "value \"%s\": %s %s can't pass through a plan, which takes numbers of static shape", info->name,
                    or_dtype_name(info->dtype), or_shape_format(&info->shape, text, sizeof text));
  }
  plan->value_bytes[value] = bytes;
  return or_status_success();
}
