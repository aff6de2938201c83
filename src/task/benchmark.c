/* Benchmarks of a device: matrix products and memory, over sizes, and networks, within a time. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "task/task_internal.h"

static or_status_t run_compute(or_task_run_t *run, int64_t until_ns);
static or_status_t run_memory(or_task_run_t *run, int64_t until_ns);
static void write_machine(or_task_run_t *run);

/* A part of the whole, with its share of the time in a comprehensive run. */
typedef struct part_t {
  const char *type;
  or_status_t (*run)(or_task_run_t *run, int64_t until_ns); /* ends at about that instant of or_clock_ns */
  double share;
} part_t;
static const part_t parts[] = {
    {"compute", run_compute, 0.25}, {"memory", run_memory, 0.25}, {"ml", or_task_benchmark_models, 0.5}};

or_status_t or_task_run_benchmark(or_task_run_t *run) {
  or_json_writer_t *json = &run->json;
  char text[OR_CLOCK_TEXT_BYTES];
  const char *type = run->task->kind->type;
  bool all = strcmp(type, "comprehensive") == 0;
  double share = 0;
  or_device_peaks_t peaks;
  or_status_t status = or_device_measure_peaks(run->device, &peaks);
  or_status_ignore(status); /* limits that can't be measured are null; once known, they take none of the time */
  status = or_status_success();
  const int64_t begin_ns = or_clock_ns();
  or_json_field_string(json, "benchmark_type", type);
  or_json_field_string(json, "device", run->result->device_used);
  or_json_key(json, "results");
  or_json_object_begin(json);
  for (size_t i = 0; or_ok(status) && i < sizeof parts / sizeof *parts; ++i) {
    if (!all && strcmp(parts[i].type, type) != 0) continue;
    or_json_key(json, parts[i].type);
    or_json_array_begin(json);
    share += all ? parts[i].share : 1;
    status = parts[i].run(run, begin_ns + (int64_t)(run->task->parameters.duration_s * share * 1e9));
    or_json_array_end(json);
  }
  or_json_object_end(json);
  if (all) run->result->throughput = NAN; /* of what? */
  write_machine(run);
  or_json_field_string(json, "timestamp", or_clock_format(or_clock_wall_us(), text, sizeof text));
  or_task_progress(run, 1.0, type);
  return status;
}

/* One operator on generated inputs within its share of the time. */
typedef struct probe_t {
  const char *op;
  or_dtype_t dtype;
  or_shape_t shapes[2];
  int operands;
  or_tensor_t **kept; /* NULL, or what is taken for the inputs: those that are missing are made, and stay there */
  or_compute_attribute_t attributes[2];
  size_t attribute_count;
  int64_t until_ns; /* generating its inputs included */
} probe_t;

#define LEAST_NS 2e7 /* of a probe: many runs of what is short */

/* Weights lie between the same time for all and the same number of runs: a product's is its side, an array's the cubic
 * root of its bytes.
 * The share of the time that is left for one of `weight` among those that are left. */
static int64_t until_of(int64_t until_ns, double weight, double left) {
  const int64_t now_ns = or_clock_ns();
  return now_ns + (int64_t)fmax(LEAST_NS, (double)(until_ns - now_ns) * weight / left);
}

/* Limits that a rate exceeds are measured again, which takes as long as many runs: only while there is time. */
static double share_of_peak(or_device_t *device, or_dtype_t dtype, double rate, int64_t until_ns) {
  return or_clock_ns() < until_ns ? or_task_share_of_peak(device, dtype, rate)
                                  : or_task_known_share(device, dtype, rate);
}

static double share_of_bandwidth(or_device_t *device, double bytes, double rate, int64_t until_ns) {
  return or_clock_ns() < until_ns ? or_task_share_of_bandwidth(device, bytes, rate)
                                  : or_task_known_share(device, OR_DTYPE_NONE, rate);
}

static or_status_t measure_probe(or_task_run_t *run, const probe_t *probe, or_measurement_t *out) {
  or_tensor_t *own[2] = {NULL, NULL}, **inputs = probe->kept != NULL ? probe->kept : own;
  or_binding_t bindings[2] = {0}, output = {0};
  or_session_t *session = NULL;
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < probe->operands; ++i) {
    if (inputs[i] == NULL)
      status =
          or_task_generate(run->device, probe->dtype, probe->shapes[i], (uint64_t)i, run->context->cancel, &inputs[i]);
    bindings[i].tensor = inputs[i];
  }
  or_compute_call_t call = {.op = probe->op,
                            .attributes = probe->attributes,
                            .attribute_count = probe->attribute_count,
                            .inputs = inputs,
                            .input_count = (size_t)probe->operands,
                            .output_count = 1};
  size_t operands = (size_t)probe->operands;
  if (or_ok(status)) status = or_compute_session(run->device, &call, &session);
  const or_measure_options_t options = {.until_ns = probe->until_ns, .cancel = run->context->cancel};
  if (or_ok(status))
    status = or_task_measure(session, &(or_measure_bindings_t){bindings, operands, &output, 1}, &options, out);
  if (or_ok(status)) status = or_task_note_place(run, session);
  or_tensor_release(output.tensor);
  or_session_release(session);
  for (int i = 0; i < 2; ++i) or_tensor_release(own[i]);
  return status;
}

static or_status_t run_compute(or_task_run_t *run, int64_t until_ns) {
  static const int64_t default_sizes[] = {256, 512, 1024, 2048};
  static const or_dtype_t default_dtypes[] = {OR_FLOAT32, OR_FLOAT64};
  const or_task_parameters_t *p = &run->task->parameters;
  const int64_t *sizes = p->size_count > 0 ? p->sizes : default_sizes;
  const or_dtype_t *dtypes = p->dtype_count > 0 ? p->dtypes : default_dtypes;
  size_t size_count = p->size_count > 0 ? p->size_count : sizeof default_sizes / sizeof *default_sizes;
  size_t dtype_count = p->dtype_count > 0 ? p->dtype_count : sizeof default_dtypes / sizeof *default_dtypes;
  const size_t total = size_count * dtype_count;
  double left = 0;
  size_t done = 0;
  or_status_t status = or_status_success();
  for (size_t s = 0; s < size_count; ++s) left += (double)dtype_count * (double)sizes[s];
  for (size_t d = 0; or_ok(status) && d < dtype_count; ++d) {
    for (size_t s = 0; or_ok(status) && s < size_count; ++s, ++done) {
      char what[64];
      or_measurement_t time;
      or_shape_t square = or_shape_make(2, (int64_t[]){sizes[s], sizes[s]});
      probe_t probe = {.op = dtypes[d] == OR_INT8 ? "MatMulInteger" : "MatMul",
                       .dtype = dtypes[d],
                       .shapes = {square, square},
                       .operands = 2,
                       .until_ns = until_of(until_ns, (double)sizes[s], left)};
      left -= (double)sizes[s];
      or_task_progress(run, (double)done / (double)total,
                       or_format(what, sizeof what, "%s %lld", or_dtype_name(dtypes[d]), (long long)sizes[s]));
      status = measure_probe(run, &probe, &time);
      if (!or_ok(status)) break;
      double n = (double)sizes[s], rate = 2.0 * n * n * n / time.median_s;
      or_json_object_begin(&run->json);
      or_json_field_int(&run->json, "size", sizes[s]);
      or_json_field_string(&run->json, "dtype", or_dtype_name(dtypes[d]));
      or_json_field_double(&run->json, "gflops", rate * 1e-9);
      or_task_write_share(&run->json, "percent_of_peak", share_of_peak(run->worked, dtypes[d], rate, until_ns));
      or_json_field_string(&run->json, "device", or_device_facts(run->worked)->id);
      or_json_field_double(&run->json, "execution_time", time.median_s);
      or_json_field_double(&run->json, "min", time.min_s);
      or_json_field_double(&run->json, "p99", time.p99_s);
      or_json_field_int(&run->json, "runs", time.runs);
      or_json_object_end(&run->json);
      run->result->throughput = rate * 1e-9;
    }
  }
  return status;
}

/* Bytes moved for each element of float32. */
typedef struct memory_kind_t {
  const char *kind, *op;
  int operands;
  double bytes;
} memory_kind_t;
static const memory_kind_t memory_kinds[] = {{"copy", "openruntime:Copy", 1, 8},
                                             {"read", "openruntime:ReadSum", 1, 4},
                                             {"write", "openruntime:Fill", 0, 4},
                                             {"triad", "openruntime:Triad", 2, 12}};
#define MEMORY_KIND_COUNT (sizeof memory_kinds / sizeof *memory_kinds)

/* One size, whose operands all its kinds share. */
typedef struct memory_size_t {
  int64_t size_kb;
  or_tensor_t *operands[2];
} memory_size_t;

static or_status_t probe_memory(or_task_run_t *run, const memory_kind_t *kind, memory_size_t *size, int64_t until_ns) {
  const int64_t size_kb = size->size_kb;
  int64_t elements = size_kb * 256;
  or_measurement_t time;
  or_shape_t shape = or_shape_make(1, &elements);
  bool fill = kind->operands == 0;
  probe_t probe = {.op = kind->op,
                   .dtype = OR_FLOAT32,
                   .shapes = {shape, shape},
                   .operands = kind->operands,
                   .kept = size->operands,
                   .attributes = {{.name = "shape", .integers = &elements, .integer_count = 1},
                                  {.name = "value", .real = OR_TASK_FILL_VALUE}},
                   .attribute_count = fill ? 2 : 0,
                   .until_ns = until_ns};
  or_status_t status = measure_probe(run, &probe, &time);
  if (!or_ok(status)) return status;
  double bytes = kind->bytes * (double)elements, rate = bytes / time.median_s;
  or_json_object_begin(&run->json);
  or_json_field_int(&run->json, "size_kb", size_kb);
  or_json_field_double(&run->json, "bandwidth_mbps", rate * 1e-6);
  or_json_field_string(&run->json, "kind", kind->kind);
  or_task_write_share(&run->json, "percent_of_bandwidth", share_of_bandwidth(run->worked, bytes, rate, until_ns));
  or_json_field_string(&run->json, "device", or_device_facts(run->worked)->id);
  or_json_field_double(&run->json, "execution_time", time.median_s);
  or_json_field_double(&run->json, "min", time.min_s);
  or_json_field_double(&run->json, "p99", time.p99_s);
  or_json_field_int(&run->json, "runs", time.runs);
  or_json_object_end(&run->json);
  run->result->throughput = rate * 1e-9;
  return status;
}

static or_status_t run_memory(or_task_run_t *run, int64_t until_ns) {
  static const int64_t default_sizes[] = {64, 1024, 16384, 262144};
  const or_task_parameters_t *p = &run->task->parameters;
  bool given = p->size_count > 0 && strcmp(run->task->kind->type, "memory") == 0;
  const int64_t *sizes = given ? p->sizes : default_sizes;
  size_t size_count = given ? p->size_count : sizeof default_sizes / sizeof *default_sizes;
  const size_t total = size_count * MEMORY_KIND_COUNT;
  double left = 0;
  size_t done = 0;
  or_status_t status = or_status_success();
  for (size_t s = 0; s < size_count; ++s) left += (double)MEMORY_KIND_COUNT * cbrt((double)sizes[s]);
  for (size_t s = 0; or_ok(status) && s < size_count; ++s) {
    memory_size_t size = {sizes[s], {NULL, NULL}};
    for (size_t k = 0; or_ok(status) && k < MEMORY_KIND_COUNT; ++k, ++done) {
      char what[64];
      or_task_progress(run, (double)done / (double)total,
                       or_format(what, sizeof what, "%s %lld KiB", memory_kinds[k].kind, (long long)sizes[s]));
      status = probe_memory(run, &memory_kinds[k], &size, until_of(until_ns, cbrt((double)sizes[s]), left));
      left -= cbrt((double)sizes[s]);
    }
    for (size_t i = 0; i < 2; ++i) or_tensor_release(size.operands[i]);
  }
  return status;
}

static void write_peak(or_json_writer_t *json, const char *key, double value, double scale) {
  if (isfinite(value)) {
    or_json_field_double(json, key, value * scale);
  } else {
    or_json_field_null(json, key);
  }
}

/* What the figures came from. */
static void write_machine(or_task_run_t *run) {
  or_json_writer_t *json = &run->json;
  const or_device_facts_t *facts = or_device_facts(run->device);
  or_device_peaks_t peaks = {NAN, NAN, NAN, NAN, NAN, NAN};
  or_status_t status = or_device_measure_peaks(run->device, &peaks);
  or_json_key(json, "machine");
  or_json_object_begin(json);
  or_json_field_string(json, "device_name", facts->name);
  or_json_field_int(json, "compute_units", facts->compute_units);
  or_json_field_string(json, "compute_capability", facts->compute_capability);
  or_json_key(json, "capabilities");
  or_json_array_begin(json);
  for (uint32_t i = 0; i < facts->capability_count; ++i) or_json_string(json, facts->capabilities[i]);
  or_json_array_end(json);
  if (facts->memory_total_bytes != OR_UNKNOWN_U) {
    or_json_field_int(json, "memory_total", (int64_t)facts->memory_total_bytes);
  } else {
    or_json_field_null(json, "memory_total");
  }
  write_peak(json, "peak_fp32_gflops", or_ok(status) ? peaks.fp32_flops : NAN, 1e-9);
  write_peak(json, "peak_fp64_gflops", or_ok(status) ? peaks.fp64_flops : NAN, 1e-9);
  write_peak(json, "read_gbps", or_ok(status) ? peaks.read_bytes_per_second : NAN, 1e-9);
  write_peak(json, "copy_gbps", or_ok(status) ? peaks.copy_bytes_per_second : NAN, 1e-9);
  or_json_field_string(json, "version", or_version());
  or_json_object_end(json);
  or_status_ignore(status); /* limits that can't be measured are null */
}
