/* Runs of a session whose graph is a program. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "hal/buffer.h"
#include "hal/tensor.h"
#include "runtime/program/program.h"

static or_status_t take_inputs(or_run_t *run);
static or_status_t keep_output(or_run_t *run, size_t index);
static or_status_t keep_tensor(or_run_t *run, size_t index, or_value_t *value);
static void run_on_thread(void *argument);

or_status_t or_run_program(or_run_t *run, or_program_report_t *report) {
  const or_graph_t *graph = run->session->graph;
  const or_program_run_t program_run = {.inputs = run->values,
                                        .outputs = run->values + graph->input_count,
                                        .wanted = run->wanted,
                                        .cancel = run->outer != NULL ? run->outer : &run->cancel,
                                        .report = report};
  or_status_t status = take_inputs(run);
  if (or_ok(status)) status = or_program_run(run->session->program, &program_run);
  size_t kept = 0;
  for (; or_ok(status) && kept < graph->output_count; ++kept) status = keep_output(run, kept);
  for (size_t i = 0; !or_ok(status) && i < kept; ++i) {
    if (run->given[i]) continue;
    or_tensor_release(run->outputs[i]);
    run->outputs[i] = NULL;
  }
  return or_status_context(status, "model \"%s\"", graph->name);
}

static or_status_t take_inputs(or_run_t *run) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < run->session->graph->input_count; ++i) {
    if (run->inputs[i] != NULL)
      status = or_value_from_tensor(run->session->runtime->allocator, run->inputs[i], &run->values[i]);
  }
  return status;
}

/* A tensor goes where tensors go; what is none stays in run->values. */
static or_status_t keep_output(or_run_t *run, size_t index) {
  const or_graph_t *graph = run->session->graph;
  or_value_t *value = run->values[graph->input_count + index];
  const or_value_info_t *info = &graph->values[graph->outputs[index]];
  if (!run->wanted[index] || value == NULL) return or_status_success();
  or_tensor_t *tensor = or_value_tensor(value);
  if (info->form != OR_FORM_TENSOR) return or_status_success();
  if (tensor == NULL) return or_error(OR_INTERNAL, "output \"%s\" is no tensor", info->name);
  return keep_tensor(run, index, value);
}

/* What is handed out may be written to by a later run: it is nobody else's, no constant and no input. Text can't be
 * written to. */
static or_status_t hand_out(const or_value_t *value, or_tensor_t **out) {
  or_tensor_t *tensor = or_value_tensor(value);
  if (or_value_is_unshared(value) || or_tensor_dtype(tensor) == OR_STRING) {
    or_tensor_retain(tensor);
    *out = tensor;
    return or_status_success();
  }
  or_status_t status =
      or_tensor_create(or_tensor_device(tensor), or_tensor_dtype(tensor), *or_tensor_shape(tensor), out);
  if (or_ok(status) && or_tensor_bytes(tensor) > 0)
    status = or_buffer_copy(or_tensor_buffer(tensor), or_tensor_offset(tensor), or_tensor_buffer(*out),
                            or_tensor_offset(*out), or_tensor_bytes(tensor));
  if (or_ok(status)) return status;
  or_tensor_release(*out);
  *out = NULL;
  return status;
}

static or_status_t keep_tensor(or_run_t *run, size_t index, or_value_t *value) {
  or_tensor_t *tensor = or_value_tensor(value);
  const or_graph_t *graph = run->session->graph;
  const char *name = graph->values[graph->outputs[index]].name;
  run->shapes[index] = *or_tensor_shape(tensor);
  if (!run->given[index]) return hand_out(value, &run->outputs[index]);
  or_tensor_t *given = run->outputs[index];
  if (or_tensor_dtype(given) != or_tensor_dtype(tensor) || or_tensor_dtype(given) == OR_STRING)
    return or_error(OR_INVALID_ARGUMENT, "output \"%s\" is %s, and can't be written into a tensor of %s", name,
                    or_dtype_name(or_tensor_dtype(tensor)), or_dtype_name(or_tensor_dtype(given)));
  if (or_tensor_bytes(given) < or_tensor_bytes(tensor))
    return or_error(OR_OUT_OF_RANGE, "output \"%s\" needs %zu bytes, and the tensor given has %zu", name,
                    or_tensor_bytes(tensor), or_tensor_bytes(given));
  const bool there =
      or_tensor_buffer(tensor) == or_tensor_buffer(given) && or_tensor_offset(tensor) == or_tensor_offset(given);
  if (or_tensor_bytes(tensor) == 0 || there) return or_status_success();
  return or_buffer_copy(or_tensor_buffer(tensor), or_tensor_offset(tensor), or_tensor_buffer(given),
                        or_tensor_offset(given), or_tensor_bytes(tensor));
}

or_status_t or_run_program_async(or_run_t *run) {
  or_thread_t thread = {.started = false};
  or_status_t status = or_thread_start(&thread, "or-program", run_on_thread, run);
  if (or_ok(status)) (void)pthread_detach(thread.handle);
  return status;
}

/* The run is let go of before the caller is told, as other runs are. */
static void run_on_thread(void *argument) {
  or_run_t *run = argument;
  or_status_t status = or_run_program(run, NULL);
  if (or_ok(status)) or_run_deliver(run);
  or_run_callback_t callback = run->callback;
  void *self = run->callback_self;
  or_binding_t *results = run->results;
  const size_t result_count = run->result_count;
  or_run_release(run);
  callback(self, status, results, result_count);
}

/* What came of it: each node and piece that ran, with its time. Which they are depends on the data, so it is run. */
or_status_t or_session_explain_program(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                       or_cancel_t *cancel, or_session_report_t **out) {
  or_program_report_t report = {.allocator = session->runtime->allocator};
  or_run_t *run = NULL;
  const int64_t begin_ns = or_clock_ns();
  void *rows = NULL;
  or_status_t status = or_session_report_make(session, out, &report.arena);
  if (or_ok(status)) status = or_run_take(session, &run);
  if (or_ok(status)) {
    run->outer = cancel;
    status = or_run_bind(run, inputs, input_count, NULL, 0);
    for (size_t i = 0; i < session->graph->output_count; ++i) run->wanted[i] = true;
    if (or_ok(status)) status = or_run_program(run, &report);
    for (size_t i = 0; i < session->graph->output_count; ++i) or_tensor_release(run->outputs[i]);
    or_run_release(run);
  }
  if (or_ok(status)) status = or_arena_array(report.arena, report.row_count, sizeof *report.rows, &rows);
  if (or_ok(status)) {
    double flops = 0, away = 0;
    if (report.row_count > 0) memcpy(rows, report.rows, report.row_count * sizeof *report.rows);
    for (size_t i = 0; i < report.row_count; ++i) {
      flops += report.rows[i].flops;
      if (strcmp(report.rows[i].device_id, or_device_facts(session->device)->id) != 0) away += report.rows[i].flops;
    }
    **out = report.sums;
    (*out)->nodes = rows;
    (*out)->node_count = report.row_count;
    (*out)->weight_bytes = session->graph->weight_bytes;
    (*out)->flops_on_device = flops > 0 ? (flops - away) / flops : 1;
    (*out)->seconds = (double)(or_clock_ns() - begin_ns) * 1e-9;
    (*out)->folded = "a program: pieces that are planned, and nodes on the host between them";
    (*out)->precision = session->options.precision;
  } else {
    or_session_report_free(*out);
    *out = NULL;
  }
  or_free(report.allocator, report.rows);
  or_free(report.allocator, report.keys);
  return status;
}
