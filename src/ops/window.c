/* The window part of ops/shape.h: attributes of Conv and the pools. */
#include "ops/window_internal.h"

static or_status_t read_auto_pad(const or_op_call_t *call, or_auto_pad_t *out);
static or_status_t read_kernel(const or_op_call_t *call, const int64_t *kernel, or_window_t *window);
static or_status_t read_pads(const or_op_call_t *call, or_window_t *window);
static or_status_t place(or_window_t *window, int32_t axis, or_auto_pad_t auto_pad, bool ceil_mode);
static void place_same(or_window_t *window, int32_t axis, bool upper);

or_status_t or_window_make(const or_op_call_t *call, const or_shape_t *input, const int64_t *kernel, or_window_t *out) {
  or_window_t window;
  or_auto_pad_t auto_pad = OR_PAD_EXPLICIT;
  or_status_t status = or_window_read(call, input, kernel, &auto_pad, &window);
  bool ceil_mode = or_op_attribute_int(call, "ceil_mode", 0) != 0;
  for (int32_t i = 0; or_ok(status) && i < window.rank; ++i) status = place(&window, i, auto_pad, ceil_mode);
  if (or_ok(status)) *out = window;
  return status;
}

or_status_t or_window_read(const or_op_call_t *call, const or_shape_t *input, const int64_t *kernel,
                           or_auto_pad_t *auto_pad, or_window_t *out) {
  *out = (or_window_t){.rank = input->rank - 2};
  if (out->rank < 1) {
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,spatial...]", (int)input->rank);
  }
  for (int32_t i = 0; i < out->rank; ++i) {
    out->in[i] = input->dims[i + 2];
    out->stride[i] = out->dilation[i] = 1;
  }
  *auto_pad = OR_PAD_EXPLICIT;
  or_status_t status = read_auto_pad(call, auto_pad);
  if (or_ok(status)) status = read_kernel(call, kernel, out);
  if (or_ok(status)) status = or_window_read_ints(call, "strides", out->rank, 1, out->stride);
  if (or_ok(status)) status = or_window_read_ints(call, "dilations", out->rank, 1, out->dilation);
  /* Where auto_pad decides, `pads` is not looked at: files that carry both are common, and other runtimes read them so.
   * */
  if (or_ok(status) && *auto_pad == OR_PAD_EXPLICIT) status = read_pads(call, out);
  return status;
}

static or_status_t read_auto_pad(const or_op_call_t *call, or_auto_pad_t *out) {
  static const char *const names[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
  for (int i = 0; i < 4; ++i) {
    if (!or_op_attribute_is(call, "auto_pad", names[i], "NOTSET")) continue;
    *out = (or_auto_pad_t)i;
    return or_status_success();
  }
  const or_attribute_t *attribute = or_op_attribute(call, "auto_pad");
  int shown = attribute->string.length < 64 ? (int)attribute->string.length : 64;
  return or_error(OR_INVALID_ARGUMENT,
                  "attribute \"auto_pad\" is \"%.*s\", expected NOTSET, VALID, SAME_UPPER or SAME_LOWER", shown,
                  attribute->string.data);
}

static or_status_t read_kernel(const or_op_call_t *call, const int64_t *kernel, or_window_t *window) {
  for (int32_t i = 0; i < window->rank; ++i) window->kernel[i] = kernel != NULL ? kernel[i] : OR_DIM_UNKNOWN;
  or_status_t status = or_window_read_ints(call, "kernel_shape", window->rank, 1, window->kernel);
  for (int32_t i = 0; or_ok(status) && i < window->rank; ++i) {
    int64_t given = kernel != NULL ? kernel[i] : OR_DIM_UNKNOWN;
    if (given >= 0 && given != window->kernel[i]) {
      status =
          or_error(OR_INVALID_ARGUMENT, "attribute \"kernel_shape\" is %lld in dimension %d, the weights have %lld",
                   (long long)window->kernel[i], (int)i, (long long)given);
    }
    if (window->kernel[i] == 0 || window->kernel[i] > OR_WINDOW_LIMIT) {
      status = or_error(OR_INVALID_ARGUMENT, "the kernel's extent %lld in dimension %d is outside [1, %lld]",
                        (long long)window->kernel[i], (int)i, (long long)OR_WINDOW_LIMIT);
    }
  }
  return status;
}

/* Overwrites out[0..rank) where the attribute is present. */
or_status_t or_window_read_ints(const or_op_call_t *call, const char *name, int32_t rank, int64_t least, int64_t *out) {
  size_t count = 0;
  const int64_t *values = or_op_attribute_ints(call, name, &count);
  if (count == 0) return or_status_success();
  if (count != (size_t)rank) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" has %zu values, expected %d", name, count, (int)rank);
  }
  for (size_t i = 0; i < count; ++i) {
    if (values[i] < least || values[i] > OR_WINDOW_LIMIT) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" holds %lld at %zu, outside [%lld, %lld]", name,
                      (long long)values[i], i, (long long)least, (long long)OR_WINDOW_LIMIT);
    }
    out[i] = values[i];
  }
  return or_status_success();
}

static or_status_t read_pads(const or_op_call_t *call, or_window_t *window) {
  int64_t pads[2 * OR_MAX_SPATIAL] = {0};
  or_status_t status = or_window_read_ints(call, "pads", 2 * window->rank, 0, pads);
  for (int32_t i = 0; or_ok(status) && i < window->rank; ++i) {
    window->pad_begin[i] = pads[i];
    window->pad_end[i] = pads[i + window->rank];
  }
  return status;
}

static or_status_t place(or_window_t *window, int32_t axis, or_auto_pad_t auto_pad, bool ceil_mode) {
  int64_t in = window->in[axis], stride = window->stride[axis];
  if (in > INT64_MAX / 4) {
    return or_error(OR_INVALID_ARGUMENT, "the input's extent %lld in dimension %d is too large", (long long)in,
                    (int)axis + 2);
  }
  if (auto_pad == OR_PAD_SAME_UPPER || auto_pad == OR_PAD_SAME_LOWER) {
    place_same(window, axis, auto_pad == OR_PAD_SAME_UPPER);
    return or_status_success();
  }
  window->out[axis] = OR_DIM_UNKNOWN;
  if (window->kernel[axis] < 0) return or_status_success();
  int64_t reach = (window->kernel[axis] - 1) * window->dilation[axis] + 1;
  int64_t pads = window->pad_begin[axis] + window->pad_end[axis];
  if (in < 0) { /* as many windows as elements: the symbol stays */
    if (stride == 1 && pads == reach - 1) window->out[axis] = in;
    return or_status_success();
  }
  int64_t room = in + pads - reach;
  if (room < 0) {
    window->out[axis] = 0;
    if (in == 0) return or_status_success();
    return or_error(OR_INVALID_ARGUMENT,
                    "the window of %lld does not fit into dimension %d of the input, %lld with padding",
                    (long long)reach, (int)axis + 2, (long long)(in + pads));
  }
  int64_t steps = ceil_mode ? (room + stride - 1) / stride : room / stride;
  /* A window that would start behind the input, in the padding of the end, is none. */
  if (ceil_mode && steps > 0 && steps * stride >= in + window->pad_begin[axis]) --steps;
  window->out[axis] = steps + 1;
  return or_status_success();
}

static void place_same(or_window_t *window, int32_t axis, bool upper) {
  int64_t in = window->in[axis], stride = window->stride[axis];
  int64_t reach = (window->kernel[axis] - 1) * window->dilation[axis] + 1;
  window->pad_begin[axis] = window->pad_end[axis] = OR_DIM_UNKNOWN;
  window->out[axis] = stride == 1 ? in : OR_DIM_UNKNOWN;
  if (in >= 0) window->out[axis] = in / stride + (in % stride != 0);
  if (window->kernel[axis] < 0 || (in < 0 && stride > 1)) return;
  int64_t total = in < 0 ? reach - 1 : (window->out[axis] - 1) * stride + reach - in;
  if (total < 0 || in == 0) total = 0;
  window->pad_begin[axis] = upper ? total / 2 : total - total / 2;
  window->pad_end[axis] = total - window->pad_begin[axis];
}

or_window_run_t or_window_run(const or_window_t *window, const int64_t *kernel, const int64_t *position,
                              int64_t count) {
  int32_t last = window->rank - 1;
  int64_t at = 0, line = 0;
  bool inside = true;
  for (int32_t d = 0; d <= last; ++d) {
    at = position[d] * window->stride[d] - window->pad_begin[d] + kernel[d] * window->dilation[d];
    if (d == last) break;
    inside = inside && at >= 0 && at < window->in[d];
    if (inside) line = (line + at) * window->in[d + 1];
  }
  or_window_run_t run = {.step = window->stride[last]};
  if (!inside) return run;
  run.begin = at < 0 ? (-at + run.step - 1) / run.step : 0;
  run.end = at < window->in[last] ? (window->in[last] - at + run.step - 1) / run.step : 0;
  if (run.end > count) run.end = count;
  if (run.end <= run.begin) return (or_window_run_t){.step = run.step};
  run.first = line + at + run.begin * run.step;
  return run;
}

void or_window_add(const or_window_t *window, const int64_t *kernel, or_window_values_t values, void *sums) {
  int32_t last = window->rank - 1;
  int64_t position[OR_MAX_SPATIAL];
  or_window_unravel((uint64_t)values.first, window->out, window->rank, position);
  for (int64_t done = 0, length = 0; done < values.count; done += length) {
    int64_t left = window->out[last] - position[last];
    length = left < values.count - done ? left : values.count - done;
    or_window_run_t run = or_window_run(window, kernel, position, length);
    if (values.integer) {
      const uint64_t *from = (const uint64_t *)values.data + done;
      uint64_t *to = sums;
      for (int64_t i = run.begin; i < run.end; ++i) to[run.first + (i - run.begin) * run.step] += from[i];
    } else {
      const double *from = (const double *)values.data + done;
      double *to = sums;
      for (int64_t i = run.begin; i < run.end; ++i) to[run.first + (i - run.begin) * run.step] += from[i];
    }
    position[last] = 0; /* the next run, if there is one, begins a line */
    for (int32_t d = last - 1; d >= 0 && ++position[d] == window->out[d]; --d) position[d] = 0;
  }
}

void or_window_unravel(uint64_t offset, const int64_t *extents, int32_t rank, int64_t *index) {
  for (int32_t d = rank - 1; d >= 0; --d) {
    index[d] = (int64_t)(offset % (uint64_t)extents[d]);
    offset /= (uint64_t)extents[d];
  }
}
