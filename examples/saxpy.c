/* A kernel of your own: y = a * x + y in OpenCL C, compiled and run in a process of its own. */
#include <openruntime/openruntime.h>
#include <stdio.h>
#include <string.h>

#define COUNT 1000

static const char source[] = "__kernel void saxpy(float a, __global const float *x, __global float *y, uint count) {\n"
                             "  const size_t i = get_global_id(0);\n"
                             "  if (i < count) y[i] += a * x[i];\n"
                             "}\n";

static or_status_t run(or_runtime_t *runtime, or_kernel_t *kernel, bool *right) {
  float x[COUNT], y[COUNT];
  or_device_t *host = NULL;
  or_tensor_t *tensors[2] = {NULL, NULL};
  or_kernel_result_t result = {.seconds = 0};
  const or_shape_t shape = or_shape_make(1, (int64_t[]){COUNT});
  for (int i = 0; i < COUNT; ++i) {
    x[i] = (float)i;
    y[i] = 1;
  }
  or_status_t status = or_runtime_find_device(runtime, "cpu", &host);
  if (or_ok(status)) status = or_tensor_create_from(host, OR_FLOAT32, shape, x, sizeof x, &tensors[0]);
  if (or_ok(status)) status = or_tensor_create_from(host, OR_FLOAT32, shape, y, sizeof y, &tensors[1]);
  const or_kernel_argument_t arguments[] = {{.is_number = true, .real = 0.5},
                                            {.tensor = tensors[0]},
                                            {.tensor = tensors[1]},
                                            {.is_number = true, .is_integer = true, .integer = COUNT}};
  const or_kernel_launch_t launch = {
      .grid = {.grid = {16, 1, 1}, .block = {64, 1, 1}}, .arguments = arguments, .argument_count = 4};
  if (or_ok(status)) status = or_kernel_run(kernel, &launch, &result);
  if (or_ok(status)) {
    const float *got = or_tensor_data(result.outputs[2]); /* y, as the kernel left it; yours is as it was */
    *right = true;
    for (int i = 0; i < COUNT; ++i) *right = *right && got[i] == 0.5f * (float)i + 1;
  }
  or_kernel_result_free(&result);
  or_tensor_release(tensors[0]);
  or_tensor_release(tensors[1]);
  return status;
}

int main(void) {
  or_runtime_t *runtime = NULL;
  or_kernels_t *kernels = NULL;
  or_kernel_t *kernel = NULL;
  char log[OR_KERNEL_LOG_BYTES] = "";
  bool right = false;
  const or_kernel_request_t request = {.source = source, .source_bytes = strlen(source), .entry = "saxpy"};
  or_status_t status = or_runtime_create(NULL, &runtime);
  if (or_ok(status)) status = or_kernels_create(runtime, NULL, &kernels);
  if (or_ok(status)) status = or_kernel_compile(kernels, &request, log, &kernel);
  if (or_ok(status)) status = run(runtime, kernel, &right);
  const or_status_code_t code = or_status_code(status);
  if (code == OR_OK) {
    (void)printf("saxpy on %s: %s\n", or_kernel_facts(kernel)->device_id, right ? "right" : "wrong");
  } else { /* without a driver for OpenCL there is nothing to show */
    (void)fprintf(stderr, "saxpy: %s\n%s", or_status_message(status), log);
  }
  or_status_ignore(status); /* printed */
  or_kernel_release(kernel);
  or_kernels_release(kernels);
  or_runtime_release(runtime);
  return (code == OR_OK && right) || code == OR_UNAVAILABLE ? 0 : 1;
}
