/* A program's life after compile: runs, the report, the end. */
#include <assert.h>
#include <string.h>

#include "backends/cpu/program_internal.h"
#include "base/clock.h"

static or_status_t take_frame(or_cpu_program_t *program, or_cpu_frame_t **out);
static void give_frame(or_cpu_program_t *program, or_cpu_frame_t *frame);
static void free_frame(or_cpu_program_t *program, or_cpu_frame_t *frame);
static void find_slots(const or_cpu_program_t *program, const or_run_arguments_t *arguments, char *workspace,
                       void **slots);
static or_status_t run_steps(const or_cpu_program_t *program, const or_cpu_run_t *run, int64_t *node_ns);

or_status_t or_cpu_program_create(or_cpu_device_t *device, or_cpu_program_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_cpu_program_t), &memory);
  if (!or_ok(status)) return status;
  or_cpu_program_t *program = memory;
  program->device = device;
  or_mutex_init(&program->frames_mutex);
  *out = program;
  return status;
}

void or_cpu_program_release(void *self) {
  or_cpu_program_t *program = self;
  if (program == NULL) return;
  const or_allocator_t *allocator = program->device->allocator;
  while (program->frames != NULL) {
    or_cpu_frame_t *frame = program->frames;
    program->frames = frame->next;
    free_frame(program, frame);
  }
  for (size_t i = program->cleanup_count; i-- > 0;) program->cleanups[i].release(program->cleanups[i].self);
  or_mutex_deinit(&program->frames_mutex);
  or_lowered_deinit(&program->lowered);
  or_free(allocator, program->steps);
  or_free(allocator, program->cleanups);
  or_free(allocator, program->vendor);
  or_free(allocator, program);
}

void or_cpu_program_node(void *self, uint32_t index, or_executable_node_t *out) {
  const or_cpu_program_t *program = self;
  or_lowered_node(&program->lowered, index, out);
}

static void *stream_of(const or_cpu_queue_t *queue, const or_cpu_frame_t *frame) {
  if (queue != NULL) return queue->dnnl_stream;
  return frame != NULL ? frame->dnnl_stream : NULL;
}

or_status_t or_cpu_program_run(void *self, void *queue, const or_run_arguments_t *arguments) {
  or_cpu_program_t *program = self;
  or_cpu_queue_t *own = queue;
  or_cpu_frame_t *frame = NULL;
  const or_memory_range_t *range = &arguments->workspace;
  char *workspace = range->memory != NULL ? (char *)range->memory->host + range->offset : NULL;
  or_status_t status = take_frame(program, &frame);
  if (!or_ok(status)) return status;

  assert(workspace != NULL); /* the table of slots alone needs one */
  void **slots = (void **)(void *)workspace;
  find_slots(program, arguments, workspace, slots);
  or_cpu_run_t run = {
      .slots = slots,
      .device = program->device,
      .kernels = program->device->kernels,
      .team = own != NULL ? own->team : NULL,
      .dnnl_stream = stream_of(own, frame),
      .cancel = arguments->cancel,
      .vendor = frame != NULL ? frame->objects : NULL,
      .appended_bytes = arguments->appended_bytes,
  };
  const bool alone = own == NULL && frame != NULL;
  const int threads = alone ? or_vendor_alone_begin() : 0;
  status = run_steps(program, &run, arguments->node_ns);
  if (alone) or_vendor_alone_end(threads);
  give_frame(program, frame);
  return status;
}

static char *address_of(const or_memory_range_t *range) {
  return range->memory != NULL && range->memory->host != NULL ? (char *)range->memory->host + range->offset : NULL;
}

static void find_slots(const or_cpu_program_t *program, const or_run_arguments_t *arguments, char *workspace,
                       void **slots) {
  for (size_t i = 0; i < program->lowered.slot_count; ++i) {
    const or_slot_t *slot = &program->lowered.slots[i];
    char *base = NULL;
    switch (slot->place) {
    case OR_PLACE_NONE: break;
    case OR_PLACE_INPUT: base = address_of(&arguments->inputs[slot->index]); break;
    case OR_PLACE_OUTPUT: base = address_of(&arguments->outputs[slot->index]); break;
    case OR_PLACE_CONSTANT: base = (char *)(uintptr_t)slot->host; break; /* steps only read it */
    case OR_PLACE_WORKSPACE: base = workspace + slot->offset; break;
    case OR_PLACE_ALIAS: base = slots[slot->index] != NULL ? (char *)slots[slot->index] + slot->offset : NULL; break;
    }
    slots[i] = base;
  }
}

static or_status_t run_steps(const or_cpu_program_t *program, const or_cpu_run_t *run, int64_t *node_ns) {
  if (node_ns != NULL) memset(node_ns, 0, program->lowered.node_count * sizeof *node_ns);
  int64_t before = node_ns != NULL ? or_clock_ns() : 0;
  for (size_t i = 0; i < program->step_count; ++i) {
    const or_cpu_step_t *step = &program->steps[i];
    if (or_cancel_requested(run->cancel)) return or_cancel_status(run->cancel);
    or_status_t status = step->run(step, run);
    if (!or_ok(status)) {
      bool cancelled = or_status_code(status) == OR_CANCELLED || or_status_code(status) == OR_DEADLINE_EXCEEDED;
      return cancelled ? status : or_status_context(status, "node \"%s\"", program->lowered.names[step->node]);
    }
    if (node_ns != NULL && step->node < program->lowered.node_count) {
      int64_t now = or_clock_ns();
      node_ns[step->node] += now - before;
      before = now;
    }
  }
  return or_status_success();
}

static or_status_t new_frame(or_cpu_program_t *program, or_cpu_frame_t **out) {
  void *memory = NULL;
  size_t count = program->vendor_count;
  or_status_t status =
      or_alloc_zeroed(program->device->allocator, sizeof(or_cpu_frame_t) + count * sizeof(void *), &memory);
  if (!or_ok(status)) return status;
  or_cpu_frame_t *frame = memory;
  frame->objects = (void **)(void *)(frame + 1);
  if (!program->needs_queue) status = or_dnnl_stream_create(program->device->dnnl, &frame->dnnl_stream);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    status = program->vendor[i].create(program->vendor[i].self, &frame->objects[i]);
  }
  if (or_ok(status)) {
    *out = frame;
  } else {
    free_frame(program, frame);
  }
  return status;
}

static void free_frame(or_cpu_program_t *program, or_cpu_frame_t *frame) {
  for (size_t i = 0; i < program->vendor_count; ++i) {
    if (frame->objects[i] != NULL) program->vendor[i].destroy(frame->objects[i]);
  }
  if (frame->dnnl_stream != NULL) or_dnnl_stream_destroy(program->device->dnnl, frame->dnnl_stream);
  or_free(program->device->allocator, frame);
}

/* A frame is made when more runs are in flight than ever before; compile makes the first, so that one queue's runs
 * allocate nothing. */
static or_status_t take_frame(or_cpu_program_t *program, or_cpu_frame_t **out) {
  *out = NULL;
  if (program->vendor_count == 0) return or_status_success();
  or_mutex_lock(&program->frames_mutex);
  or_cpu_frame_t *frame = program->frames;
  if (frame != NULL) program->frames = frame->next;
  or_mutex_unlock(&program->frames_mutex);
  if (frame == NULL) return new_frame(program, out);
  *out = frame;
  return or_status_success();
}

static void give_frame(or_cpu_program_t *program, or_cpu_frame_t *frame) {
  if (frame == NULL) return;
  or_mutex_lock(&program->frames_mutex);
  frame->next = program->frames;
  program->frames = frame;
  or_mutex_unlock(&program->frames_mutex);
}

or_status_t or_cpu_program_first_frame(or_cpu_program_t *program) {
  or_cpu_frame_t *frame = NULL;
  or_status_t status = take_frame(program, &frame);
  if (or_ok(status)) give_frame(program, frame);
  return status;
}
