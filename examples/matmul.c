/* A matrix product on the fastest device, checked by hand. */
#include <openruntime/openruntime.h>
#include <stdio.h>

static int fail(or_status_t status) {
  (void)fprintf(stderr, "matmul: %s\n", or_status_message(status));
  or_status_ignore(status); /* printed */
  return 1;
}

int main(void) {
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_tensor_t *inputs[2] = {NULL, NULL}, *output = NULL;
  const float a[2][3] = {{1, 2, 3}, {4, 5, 6}}, b[3][2] = {{7, 8}, {9, 10}, {11, 12}};
  float c[2][2] = {{0}};

  or_status_t status = or_runtime_create(NULL, &runtime);
  if (or_ok(status)) status = or_runtime_find_device(runtime, "auto", &device);
  if (or_ok(status))
    status = or_tensor_create_from(device, OR_FLOAT32, or_shape_make(2, (int64_t[]){2, 3}), a, sizeof a, &inputs[0]);
  if (or_ok(status))
    status = or_tensor_create_from(device, OR_FLOAT32, or_shape_make(2, (int64_t[]){3, 2}), b, sizeof b, &inputs[1]);
  or_compute_call_t call = {.op = "MatMul", .inputs = inputs, .input_count = 2, .outputs = &output, .output_count = 1};
  if (or_ok(status)) status = or_compute(device, &call);
  if (or_ok(status)) status = or_tensor_read(output, c, sizeof c);
  if (or_ok(status)) {
    (void)printf("%s: [[%g, %g], [%g, %g]]\n", or_device_facts(device)->id, (double)c[0][0], (double)c[0][1],
                 (double)c[1][0], (double)c[1][1]);
  }
  or_tensor_release(output);
  or_tensor_release(inputs[1]);
  or_tensor_release(inputs[0]);
  or_runtime_release(runtime);
  if (!or_ok(status)) return fail(status);
  return c[0][0] == 58 && c[0][1] == 64 && c[1][0] == 139 && c[1][1] == 154 ? 0 : 1;
}
